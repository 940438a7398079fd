//! Examines the file of a queue ID in one queue: whether it is a message on which
//! to act, and what has to be warned about.

use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::report::ActionLog;
use super::spool_ops::SpoolOps;
use super::warning::Warning;
use crate::spool::message;
use crate::spool::message::{FileCheck, Identity, Message, NoMessage};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::is;
use crate::sys::time::now;

/// A message that was found without anything to warn about.
#[derive(Clone, Copy, Debug)]
pub struct LocatedMessage {
    pub(super) queue: Queue,
    pub(super) stat: FileStat,
}

impl LocatedMessage {
    /// Returns the location of an open message.
    pub fn of(queue: Queue, message: &Message) -> Self {
        Self {
            queue,
            stat: message.stat,
        }
    }
}

/// Returns whether a file may be acted on. `only` is the only such file; `None`
/// allows any.
pub(super) fn is_allowed(only: Option<Identity>, stat: &FileStat) -> bool {
    only.is_none_or(|only| only == Identity::of(stat))
}

/// Returns the message with this ID in a queue, if there is a usable one.
///
/// # Errors
///
/// Those of [`warn_of_unseen`].
pub(super) fn look_into(
    ops: &SpoolOps<'_>,
    (queue, id): (Queue, &QueueId),
    only: Option<Identity>,
    action_log: &mut ActionLog,
) -> Result<Option<LocatedMessage>, WorkError> {
    let home = ops.home(queue, id.as_bytes());
    let found = home.and_then(|dir| dir.stat(id.as_os_str()));
    let path = || ops.path(queue, id.as_bytes());
    match found {
        Ok(stat) if !is_allowed(only, &stat) => {}
        Ok(stat) => match message::look(&stat, &path(), now()) {
            FileCheck::Message(warning) => {
                if let Some(warning) = warning {
                    action_log.warn(&Warning::Links(warning));
                }
                return Ok(Some(LocatedMessage { queue, stat }));
            }
            FileCheck::NotReady => {}
            FileCheck::NotRegular => action_log.warn(&Warning::NotRegular {
                path: path(),
                uid: stat.st_uid,
            }),
        },
        Err(cause) => warn_of_unseen(ops, (queue, id), cause, action_log)?,
    }
    Ok(None)
}

/// Logs a warning about a message that cannot be examined, unless it does not
/// exist.
///
/// # Errors
///
/// The process has run out of descriptors or memory. To continue would mean to
/// skip all other messages as well.
pub(super) fn warn_of_unseen(
    ops: &SpoolOps<'_>,
    (queue, id): (Queue, &QueueId),
    cause: io::Error,
    action_log: &mut ActionLog,
) -> Result<(), WorkError> {
    if is(&cause, Errno::ENOENT) {
        return Ok(());
    }
    let path = ops.path(queue, id.as_bytes());
    if message::is_exhaustion(&cause) {
        return Err(NoMessage::Place { path, cause }.into());
    }
    action_log.warn(&Warning::Look { path, cause });
    Ok(())
}
