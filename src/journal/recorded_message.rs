//! A message as it was before an act: what the journal records about it.

use nix::sys::stat::FileStat;

use super::record_fields::PERMISSIONS;
use crate::spool::{Queue, QueueId};
use crate::sys::dir_changes::FileTime;

/// A message as it was before an act, as the journal records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedMessage {
    /// Its queue ID.
    pub id: QueueId,
    /// The queue that it was in.
    pub queue: Queue,
    /// Its permission bits.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its access time.
    pub accessed: FileTime,
    /// Its modification time; for a deferred message this is the time of the
    /// next delivery attempt.
    pub modified: FileTime,
    /// Its inode number, which distinguishes it from another message with the
    /// same ID.
    pub inode: u64,
    /// The queues in which it had logs.
    pub logs: Vec<Queue>,
}

impl RecordedMessage {
    /// Creates the record of a message in a queue.
    pub fn of(id: &QueueId, queue: Queue, stat: &FileStat, logs: Vec<Queue>) -> Self {
        Self {
            id: id.clone(),
            queue,
            mode: stat.st_mode & PERMISSIONS,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            accessed: (stat.st_atime, stat.st_atime_nsec),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            inode: stat.st_ino,
            logs,
        }
    }
}
