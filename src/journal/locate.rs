//! Locates a message that the journal records: in the trash, or in the queue
//! where it is now.
//!
//! A message is identified by its queue ID and inode number; after a backup was
//! restored with other inode numbers, by its queue ID, size and modification
//! time. The journal is only a hint; the files in the spool decide.

use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::recorded_message::RecordedMessage;
use crate::actions::Warning;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::spool::{Queue, QueueId, message};
use crate::sys::error_text::is;

/// The location of a message of a batch.
pub enum MessageLocation {
    /// The message is in the trash.
    Trash(FileStat),
    /// The message is in a queue.
    Queue,
    /// Another file has its name in the trash.
    Replaced,
    /// The message is neither in the trash nor in a queue.
    Missing,
    /// The location is unknown, because something could not be examined; this
    /// was logged.
    Unknown,
}

/// The file in the trash that has the name of a message.
pub enum InTrash {
    /// The message itself.
    Message(FileStat),
    /// Another file.
    Other,
    /// No file has the name.
    Nothing,
}

/// Locates a message of a batch. Logs a warning about what cannot be examined.
pub fn find(
    ops: &SpoolOps<'_>,
    entry: &RecordedMessage,
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
    // The queue of damaged messages is searched for those that came from there only.
    let first = match entry.queue {
        Queue::Corrupt => Queue::Corrupt,
        _ => Queue::Maildrop,
    };
    match (find_in_queues(ops, entry, first, action_log), is_replaced) {
        (InQueues::Queue(..), _) => MessageLocation::Queue,
        (InQueues::Unknown, _) => MessageLocation::Unknown,
        (InQueues::Nowhere, true) => MessageLocation::Replaced,
        (InQueues::Nowhere, false) => MessageLocation::Missing,
    }
}

/// Returns which file has the name of a message in the trash.
///
/// # Errors
///
/// The file cannot be examined.
pub fn look_in_trash(ops: &SpoolOps<'_>, entry: &RecordedMessage) -> io::Result<InTrash> {
    Ok(match look(ops, Queue::Saved, &entry.id)? {
        Some(stat) if is_message(entry, &stat) => InTrash::Message(stat),
        Some(_) => InTrash::Other,
        None => InTrash::Nothing,
    })
}

/// Returns whether a message of a batch is in the trash. Returns false if it
/// cannot be examined.
pub fn is_in_trash(ops: &SpoolOps<'_>, entry: &RecordedMessage) -> bool {
    matches!(look_in_trash(ops, entry), Ok(InTrash::Message(_)))
}

/// Returns the lstat(2) result for the file called `id` in the directory where
/// it belongs in a queue; `None` if there is none.
///
/// # Errors
///
/// The file cannot be examined.
pub fn look(ops: &SpoolOps<'_>, queue: Queue, id: &QueueId) -> io::Result<Option<FileStat>> {
    let home = ops.home(queue, id.as_bytes());
    match home.and_then(|home| home.stat(id.as_os_str())) {
        Ok(stat) => Ok(Some(stat)),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// The location of a message in the queues.
pub enum InQueues {
    /// The message is in this queue.
    Queue(Queue, FileStat),
    /// The message is in none of the queues.
    Nowhere,
    /// The location is unknown, because something could not be examined; this
    /// was logged.
    Unknown,
}

/// Searches the queues for a message, the most likely one first. Logs a warning
/// about what cannot be examined.
pub fn find_in_queues(
    ops: &SpoolOps<'_>,
    entry: &RecordedMessage,
    first: Queue,
    action_log: &mut ActionLog,
) -> InQueues {
    let others = Queue::LISTED.into_iter().filter(|queue| *queue != first);
    let mut is_seen = true;
    for queue in std::iter::once(first).chain(others) {
        match look(ops, queue, &entry.id) {
            Ok(Some(stat)) if is_message(entry, &stat) => return InQueues::Queue(queue, stat),
            Ok(_) => {}
            Err(cause) => {
                let path = ops.path(queue, entry.id.as_bytes());
                action_log.warn(&Warning::Look { path, cause });
                is_seen = false;
            }
        }
    }
    if is_seen {
        InQueues::Nowhere
    } else {
        InQueues::Unknown
    }
}

/// Returns whether a file that has the message's name is the message.
fn is_message(entry: &RecordedMessage, stat: &FileStat) -> bool {
    message::is_regular(stat) && (stat.st_ino == entry.inode || is_copy(entry, stat))
}

/// Returns whether a file looks like the message restored from a backup. Some
/// backups keep whole seconds only.
fn is_copy(entry: &RecordedMessage, stat: &FileStat) -> bool {
    let (seconds, nanoseconds) = entry.modified;
    let is_same_part = stat.st_mtime_nsec == nanoseconds || stat.st_mtime_nsec == 0;
    u64::try_from(stat.st_size) == Ok(entry.size) && stat.st_mtime == seconds && is_same_part
}
