//! The state of messages after a flush, from the queue files and the defer logs.
//!
//! Observed with Postfix 3.7.11: an attempt takes a message from deferred to active,
//! and back if it fails, with the time of the next attempt as its modification time.
//! The flush daemon sets the modification time to the present before the attempt.

use nix::sys::stat::FileStat;

use super::outcome::FlushOutcome;
use crate::config::Config;
use crate::spool::{Layout, LogBuffers, Queue, QueueId, ReasonReader};
use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::time::now;
use crate::text::Charset;

/// The queues in which a message is looked for. It moves in this order, and can move
/// back, so that all of them are searched more than once.
const SEARCHED: [Queue; 5] = [
    Queue::Deferred,
    Queue::Incoming,
    Queue::Active,
    Queue::Hold,
    Queue::Maildrop,
];
/// The number of searches before a message counts as gone.
const SEARCHES: usize = 3;
/// The largest number of entries of a defer log that are counted.
const ENTRIES_MAX: usize = 10_000;

/// Looks at queue files.
pub(super) struct SpoolFollower<'a> {
    spool: &'a Dir,
    layout: Layout,
    /// The state of each file before the flush; `None` if it was not found.
    before: Vec<Option<FileStamp>>,
}

/// The state of a file. A rename changes the time of the last status change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    fn of(stat: &FileStat) -> Self {
        Self {
            inode: stat.st_ino,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

impl<'a> SpoolFollower<'a> {
    /// Remembers the state of the messages before they are flushed.
    pub(super) fn new(spool: &'a Dir, config: &Config, ids: &[QueueId]) -> Self {
        let mut follower = Self {
            spool,
            layout: Layout::of(config),
            before: Vec::new(),
        };
        let stamp = |id: &QueueId| follower.find(id, None).map(|(_, stamp)| stamp);
        let before = ids.iter().map(stamp).collect();
        follower.before = before;
        follower
    }

    /// Finds a message, or the file with this inode number.
    fn find(&self, id: &QueueId, inode: Option<u64>) -> Option<(Queue, FileStamp)> {
        (0..SEARCHES).find_map(|_| {
            SEARCHED.into_iter().find_map(|queue| {
                let path = self.layout.path(queue, id.as_bytes());
                let stamp = FileStamp::of(&self.spool.stat(&path).ok()?);
                let is_it = inode.is_none_or(|inode| inode == stamp.inode);
                is_it.then_some((queue, stamp))
            })
        })
    }

    /// What became of the message at this place.
    pub(super) fn outcome(&self, place: usize, id: &QueueId) -> FlushOutcome {
        let before = self.before.get(place).copied().flatten();
        match self.find(id, before.map(|before| before.inode)) {
            None => FlushOutcome::Left,
            Some((Queue::Hold, _)) => FlushOutcome::Held,
            // A time that has passed was set by the flush daemon, or by the
            // attempt before.
            Some((Queue::Deferred, stamp)) if Some(stamp) != before && stamp.modified.0 > now() => {
                FlushOutcome::DeferredAgain(self.reason(id))
            }
            Some((queue, _)) => FlushOutcome::Pending(queue),
        }
    }

    /// The reason in the defer log, with the number of recipients if there are
    /// several.
    fn reason(&self, id: &QueueId) -> Vec<u8> {
        let mut first = Vec::new();
        let mut count = 0usize;
        let path = self.layout.path(Queue::Defer, id.as_bytes());
        let opened = self.spool.open_file_below(&path);
        let log = opened.and_then(|file| Ok((stat_open(&file)?, file)));
        if let Ok((stat, file)) = log
            && FileKind::of(&stat) == FileKind::File
        {
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            let mut buffers = LogBuffers::default();
            let mut log = ReasonReader::open(file, size, Charset::Safe, &mut buffers);
            while count < ENTRIES_MAX {
                let Ok(Some(entry)) = log.next(|_| {}) else {
                    break;
                };
                if count == 0 {
                    first.extend_from_slice(&entry.reason);
                }
                count = count.saturating_add(1);
            }
        }
        if count == 0 {
            first.extend_from_slice(b"the defer log has no reason");
        } else if count > 1 {
            first.extend_from_slice(format!(" ({count} recipients)").as_bytes());
        }
        first
    }
}
