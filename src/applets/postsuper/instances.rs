//! postsuper for the instances that `--instance` or `--all-instances` chooses: one
//! after the other, each with its own report, log and journal.
//!
//! Every main.cf is read, and `--max` is compared with the messages of all
//! instances together, before anything is done in one of them. `--limit` counts the
//! messages of all instances together, too.

use std::io::Write;

use super::super::instance::InstanceChoice;
use super::super::instances;
use super::super::instances::{Asker, HostInstance, Instances};
use super::super::{Call, Fatal};
use super::arguments::PostsuperArguments;
use super::errors::{PROGRAM, STATUS, fatal};
use super::instance_limit::{Handover, SharedLimit};
use super::instance_work::InstancePass;
use super::journal::Task;
use crate::logging::{Logger, Severity};
use crate::sys::child::ChildStdout;
use crate::sys::error_text::error_text;

/// Carries out `work` for each chosen instance.
pub(super) fn run(
    call: &Call,
    mut arguments: Box<PostsuperArguments>,
    logger: &mut Logger,
    work: impl Fn(&Call, &mut PostsuperArguments, InstancePass, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let directory = arguments.config_directory.clone();
    let choice = InstanceChoice {
        directory: directory.as_deref(),
        release: arguments.release,
    };
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger,
        status: STATUS,
    };
    match arguments.instances.clone() {
        Instances::Default => work(call, &mut arguments, InstancePass::Work, logger),
        Instances::Named(name) => {
            let instance = asker.named(choice, &name)?;
            instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
            work(call, &mut arguments, InstancePass::Work, logger)
        }
        Instances::All => {
            let all = asker.all(choice)?;
            arguments.parent = Some(std::process::id());
            if let Some(max) = arguments.options.max {
                let count = |instance: &HostInstance, logger: &mut Logger| {
                    instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
                    work(call, &mut arguments, InstancePass::Count, logger)
                };
                check_max(&mut asker, &all, max, count)?;
            }
            let limit = arguments.options.limit;
            let mut act =
                |instance: &HostInstance, logger: &mut Logger, shared: Option<&SharedLimit>| {
                    print_heading(&arguments, instance, all.first(), logger)?;
                    instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
                    arguments.options.limit = shared.map(SharedLimit::left);
                    let ended = work(call, &mut arguments, InstancePass::Work, logger);
                    if let Some(shared) = shared {
                        shared.hand_on(arguments.acted.get());
                    }
                    ended
                };
            match limit {
                Some(limit) => within_limit(&mut asker, &all, limit, |instance, logger, shared| {
                    act(instance, logger, Some(shared))
                }),
                None => {
                    let act =
                        |instance: &HostInstance, logger: &mut Logger| act(instance, logger, None);
                    asker.each(&all, ChildStdout::Shared, act, |_, _| {})
                }
            }
        }
    }
}

/// Works on the instances until `limit` messages have been acted on in all of them
/// together: who allows ten deletions does not mean ten in each instance.
fn within_limit(
    asker: &mut Asker<'_>,
    all: &[HostInstance],
    limit: u64,
    mut act: impl FnMut(&HostInstance, &mut Logger, &SharedLimit) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let mut shared = SharedLimit::new(limit).map_err(|error| {
        let error = error_text(&error);
        let text = format!("cannot share --limit among the instances: {error}");
        fatal(asker.logger, text)
    })?;
    let mut worst = 0;
    let mut reason = format!("--limit {limit} is reached");
    for (number, instance) in all.iter().enumerate() {
        if shared.left() == 0 {
            let rest = all.len().saturating_sub(number);
            let s = if rest == 1 { " is" } else { "s are" };
            let text = format!("{reason}: {rest} instance{s} left as before");
            asker.logger.report(Severity::Info, text);
            break;
        }
        let one = std::slice::from_ref(instance);
        let act = |instance: &HostInstance, logger: &mut Logger| act(instance, logger, &shared);
        let ended = asker.each(one, ChildStdout::Shared, act, |_, _| {});
        if let Err(fatal) = ended {
            worst = worst.max(fatal.status());
        }
        if shared.begin_next() == Handover::Missing {
            let label = instance.label();
            reason = format!("--limit {limit} may be reached, the work in {label} ended early");
        }
    }
    match worst {
        0 => Ok(()),
        status => Err(Fatal::already_reported(status)),
    }
}

/// Refuses the call if more than `max` messages match in all instances together,
/// or if they cannot be counted in one of them.
fn check_max(
    asker: &mut Asker<'_>,
    all: &[HostInstance],
    max: u64,
    count: impl FnMut(&HostInstance, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let mut messages = 0u64;
    asker.each(all, ChildStdout::Collected, count, |_, end| {
        let counted = String::from_utf8_lossy(&end.output).parse();
        messages = messages.saturating_add(counted.unwrap_or(u64::MAX));
    })?;
    if messages > max {
        let instances = all.len();
        let text = format!(
            "{messages} messages match in {instances} instances, and --max is {max}: nothing \
             was done"
        );
        return Err(fatal(asker.logger, text));
    }
    Ok(())
}

/// Names the instance where its output begins: on standard output if that is text
/// for people, otherwise on standard error.
fn print_heading(
    arguments: &PostsuperArguments,
    instance: &HostInstance,
    first: Option<&HostInstance>,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let lists = arguments.options.dry_run || arguments.task.as_ref().is_some_and(Task::lists);
    if arguments.options.results {
        Ok(())
    } else if lists {
        instances::print_heading(instance, first, logger)?;
        // The report on standard error must not precede it.
        let flushed = std::io::stdout().lock().flush();
        flushed.map_err(|_| Fatal::already_reported(STATUS))
    } else {
        logger.report(Severity::Info, format!("==> {} <==", instance.label()));
        Ok(())
    }
}
