//! The format of an archive: the names of its entries and the descriptions in
//! JSON, which people can read with tar(1) too.
//!
//! An archive has these entries, in this order, all of them regular files:
//!
//! 1. `spoolbox-queue.json`: an [`ArchiveHeader`]
//! 2. for each message, in a directory such as `messages/1-3A78999CD00` whose
//!    number counts from 1: `queue-file`; its logs, if any, as `bounce`, `defer`
//!    and `trace`; then `message.json`, a [`MessageEntry`]
//! 3. `end.json`: an [`ArchiveEnd`]. Without it the archive is incomplete.

use serde::{Deserialize, Serialize};

use crate::spool::{Queue, QueueId};

/// The name of the first entry.
pub const HEADER_NAME: &str = "spoolbox-queue.json";
/// The name of the last entry.
pub const END_NAME: &str = "end.json";
/// The name of a queue file in the directory of its message.
pub const QUEUE_FILE: &str = "queue-file";
/// The name of the description in the directory of a message.
pub const DESCRIPTION: &str = "message.json";
/// The largest length of a description in bytes.
pub const DESCRIPTION_MAX: u64 = 64 << 10;

/// The name of the format in the header.
pub const FORMAT: &str = "spoolbox queue";
/// The version of the format.
pub const VERSION: u32 = 1;

/// The longest queue ID that is part of a directory's name. Names longer than
/// 100 bytes need extensions of the tar format.
const ID_MAX: usize = 60;

/// Describes the source of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveHeader {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The name of the host, `myhostname`.
    pub host: String,
    /// The queue directory of the instance.
    pub queue_directory: String,
    /// The Postfix release of the instance.
    pub postfix: String,
    /// The time of the export, in UTC.
    pub exported: String,
}

/// Describes a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEntry {
    /// Its queue ID.
    pub id: String,
    /// The queue that it was in.
    pub queue: String,
    /// Its sender, in printable form and shortened if it is very long.
    pub sender: String,
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The same in UTC.
    pub arrival_iso: String,
    /// The microseconds of the arrival time.
    pub arrival_microseconds: u32,
    /// Whether it was forced to expire.
    pub forced_expire: bool,
    /// Permission bits of the queue file, in octal.
    pub mode: String,
    /// Inode number of the queue file.
    pub inode: u64,
    /// Modification time: for a deferred message, the next delivery attempt.
    pub modified: ArchivedTime,
    /// Access time.
    pub accessed: ArchivedTime,
    /// Its files in the archive, in the order of their entries.
    pub files: Vec<FileEntry>,
    /// Whether the files are to be used.
    pub state: CopyState,
}

/// Whether a message was copied as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyState {
    /// The copy is complete.
    Complete,
    /// The message changed or left its queue while it was copied; the copy is
    /// not to be used.
    Changed,
}

/// A time of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedTime {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanoseconds: i64,
}

/// Describes a file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the directory of the message.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The FNV-1a checksum of its content, with 64 bits, in hexadecimal.
    pub fnv1a64: String,
}

/// Describes the end of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveEnd {
    /// The number of messages, also of those that changed.
    pub messages: u64,
}

/// Returns the name of the directory of a message in the archive.
pub fn directory(number: u64, id: &QueueId) -> String {
    if id.as_bytes().len() <= ID_MAX {
        format!("messages/{number}-{id}")
    } else {
        format!("messages/{number}")
    }
}

/// Returns the name of a log in the directory of its message.
pub fn log_name(log: Queue) -> &'static str {
    log.name()
}

/// Returns the log queue of a file with this name; `None` if it is no log.
pub fn parse_log(name: &str) -> Option<Queue> {
    Queue::LOGS.into_iter().find(|log| log.name() == name)
}

/// Returns the queue of a name in a [`MessageEntry`]; `None` if messages of
/// that queue are not moved.
pub fn parse_queue(name: &str) -> Option<Queue> {
    Queue::parse(name.as_bytes()).filter(|queue| MOVED.contains(queue))
}

/// The queues whose messages can be in an archive. Mail in maildrop has not
/// been accepted yet: it has another format, and pickup(8) takes it within a
/// minute.
pub const MOVED: [Queue; 4] = [Queue::Incoming, Queue::Active, Queue::Deferred, Queue::Hold];
