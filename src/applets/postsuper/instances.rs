//! postsuper for the instances that `--instance` or `--all-instances` chooses: one
//! after the other, each with its own report, log and journal.
//!
//! Every main.cf is read, and `--max` is compared with the messages of all
//! instances together, before anything is done in one of them.

use std::io::Write;

use super::super::instance::InstanceChoice;
use super::super::instances;
use super::super::instances::{Asker, HostInstance, Instances};
use super::super::{Call, Fatal};
use super::arguments::PostsuperArguments;
use super::errors::{PROGRAM, STATUS, fatal};
use super::instance_work::InstancePass;
use super::journal::Task;
use crate::logging::{Logger, Severity};
use crate::sys::child::ChildStdout;

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
            let act = |instance: &HostInstance, logger: &mut Logger| {
                print_heading(&arguments, instance, all.first(), logger)?;
                instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
                work(call, &mut arguments, InstancePass::Work, logger)
            };
            asker.each(&all, ChildStdout::Shared, act, |_, _| {})
        }
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
