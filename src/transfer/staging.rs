//! Writes the messages of an archive into a private directory, checks them, and
//! gives each the queue ID that its new inode number demands.
//!
//! A message that is here already, or that an earlier import brought, is left
//! out.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;

use super::TransferError;
use super::archive_reader::{FileReceiver, ReceivedMessage};
use super::format::{ArchiveHeader, ArchivedTime, CopyState, MessageEntry};
use super::import_context::ImportContext;
use super::import_index::{ImportSource, ImportedMessage, IndexWriter};
use super::known_messages::KnownMessages;
use super::staged_files::{remove, staged_name, write_error};
use super::staging_area::{INDEX, StagingArea};
use crate::actions::spool_ops::SpoolOps;
use crate::queue_file::integrity;
use crate::queue_file::records::Buffers;
use crate::spool::id::{IdStyle, SHORT_MICROSECONDS, inode, long_microseconds, renumbered};
use crate::spool::message::{self, Message};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::{Dir, stat_open};
use crate::sys::dir_changes::set_mode;

/// The permission bits that an imported message may have: those of its owner,
/// that it is forced to expire, and that its destinations are retried at once.
const MODES: u32 = 0o750;
/// The number of files that are made for a message until one has an inode
/// number whose queue ID is free.
const INODES_MAX: u32 = 32;

/// What became of the messages of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StagedCounts {
    /// Messages that are to be moved into the queues.
    pub staged: u64,
    /// Messages that an earlier import brought, or that are here already.
    pub known: u64,
    /// Messages that changed while they were exported, so that the archive does
    /// not have them.
    pub changed: u64,
}

/// The messages of an archive while it is read.
pub struct Staging<'a> {
    context: ImportContext<'a>,
    ops: SpoolOps<'a>,
    dir: &'a Dir,
    source: ImportSource,
    index: IndexWriter,
    /// The file that is being received.
    receiving: Option<File>,
    buffers: Buffers,
    /// The key of each staged message, and the offset of its line in the index.
    keys: Vec<(u64, u64)>,
    counts: StagedCounts,
}

impl<'a> Staging<'a> {
    /// Begins with the header of an archive. `dir` is an empty directory.
    ///
    /// # Errors
    ///
    /// The index cannot be made, or the header is not usable.
    pub fn begin(
        context: ImportContext<'a>,
        dir: &'a Dir,
        header: &ArchiveHeader,
    ) -> Result<Self, TransferError> {
        const NAME_MAX: usize = 4096;
        if header.host.len().max(header.queue_directory.len()) > NAME_MAX {
            let why = "the name of its source is too long".to_owned();
            return Err(TransferError::NoArchive(why));
        }
        let source = ImportSource::of(header, context.destination);
        let index = dir.make_file(OsStr::new(INDEX));
        let index = index.and_then(|file| IndexWriter::begin(file, &source));
        Ok(Self {
            context,
            ops: context.ops(),
            dir,
            index: index.map_err(write_error)?,
            source,
            receiving: None,
            buffers: Buffers::default(),
            keys: Vec::new(),
            counts: StagedCounts::default(),
        })
    }

    /// Ends the staging: removes messages that an earlier import brought, and
    /// those that the archive has twice.
    ///
    /// # Errors
    ///
    /// An index cannot be read, or a file cannot be removed.
    pub fn finish(self, area: &StagingArea) -> Result<StagedCounts, TransferError> {
        self.index.finish().map_err(write_error)?;
        let mut known = KnownMessages::new(self.dir, self.keys)?;
        known.remove_doubles()?;
        area.each_index(|file, path| known.remove_those_in(file, path, &self.source))?;
        let mut counts = self.counts;
        counts.known = counts.known.saturating_add(known.removed());
        counts.staged = counts.staged.saturating_sub(known.removed());
        Ok(counts)
    }

