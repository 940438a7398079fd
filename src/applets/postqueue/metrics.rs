//! `postqueue --prometheus`: prints the metrics of one instance or of all, or
//! writes them to a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufWriter, Seek, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use super::super::Fatal;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::super::instances;
use super::super::instances::{Asker, HostInstance};
use super::super::listing;
use super::super::listing::Session;
use super::super::output;
use super::arguments::PostqueueArguments;
use super::output_file;
use super::view::request;
use crate::listing::metrics::{ScanFacts, Top};
use crate::listing::{ListingError, MetricsMerge, Style, metrics};
use crate::logging::Logger;
use crate::sys::child;
use crate::sys::child::ChildStdout;
use crate::sys::error_text::error_text;
use crate::sys::time;

/// The number of values in each list without `--top`.
const TOP: Top = Top::First(10);

/// Prints the metrics of an instance.
pub(super) fn print(mut session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    let (began, clock) = (time::now(), Instant::now());
    let plan = metrics::plan(began);
    let counted = listing::count(
        session.reborrow(),
        &request(arguments, Style::Counts(&plan)),
        &plan,
    )?;
    let scan = ScanFacts {
        instance: &instances::name_of(session.config),
        began,
        duration: clock.elapsed(),
        errors: counted.errors,
        corrupt: counted.corrupt,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = metrics::write(
        counted.counts,
        &scan,
        arguments.top.unwrap_or(TOP),
        &mut out,
    );
    written
        .and_then(|()| out.flush())
        .map_err(|error| unwritten(&error, session.logger))
}

/// Prints the metrics of all instances, each family once. An instance that cannot
/// be read has only the metric that says so.
pub(super) fn print_all(
    asker: &mut Asker<'_>,
    instances: &[HostInstance],
    work: impl FnMut(&HostInstance, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let mut merge = MetricsMerge::default();
    let mut kept = Ok(());
    let mut readable = 0u64;
    let ended = asker.each(instances, ChildStdout::Collected, work, |instance, end| {
        let mut text = end.output;
        if end.status == Some(0) {
            readable = readable.saturating_add(1);
        } else {
            text.clear();
            // Writing to memory cannot fail.
            let _ = metrics::write_failure(&instance.name, &mut text);
        }
        if kept.is_ok() {
            kept = merge.add(&text);
        }
    });
    let logger = &mut *asker.logger;
    kept.map_err(|error| {
        let why = error_text(&error);
        unavailable(logger, format!("cannot keep metrics in a file: {why}"))
    })?;
    if readable == 0 {
        return ended;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = merge.write(&mut out);
    let flushed = out.flush().map_err(ListingError::Output);
    match written.and(flushed) {
        // The metrics say which instances cannot be read: a file of them is
        // complete.
        Ok(()) => Ok(()),
        Err(ListingError::Output(error)) => Err(unwritten(&error, logger)),
        Err(error) => Err(unavailable(logger, error.to_string())),
    }
}

/// Reports that standard output cannot be written. A reader that has gone is a
/// failure too: the exit status keeps it from taking part of the metrics for all
/// of them.
fn unwritten(error: &io::Error, logger: &mut Logger) -> Fatal {
    match output::output_failed(logger, error) {
        Err(fatal) => fatal,
        Ok(()) => Fatal::already_reported(STATUS_UNAVAILABLE),
    }
}

/// Writes the metrics to a file, which is replaced when all of them are known:
/// readers see either the old or the new ones.
///
/// The spool is read with the mail owner's rights, which do not suffice to
/// write where node_exporter looks. A forked copy of this process therefore
/// reads the spool, while this one writes the file with the caller's rights and
/// never reads the spool.
pub(super) fn replace(
    file: &OsStr,
    logger: &mut Logger,
    count: impl FnOnce(&mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let failed = |logger: &mut Logger, what: &str, error: &io::Error| {
        unavailable(logger, format!("{what}: {}", error_text(error)))
    };
    let mut text = tempfile::tempfile()
        .map_err(|error| failed(logger, "cannot make a temporary file", &error))?;
    let ended = child::run(ChildStdout::File(text.as_fd()), || {
        count(logger).map_or_else(Fatal::status, |()| 0)
    });
    match ended {
        Ok(ended) if ended.status == Some(0) => {}
        // The child process has reported the reason.
        Ok(_) => return Err(Fatal::already_reported(STATUS_UNAVAILABLE)),
        Err(error) => return Err(failed(logger, "cannot start a process", &error)),
    }
    copy(&mut text, file).map_err(|error| {
        let text = format!("cannot write {}: {error}", file.display());
        unavailable(logger, &text)
    })
}

fn copy(text: &mut File, file: &OsStr) -> Result<(), output_file::OutputError> {
    text.rewind()?;
    output_file::write(Path::new(file), text)
}
