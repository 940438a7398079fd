//! postsuper for the instances that `--instance` or `--all-instances` chooses: one
//! after the other, each with its own report, log and journal.
//!
//! Every main.cf is read, and `--max` is compared with the messages of all
//! instances together, before anything is done in one of them. `--limit` counts the
//! messages of all instances together, too.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

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
                    let Some(shared) = shared else {
                        return work(call, &mut arguments, InstancePass::Work, logger);
                    };
                    arguments.options.limit = Some(shared.left);
                    let ended = work(call, &mut arguments, InstancePass::Work, logger);
                    shared.hand_on(arguments.acted.get());
                    ended
                };
            match limit {
                Some(limit) => within_limit(&mut asker, &all, limit, act),
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
    mut act: impl FnMut(&HostInstance, &mut Logger, Option<&SharedLimit>) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let file = tempfile::tempfile();
    let file = file.map_err(|error| {
        let text = format!(
            "cannot share --limit among the instances: {}",
            error_text(&error)
        );
        fatal(asker.logger, text)
    })?;
    let mut shared = SharedLimit { left: limit, file };
    let mut worst: Option<Fatal> = None;
    for (number, instance) in all.iter().enumerate() {
        if shared.left == 0 {
            let rest = all.len().saturating_sub(number);
            let s = if rest == 1 { " is" } else { "s are" };
            let text = format!("--limit {limit} is reached: {rest} instance{s} left as before");
            asker.logger.report(Severity::Info, text);
            break;
        }
        let one = std::slice::from_ref(instance);
        let act =
            |instance: &HostInstance, logger: &mut Logger| act(instance, logger, Some(&shared));
        let ended = asker.each(one, ChildStdout::Shared, act, |_, _| {});
        shared.left = shared.left_after_instance();
        if let Err(fatal) = ended {
            let is_worse = worst.is_none_or(|worst| worst.status() < fatal.status());
            worst = if is_worse { Some(fatal) } else { worst };
        }
    }
    worst.map_or(Ok(()), Err)
}

/// The rest of `--limit`, which the process for an instance hands on to the next
/// one.
#[derive(Debug)]
struct SharedLimit {
    left: u64,
    /// The process for an instance writes the new rest here.
    file: File,
}

impl SharedLimit {
    /// Writes the rest after this number of messages.
    fn hand_on(&self, acted: u64) {
        let left = self.left.saturating_sub(acted);
        // Without it, the rest counts as used up.
        let _ = self.file.write_all_at(&left.to_le_bytes(), 0);
    }

    /// Reads the rest, and removes it for the next instance. A process that was
    /// killed has written none: nobody knows how much it has done, so that nothing
    /// is left.
    fn left_after_instance(&self) -> u64 {
        let mut left = [0; 8];
        let read = self.file.read_exact_at(&mut left, 0);
        let removed = self.file.set_len(0);
        match read.and(removed) {
            Ok(()) => u64::from_le_bytes(left),
            Err(_) => 0,
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