    /// Checks the queue file of a message, and sets its mode and times.
    fn prepare(&mut self, number: u64, entry: &MessageEntry) -> Result<(), String> {
        let mode = mode(&entry.mode).ok_or("its mode is not that of a complete message")?;
        let times = [entry.accessed, entry.modified];
        let [accessed, modified] = times.map(pair);
        let is_time = |(_, part): (i64, i64)| (0..1_000_000_000).contains(&part);
        if !(is_time(accessed) && is_time(modified)) {
            return Err("its times are not valid".to_owned());
        }
        let failed = |cause: io::Error| cause.to_string();
        let name = staged_name(number, None);
        let name = OsStr::new(&name);
        let file = self.dir.open_file(name).map_err(failed)?;
        let stat = stat_open(&file).map_err(failed)?;
        let message = Message { file, stat };
        let facts = integrity::check(message.source(), &mut self.buffers);
        let facts = facts.map_err(|error| error.to_string())?;
        if (facts.arrival, facts.microseconds) != (entry.arrival, entry.arrival_microseconds) {
            return Err("its arrival time is not the one in message.json".to_owned());
        }
        set_mode(&message.file, mode).map_err(failed)?;
        let set = self.dir.set_times_to(name, accessed, modified);
        set.map_err(failed)
    }

    /// Returns a queue ID for a staged message, and its inode number. If the ID
    /// that the inode number demands is taken, the message is copied to another
    /// file.
    fn name(
        &self,
        number: u64,
        received: ReceivedMessage<'_>,
    ) -> Result<(QueueId, u64), TransferError> {
        let name = staged_name(number, None);
        for attempt in 0..INODES_MAX {
            let stat = self.dir.stat(OsStr::new(&name)).map_err(write_error)?;
            let id = new_id(received.id, received.entry, stat.st_ino, self.context.style);
            if !self.is_taken(&id) {
                return Ok((id, stat.st_ino));
            }
            // The first file stays for now, so that its inode number is not
            // used again.
            let taken = format!("{name}.taken-{attempt}");
            self.copy_again(&name, &taken).map_err(write_error)?;
        }
        let why = "no queue ID for it is free: postsuper -s may repair the queues";
        Err(TransferError::message(received.directory, why.to_owned()))
    }

    /// Renames a file to `old` and copies it to a new file of its name.
    fn copy_again(&self, name: &str, old: &str) -> io::Result<()> {
        let (name, old) = (OsStr::new(name), OsStr::new(old));
        self.dir.rename_no_replace(name, self.dir, old)?;
        let (mut from, stat) = message::open_any(self.dir, old.as_encoded_bytes())?;
        let mut to = self.dir.make_file(name)?;
        io::copy(&mut from, &mut to)?;
        set_mode(&to, stat.st_mode & MODES)?;
        self.dir.restore_times(name, &stat)
    }

    /// Whether a queue has a message of this ID, or logs are left of one.
    fn is_taken(&self, id: &QueueId) -> bool {
        let queues = Queue::SEARCHED.into_iter().chain([Queue::Corrupt]);
        let mut queues = queues.chain(Queue::LOGS);
        queues.any(|queue| self.ops.is_taken(queue, id.as_bytes(), id.as_bytes()))
    }

    /// Whether this is the instance that the archive comes from, and the message
    /// never left it.
    fn is_still_here(&self, received: ReceivedMessage<'_>) -> bool {
        let is_here = self.source.host == self.context.host
            && self.source.queue_directory == self.context.queue_directory;
        let is_it = |queue| {
            let home = self.ops.home(queue, received.id.as_bytes());
            let stat = home.and_then(|home| home.stat(received.id.as_os_str()));
            stat.is_ok_and(|stat| stat.st_ino == received.entry.inode)
        };
        is_here && Queue::LISTED.into_iter().any(is_it)
    }
}

