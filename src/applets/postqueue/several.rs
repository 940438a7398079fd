//! `postqueue --all-instances`: one output from all instances of the host.

use super::super::fatal::STATUS_UNAVAILABLE;
use super::super::instance::InstanceChoice;
use super::super::instances;
use super::super::instances::{Asker, HostInstance};
use super::super::{Call, Fatal};
use super::arguments::PostqueueArguments;
use super::mode::{CountFormat, OutputScope, PostqueueMode, View};
use super::options::PROGRAM;
use super::view;
use super::{check, metrics};
use crate::logging::Logger;
use crate::sys::child::ChildStdout;

/// Carries out the call for each instance in turn, and goes on after a failure.
pub(super) fn run(
    call: &Call,
    mut arguments: PostqueueArguments,
    logger: &mut Logger,
    on_instance: impl Fn(&Call, &mut PostqueueArguments, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let directory = arguments.config_directory.take();
    let choice = InstanceChoice {
        directory: directory.as_deref(),
        release: arguments.release,
    };
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger,
        status: STATUS_UNAVAILABLE,
    };
    let all = if is_view(arguments.mode.as_ref()) {
        asker.all_to_view(choice)?
    } else {
        asker.all(choice)?
    };
    arguments.scope = OutputScope::OneOfSeveral;
    arguments.parent = Some(std::process::id());
    let mode = arguments.mode.clone();
    let mut work = |instance: &HostInstance, logger: &mut Logger| {
        arguments.config_directory = Some(instance.directory.clone());
        arguments.instance = Some(match arguments.mode {
            Some(PostqueueMode::Check) => instance.label(),
            _ => instance.name.clone(),
        });
        on_instance(call, &mut arguments, logger)
    };
    match mode {
        Some(PostqueueMode::Check) => {
            let with_cause = |instance: &HostInstance, logger: &mut Logger| {
                let ended = work(instance, logger);
                ended.inspect_err(|fatal| check::print_cause(*fatal, logger))
            };
            check::run_all(&mut asker, &all, with_cause)
        }
        Some(PostqueueMode::Metrics) => metrics::print_all(&mut asker, &all, work),
        Some(PostqueueMode::List(View::Csv)) => {
            view::print_csv_heading(asker.logger)?;
            asker.each(&all, ChildStdout::Shared, work, |_, _| {})
        }
        Some(mode) if is_for_people(&mode) => {
            let with_heading = |instance: &HostInstance, logger: &mut Logger| {
                instances::print_heading(instance, all.first(), logger)?;
                work(instance, logger)
            };
            asker.each(&all, ChildStdout::Shared, with_heading, |_, _| {})
        }
        _ => asker.each(&all, ChildStdout::Shared, work, |_, _| {}),
    }
}

/// Whether the call changes nothing, so that what it can show is shown.
fn is_view(mode: Option<&PostqueueMode>) -> bool {
    matches!(
        mode,
        Some(
            PostqueueMode::List(_)
                | PostqueueMode::Count(..)
                | PostqueueMode::Check
                | PostqueueMode::Metrics
        )
    )
}

/// Whether a heading has to name the instance, because the output does not.
fn is_for_people(mode: &PostqueueMode) -> bool {
    matches!(
        mode,
        PostqueueMode::List(View::Text | View::Oneline)
            | PostqueueMode::Count(CountFormat::Table, _)
    )
}
