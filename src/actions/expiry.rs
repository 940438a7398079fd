//! Forces messages to expire: sets the permission bit that makes the next
//! delivery attempt the last.

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::report::ActionLog;
use super::spool_ops::{FileAt, StepResult};
use super::warning::Warning;
use crate::spool::message;
use crate::spool::message::NoMessage;
use crate::sys::dir::stat_open;
use crate::sys::dir_changes::set_mode;
use crate::sys::error_text::{error_text, is};

/// The group execute bit: the message is forced to expire.
const EXPIRED: u32 = 0o010;
/// All permission bits of a file.
const PERMISSIONS: u32 = 0o7777;

/// Returns whether a message has the mark, by its stat(2) result.
pub(super) fn has_mark(stat: &FileStat) -> bool {
    stat.st_mode & EXPIRED != 0
}

/// Returns whether the message has already been forced to expire.
pub(super) fn is_expired(at: FileAt<'_>) -> bool {
    let stat = at.dir.stat(at.os_name());
    stat.is_ok_and(|stat| has_mark(&stat))
}

/// Sets the bit that makes the next delivery attempt the last. Returns `Gone`
/// if the message is missing or has the bit already, and, after logging a
/// warning, if the bit cannot be set.
///
/// # Errors
///
/// The process has run out of descriptors or memory.
pub(super) fn expire(at: FileAt<'_>, action_log: &mut ActionLog) -> Result<StepResult, WorkError> {
    let mut refuse = |why: String| {
        let path = at.path.to_owned();
        action_log.warn(&Warning::Expire { path, why });
        Ok(StepResult::Gone)
    };
    let opened = at.dir.open_to_change(at.os_name());
    let (file, stat) = match opened.and_then(|file| Ok((stat_open(&file)?, file))) {
        Ok((stat, file)) => (file, stat),
        Err(cause) if is(&cause, Errno::ENOENT) => return Ok(StepResult::Gone),
        Err(cause) if message::is_exhaustion(&cause) => {
            let path = at.path.to_owned();
            return Err(NoMessage::Place { path, cause }.into());
        }
        Err(cause) => return refuse(format!("cannot open file: {}", error_text(&cause))),
    };
    if !message::is_regular(&stat) {
        return refuse("not a regular file".to_owned());
    }
    if stat.st_nlink > 1 {
        return refuse(format!("file has {} hard links", stat.st_nlink));
    }
    let mode = stat.st_mode & PERMISSIONS;
    if mode & EXPIRED != 0 {
        return Ok(StepResult::Gone);
    }
    match set_mode(&file, mode | EXPIRED) {
        Ok(()) => Ok(StepResult::Done),
        Err(cause) => refuse(format!("cannot set permission: {}", error_text(&cause))),
    }
}