impl FileReceiver for Staging<'_> {
    fn file(&mut self, number: u64, log: Option<Queue>) -> Result<&mut dyn Write, TransferError> {
        if self.context.interrupts.caught().is_some() {
            return Err(TransferError::Interrupted);
        }
        let made = self.dir.make_file(OsStr::new(&staged_name(number, log)));
        Ok(self.receiving.insert(made.map_err(write_error)?))
    }

    fn message(&mut self, number: u64, received: ReceivedMessage<'_>) -> Result<(), TransferError> {
        self.receiving = None;
        let entry = received.entry;
        if entry.state == CopyState::Changed {
            self.counts.changed = self.counts.changed.saturating_add(1);
            return remove(self.dir, number);
        }
        let prepared = self.prepare(number, entry);
        prepared.map_err(|why| TransferError::message(received.directory, why))?;
        if self.is_still_here(received) {
            self.counts.known = self.counts.known.saturating_add(1);
            return remove(self.dir, number);
        }
        let (id, inode) = self.name(number, received)?;
        let message = ImportedMessage {
            number,
            id: id.to_string(),
            inode,
            queue: received.queue.to_string(),
            from_id: received.id.to_string(),
            from_inode: entry.inode,
            arrival: entry.arrival,
            arrival_microseconds: entry.arrival_microseconds,
        };
        let offset = self.index.add(&message).map_err(write_error)?;
        self.keys.push((message.key(&self.source), offset));
        self.counts.staged = self.counts.staged.saturating_add(1);
        Ok(())
    }
}

/// Returns the queue ID for a new inode number: with the time part of the old
/// one or, if it has none, with the arrival time.
fn new_id(old: &QueueId, entry: &MessageEntry, new_inode: u64, style: IdStyle) -> QueueId {
    let name = old.as_bytes();
    let has_time = long_microseconds(name).is_some() || name.len() > SHORT_MICROSECONDS;
    let renamed = has_time
        .then(|| inode(name))
        .flatten()
        .and_then(|_| QueueId::parse(&renumbered(name, new_inode, style)));
    renamed.unwrap_or_else(|| {
        let seconds = u64::try_from(entry.arrival).unwrap_or(0);
        match style {
            IdStyle::Short => QueueId::short(entry.arrival_microseconds, new_inode),
            IdStyle::Long => QueueId::long(seconds, entry.arrival_microseconds, new_inode),
        }
    })
}

/// Parses the permission bits of a complete message, and drops those that no
/// message needs.
fn mode(text: &str) -> Option<u32> {
    let mode = u32::from_str_radix(text, 8).ok()? & MODES;
    (mode & 0o700 == 0o700).then_some(mode)
}

fn pair(time: ArchivedTime) -> (i64, i64) {
    (time.seconds, time.nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::super::format::ArchivedTime;
    use super::*;

    fn entry() -> MessageEntry {
        let time = ArchivedTime {
            seconds: 1,
            nanoseconds: 2,
        };
        MessageEntry {
            id: String::new(),
            queue: "deferred".to_owned(),
            sender: String::new(),
            arrival: 1_700_000_000,
            arrival_iso: String::new(),
            arrival_microseconds: 0xabcde,
            forced_expire: false,
            mode: "0700".to_owned(),
            inode: 1,
            modified: time,
            accessed: time,
            files: Vec::new(),
            state: CopyState::Complete,
        }
    }

    #[test]
    fn an_id_keeps_its_time_and_gets_the_new_inode_number() {
        let new = |old: &str, style| {
            let old = QueueId::parse(old.as_bytes()).unwrap();
            new_id(&old, &entry(), 0xff, style).to_string()
        };
        assert_eq!(new("3A78999CD00", IdStyle::Short), "3A789FF");
        assert_eq!(new("3A78999CD00", IdStyle::Long), "3A789FF");
        let long = QueueId::long(1_700_000_000, 0xabcde, 77).to_string();
        let renamed = QueueId::long(1_700_000_000, 0xabcde, 0xff).to_string();
        assert_eq!(new(&long, IdStyle::Long), renamed);
        assert_eq!(new(&long, IdStyle::Short), "ABCDEFF");
        // Names without a time or an inode number.
        for name in ["ABC", "12345", "12345nothex"] {
            assert_eq!(new(name, IdStyle::Short), "ABCDEFF");
            assert_eq!(new(name, IdStyle::Long), renamed);
        }
    }

    #[test]
    fn modes_are_those_of_complete_messages() {
        assert_eq!(mode("0700"), Some(0o700));
        assert_eq!(mode("0710"), Some(0o710));
        assert_eq!(mode("4777"), Some(0o750));
        for text in ["0600", "0400", "x", "", "-0700", "99"] {
            assert_eq!(mode(text), None, "{text}");
        }
    }
}
