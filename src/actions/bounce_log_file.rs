//! The location of a message's bounce log. The mail system's own processes read it, so
//! its directory must be as they make it.

use std::io;
use std::sync::Arc;

use nix::errno::Errno;

use super::spool_ops::SpoolOps;
use crate::spool::bounce_log;
use crate::spool::bounce_log::{BounceLog, BounceLogError};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::Dir;
use crate::sys::error_text::is;

/// Returns the directory of a message's bounce log, which is created if it is
/// missing.
///
/// # Errors
///
/// It cannot be opened or created, or is not as the mail system makes it.
pub(super) fn directory_or_new(
    ops: &SpoolOps<'_>,
    id: &QueueId,
) -> Result<Arc<Dir>, BounceLogError> {
    let dir = ops.home_or_new(Queue::Bounce, id.as_bytes());
    check(ops, id, dir)
}

/// Returns the directory of a message's bounce log; `None` if it is missing.
///
/// # Errors
///
/// It cannot be opened, or is not as the mail system makes it.
pub(super) fn existing_directory(
    ops: &SpoolOps<'_>,
    id: &QueueId,
) -> Result<Option<Arc<Dir>>, BounceLogError> {
    match ops.home(Queue::Bounce, id.as_bytes()) {
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        dir => check(ops, id, dir).map(Some),
    }
}

fn check(
    ops: &SpoolOps<'_>,
    id: &QueueId,
    dir: io::Result<Arc<Dir>>,
) -> Result<Arc<Dir>, BounceLogError> {
    let path = log_path(ops, id);
    let parent = path.rsplit_once('/').map_or(".", |(parent, _)| parent);
    let dir = dir.map_err(|cause| {
        let path = parent.to_owned();
        BounceLogError::System { path, cause }
    })?;
    bounce_log::check_directory(&dir, parent)?;
    Ok(dir)
}

/// Returns what is in a message's bounce log, which may be missing.
///
/// # Errors
///
/// It cannot be read, or is not as the mail system makes it.
pub(super) fn examine<'d>(
    ops: &SpoolOps<'_>,
    dir: &'d Dir,
    id: &QueueId,
) -> Result<BounceLog<'d>, BounceLogError> {
    BounceLog::examine(dir, id.as_bytes(), &log_path(ops, id))
}

/// Makes a message's bounce log what it was: cut to its size, or removed if there
/// was none.
///
/// # Errors
///
/// It cannot be changed.
pub(super) fn revert(
    ops: &SpoolOps<'_>,
    dir: &Dir,
    id: &QueueId,
    size_before: Option<u64>,
) -> Result<(), BounceLogError> {
    bounce_log::revert(dir, id.as_bytes(), size_before, &log_path(ops, id))
}

fn log_path(ops: &SpoolOps<'_>, id: &QueueId) -> String {
    ops.path(Queue::Bounce, id.as_bytes())
}
