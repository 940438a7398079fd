//! The operands of qshape with a selection: queues of the instance, by name or
//! path. Without a selection, any directory can be an operand.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::errors::{UsageError, misuse};
use crate::spool::Queue;
use crate::text::to_printable;

/// Refuses operands that cannot be a queue of any instance.
pub(super) fn check_operands(operands: &[OsString]) -> Result<(), UsageError> {
    for operand in operands.iter().map(|operand| operand.as_bytes()) {
        if !operand.starts_with(b"/") && queue_named(operand).is_none() {
            return Err(no_queue(operand));
        }
    }
    Ok(())
}

/// Returns the queue of the instance that an operand names.
pub(super) fn own_queue(operand: &[u8], queue_directory: &Path) -> Result<Queue, UsageError> {
    let is_path_of = |queue: &Queue| {
        let path = queue_directory.join(queue.name());
        path.as_os_str() == OsStr::from_bytes(operand)
    };
    let by_path = || Queue::LISTED.into_iter().find(is_path_of);
    let queue = queue_named(operand).or_else(by_path);
    queue.ok_or_else(|| no_queue(operand))
}

fn queue_named(name: &[u8]) -> Option<Queue> {
    let is_it = |queue: &Queue| queue.name().as_bytes() == name;
    Queue::LISTED.into_iter().find(is_it)
}

fn no_queue(operand: &[u8]) -> UsageError {
    let names = Queue::LISTED.map(Queue::name).join(", ");
    let operand = to_printable(operand);
    misuse(&format!(
        "{operand} is no queue of the instance: with a selection name {names}, and \
         another instance with -c DIR"
    ))
}
