//! What an export writes about a message, and how it notices that the message
//! changed.

use std::fs::File;
use std::io;

use nix::sys::stat::FileStat;

use super::format::{ArchivedTime, CopyState, FileEntry, MessageEntry};
use crate::listing::write_iso;
use crate::queue_file::integrity::QueueFileFacts;
use crate::spool::{Queue, QueueId};
use crate::sys::time::Zone;
use crate::text::to_printable;

/// The largest number of bytes of a sender in a description.
const SENDER_MAX: usize = 1000;

/// Reads a file from its beginning, wherever its position is.
pub struct Positioned<'a> {
    file: &'a File,
    offset: u64,
}

impl<'a> Positioned<'a> {
    /// Begins at the first byte.
    pub fn new(file: &'a File) -> Self {
        Self { file, offset: 0 }
    }
}

impl io::Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.offset)?;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count)
    }
}

/// Whether a file has not been written, moved or changed otherwise.
pub fn unchanged(before: &FileStat, after: &FileStat) -> bool {
    let state = |stat: &FileStat| {
        (
            (stat.st_size, stat.st_mode),
            (stat.st_mtime, stat.st_mtime_nsec),
            (stat.st_ctime, stat.st_ctime_nsec),
        )
    };
    state(before) == state(after)
}

/// Describes a message that was in `queue`.
pub fn describe(
    (queue, id, facts): (Queue, &QueueId, &QueueFileFacts),
    stat: &FileStat,
    files: Vec<FileEntry>,
    state: CopyState,
) -> MessageEntry {
    let sender = &facts.sender;
    MessageEntry {
        id: id.to_string(),
        queue: queue.to_string(),
        sender: to_printable(sender.get(..SENDER_MAX).unwrap_or(sender)),
        arrival: facts.arrival,
        arrival_iso: iso(facts.arrival),
        arrival_microseconds: facts.microseconds,
        forced_expire: stat.st_mode & 0o010 != 0,
        mode: format!("{:04o}", stat.st_mode & 0o777),
        inode: stat.st_ino,
        modified: ArchivedTime {
            seconds: stat.st_mtime,
            nanoseconds: stat.st_mtime_nsec,
        },
        accessed: ArchivedTime {
            seconds: stat.st_atime,
            nanoseconds: stat.st_atime_nsec,
        },
        files,
        state,
    }
}

/// Returns a time in UTC.
pub fn iso(seconds: i64) -> String {
    let mut text = Vec::new();
    write_iso(seconds, Zone::Utc, &mut text);
    to_printable(&text)
}
