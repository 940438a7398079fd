//! Queue monitoring: metrics for Prometheus, and the output line and exit
//! status of a monitoring plugin.

use std::ffi::OsStr;
use std::io;
use std::io::Write;
use std::path::Path;

use super::super::Fatal;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::super::listing;
use super::super::listing::{CountSummary, Session};
use super::super::output;
use super::arguments::PostqueueArguments;
use super::mode::Thresholds;
use super::output_file;
use super::view::request;
use crate::listing::metrics;
use crate::listing::{CountBy, CountPlan, Style};
use crate::logging::Logger;
use crate::sys::child;
use crate::sys::error_text::error_text;
use crate::sys::time;

/// The number of values in each list without `--top`.
const TOP: usize = 10;

/// Prints the metrics.
pub(super) fn metrics(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
) -> Result<(), Fatal> {
    let now = time::now();
    let plan = metrics::plan(now);
    let counted = listing::count(
        session.again(),
        &request(arguments, Style::Counts(&plan)),
        &plan,
    )?;
    let text = metrics::write(counted.counts, now, arguments.top.unwrap_or(TOP));
    let written = io::stdout().lock().write_all(&text);
    written.map_err(
        |error| match output::output_failed(session.logger, &error) {
            Err(fatal) => fatal,
            // The exit status keeps a reader from taking part of the metrics
            // for all of them.
            Ok(()) => Fatal::already_reported(STATUS_UNAVAILABLE),
        },
    )
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
    let ended = child::run(child::ChildStdout::Collected, || {
        count(logger).map_or_else(Fatal::status, |()| 0)
    });
    let text = match ended {
        Ok(ended) if ended.status == Some(0) => ended.output,
        // The child process has reported the reason.
        Ok(_) => return Err(Fatal::already_reported(STATUS_UNAVAILABLE)),
        Err(error) => {
            let text = format!("cannot start a process: {}", error_text(&error));
            return Err(unavailable(logger, &text));
        }
    };
    output_file::write(Path::new(file), &text).map_err(|error| {
        let text = format!("cannot write {}: {error}", file.display());
        unavailable(logger, &text)
    })
}

/// The state that is reported to a monitoring system, in order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MonitorState {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl MonitorState {
    /// The exit status.
    fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    fn of(value: u64, warn: Option<u64>, crit: Option<u64>) -> Self {
        let above = |limit: Option<u64>| limit.is_some_and(|limit| value > limit);
        match (above(crit), above(warn)) {
            (true, _) => Self::Critical,
            (false, true) => Self::Warning,
            (false, false) => Self::Ok,
        }
    }
}

/// Checks the queue: prints one line on standard output and returns the
/// plugin's status.
pub(super) fn check(session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    let thresholds = arguments.thresholds;
    let needs_ages = thresholds.warn_age.is_some() || thresholds.crit_age.is_some();
    let plan = CountPlan {
        by: vec![CountBy::Queue],
        ages_at: None,
        needs_sizes: needs_ages,
    };
    let request = request(arguments, Style::Counts(&plan));
    let (state, line) = match listing::count(session, &request, &plan) {
        Ok(counted) => evaluate(&counted, &thresholds, time::now()),
        Err(_) => {
            let text = "the queue cannot be read, see standard error";
            (MonitorState::Unknown, text.to_owned())
        }
    };
    let line = format!("MAILQ {} - {line}\n", state.word());
    let written = io::stdout().lock().write_all(line.as_bytes());
    let state = match written {
        Ok(()) => state,
        Err(_) => MonitorState::Unknown,
    };
    match state {
        MonitorState::Ok => Ok(()),
        other => Err(Fatal::already_reported(other.status())),
    }
}

/// Returns the state of the queue and its description.
fn evaluate(counted: &CountSummary, thresholds: &Thresholds, now: i64) -> (MonitorState, String) {
    let Thresholds {
        warn,
        crit,
        warn_age,
        crit_age,
    } = *thresholds;
    let messages = counted.totals.messages;
    let mut state = MonitorState::of(messages, warn, crit);
    let s = if messages == 1 { "" } else { "s" };
    let mut text = format!("{messages} message{s}");
    let mut data = format!("messages={messages};{};{};0", limit(warn), limit(crit));
    if warn_age.is_some() || crit_age.is_some() {
        let groups = counted.counts.by.iter().flat_map(|groups| groups.values());
        let oldest = groups.map(|group| group.oldest).min();
        let age = oldest.map_or(0, |time| now.saturating_sub(time).max(0).unsigned_abs());
        state = state.max(MonitorState::of(age, warn_age, crit_age));
        text.push_str(&format!(", the oldest {}", words(age)));
        data.push_str(&format!(
            " oldest={age}s;{};{};0",
            limit(warn_age),
            limit(crit_age)
        ));
    }
    (state, format!("{text} | {data}"))
}

fn limit(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| limit.to_string())
}

fn words(seconds: u64) -> String {
    let mut text = Vec::new();
    crate::listing::write_duration(i64::try_from(seconds).unwrap_or(i64::MAX), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_largest_value_that_is_ok() {
        assert_eq!(MonitorState::of(5, Some(5), Some(10)), MonitorState::Ok);
        assert_eq!(
            MonitorState::of(6, Some(5), Some(10)),
            MonitorState::Warning
        );
        assert_eq!(
            MonitorState::of(11, Some(5), Some(10)),
            MonitorState::Critical
        );
        assert_eq!(MonitorState::of(11, None, Some(10)), MonitorState::Critical);
        assert_eq!(MonitorState::of(u64::MAX, None, None), MonitorState::Ok);
    }
}
