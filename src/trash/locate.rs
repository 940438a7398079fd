//! Finds a message of the journal: in the trash, or in the queue that it is in
//! by now.
//!
//! A message is known by its queue ID and inode number; where a backup was
//! restored and inode numbers are others, by its queue ID, size and time of
//! change. The journal is a hint, what is in the spool decides.

use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::records::TrashedMessage;
use crate::actions::Warning;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::spool::{Queue, QueueId, message};
use crate::sys::error_text::is;

/// Where a message of a batch is.
pub enum MessageLocation {
    /// In the trash.
    Trash(FileStat),
    /// In a queue.
    Queue,
    /// Another file has its name in the trash.
    Replaced,
    /// Nowhere where it could be.
    Missing,
    /// It cannot be looked at; this was reported.
    Unknown,
}

/// What has a message's name in the trash.
pub enum InTrash {
    /// The message.
    Message(FileStat),
    /// Another file.
    Other,
    /// Nothing.
    Nothing,
}

/// Where a message of a batch is. What cannot be looked at is reported.
pub fn find(
    ops: &SpoolOps<'_>,
    entry: &TrashedMessage,
    action_log: &mut ActionLog,
) -> MessageLocation {
    let id = &entry.id;
    let is_replaced = match look_in_trash(ops, entry) {
        Ok(InTrash::Message(stat)) => return MessageLocation::Trash(stat),
        Ok(InTrash::Other) => true,
        Ok(InTrash::Nothing) => false,
        Err(cause) => {
            let path = ops.path(Queue::Saved, id.as_bytes());
            action_log.warn(&Warning::Look { path, cause });
            return MessageLocation::Unknown;
        }
    };
    let mut is_seen = true;
    for queue in Queue::LISTED {
        match look(ops, queue, id) {
            Ok(Some(stat)) if is_message(entry, &stat) => return MessageLocation::Queue,
            Ok(_) => {}
            Err(cause) => {
                let path = ops.path(queue, id.as_bytes());
                action_log.warn(&Warning::Look { path, cause });
                is_seen = false;
            }
        }
    }
    match (is_seen, is_replaced) {
        (false, _) => MessageLocation::Unknown,
        (true, true) => MessageLocation::Replaced,
        (true, false) => MessageLocation::Missing,
    }
}

/// What has the name of a message in the trash.
///
/// # Errors
///
/// If that cannot be looked at.
pub fn look_in_trash(ops: &SpoolOps<'_>, entry: &TrashedMessage) -> io::Result<InTrash> {
    Ok(match look(ops, Queue::Saved, &entry.id)? {
        Some(stat) if is_message(entry, &stat) => InTrash::Message(stat),
        Some(_) => InTrash::Other,
        None => InTrash::Nothing,
    })
}

/// Whether a message of a batch is in the trash, as far as can be seen.
pub fn is_in_trash(ops: &SpoolOps<'_>, entry: &TrashedMessage) -> bool {
    matches!(look_in_trash(ops, entry), Ok(InTrash::Message(_)))
}

/// The file called `id` where that belongs in a queue; `None` if there is none.
///
/// # Errors
///
/// If that cannot be looked at.
pub fn look(ops: &SpoolOps<'_>, queue: Queue, id: &QueueId) -> io::Result<Option<FileStat>> {
    let home = ops.home(queue, id.as_bytes());
    match home.and_then(|home| home.stat(id.as_os_str())) {
        Ok(stat) => Ok(Some(stat)),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Whether a file that has the message's name is the message.
fn is_message(entry: &TrashedMessage, stat: &FileStat) -> bool {
    message::is_regular(stat) && (stat.st_ino == entry.inode || is_copy(entry, stat))
}

/// Whether a file is as a backup restores the message: some keep whole seconds
/// only.
fn is_copy(entry: &TrashedMessage, stat: &FileStat) -> bool {
    let (seconds, nanoseconds) = entry.modified;
    let is_same_part = stat.st_mtime_nsec == nanoseconds || stat.st_mtime_nsec == 0;
    u64::try_from(stat.st_size) == Ok(entry.size) && stat.st_mtime == seconds && is_same_part
}
