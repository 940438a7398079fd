//! The steps by which an undo changes a message: a rename that never replaces a
//! file, and setting its times.

use std::io;

use nix::sys::stat::FileStat;

use super::error::is_refusal;
use super::recorded_message::RecordedMessage;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{Warning, WorkError};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;

/// The result of moving a message.
pub enum MoveResult {
    /// The message was moved.
    Done,
    /// The message was no longer there.
    Gone,
    /// The name is taken; this was logged.
    Refused,
}

/// Moves a message from one queue to another.
///
/// # Errors
///
/// The rename failed for a reason that affects other messages as well.
pub fn between(
    ops: &SpoolOps<'_>,
    id: &QueueId,
    (from, queue): (Queue, Queue),
    action_log: &mut ActionLog,
) -> Result<MoveResult, WorkError> {
    let name = id.as_bytes();
    let path = ops.path(from, name);
    let to = ops.path(queue, name);
    let Ok(home) = ops.home(from, name) else {
        return Ok(MoveResult::Gone);
    };
    let at = FileAt {
        dir: &home,
        name,
        path: &path,
    };
    match ops.rename_to_free(at, queue, name, name) {
        Ok(StepResult::Done) => Ok(MoveResult::Done),
        Ok(StepResult::Gone) => Ok(MoveResult::Gone),
        Err(cause) if is_refusal(&cause) => {
            let why = format!("cannot be moved to {to}: {}", error_text(&cause));
            action_log.warn(&Warning::Trash { path, why });
            Ok(MoveResult::Refused)
        }
        Err(cause) => Err(WorkError::Rename {
            from: path,
            to,
            cause,
        }),
    }
}

/// Sets the times of a message to those before the act, unless it has them.
///
/// # Errors
///
/// Those of utimensat(2).
pub fn restore_times(home: &Dir, entry: &RecordedMessage, stat: &FileStat) -> io::Result<()> {
    let modified = (stat.st_mtime, stat.st_mtime_nsec);
    let accessed = (stat.st_atime, stat.st_atime_nsec);
    if (accessed, modified) == (entry.accessed, entry.modified) {
        Ok(())
    } else {
        home.set_times_to(entry.id.as_os_str(), entry.accessed, entry.modified)
    }
}
