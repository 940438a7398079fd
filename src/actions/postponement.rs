//! Postponing a message: sets the modification time of its file, which is the
//! time of its next delivery attempt while it is in deferred.

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::report::ActionLog;
use super::spool_ops::{FileAt, StepResult};
use super::warning::Warning;
use crate::sys::dir_changes::FileTime;
use crate::sys::error_text::is;

/// Sets the time of the next delivery attempt. The access time stays as it is.
/// Returns `Gone` if the message no longer exists, if there is nothing to
/// change, and, after logging a warning, if the time cannot be set.
pub(super) fn postpone(
    at: FileAt<'_>,
    until: Option<FileTime>,
    before: &FileStat,
    action_log: &mut ActionLog,
) -> StepResult {
    let Some(until) = until else {
        return StepResult::Gone;
    };
    let accessed = (before.st_atime, before.st_atime_nsec);
    match at.dir.set_times_to(at.os_name(), accessed, until) {
        Ok(()) => StepResult::Done,
        Err(cause) if is(&cause, Errno::ENOENT) => StepResult::Gone,
        Err(cause) => {
            let path = at.path.to_owned();
            action_log.warn(&Warning::Postpone { path, cause });
            StepResult::Gone
        }
    }
}
