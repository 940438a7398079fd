//! qshape for the instances that `--instance` or `--all-instances` chooses: a
//! table with a heading, or a JSON object, for each.

use super::super::instance::InstanceChoice;
use super::super::instances;
use super::super::instances::{Asker, HostInstance, Instances};
use super::super::{Call, Fatal};
use super::arguments::{CountDisplay, QshapeArguments};
use super::errors::{PROGRAM, STATUS_FAILED};
use super::messages::Messages;
use crate::logging::Logger;
use crate::sys::child::ChildStdout;

/// Carries out `count` for each chosen instance.
pub(super) fn run(
    call: &Call,
    mut arguments: QshapeArguments,
    messages: &Messages,
    count: impl Fn(&QshapeArguments) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    refuse_paths(&arguments, messages)?;
    let mut logger = Logger::without_log(&call.program.to_string_lossy());
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger: &mut logger,
        status: STATUS_FAILED,
    };
    let directory = arguments.config_directory.clone();
    let choice = InstanceChoice {
        directory: directory.as_deref(),
        release: arguments.release,
    };
    match arguments.instances.clone() {
        Instances::Default => count(&arguments),
        Instances::Named(name) => {
            let instance = asker.named(choice, &name)?;
            instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
            count(&arguments)
        }
        Instances::All => {
            let all = asker.all_to_view(choice)?;
            let work = |instance: &HostInstance, logger: &mut Logger| {
                if arguments.look != CountDisplay::Json {
                    instances::print_heading(instance, all.first(), logger)?;
                }
                instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
                count(&arguments)
            };
            asker.each(&all, ChildStdout::Shared, work, |_, _| {})
        }
    }
}

/// Refuses the path of a queue if instances are chosen.
fn refuse_paths(arguments: &QshapeArguments, messages: &Messages) -> Result<(), Fatal> {
    let mut operands = arguments.operands.iter();
    let has_path = operands.any(|operand| operand.as_encoded_bytes().starts_with(b"/"));
    if arguments.instances == Instances::Default || !has_path {
        return Ok(());
    }
    messages.say(b"the path of a queue belongs to no instance: name the queue");
    Err(Fatal::already_reported(STATUS_FAILED))
}
