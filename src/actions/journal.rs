//! The journal of acts, as the actions see it: what is written down about a
//! message before it is changed, so that the change can be undone.
//!
//! Actions are independent of how and where acts are recorded and deleted
//! messages are kept: the caller supplies an [`ActJournal`].

use std::fmt::Debug;

use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::report::ActionLog;
use super::spool_ops::FileAt;
use crate::spool::{Queue, QueueId};
use crate::sys::dir_changes::FileTime;

/// An act that is about to be performed on a message, with all that is needed to undo it
/// besides the lstat(2) result of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The message is moved to the trash, with its logs.
    Delete,
    /// The message is moved to hold.
    Hold,
    /// The message is moved from hold to deferred.
    Release {
        /// The modification time that it gets; `None` if it keeps its own.
        sets: Option<FileTime>,
    },
    /// The message is forced to expire.
    Expire,
    /// The message is moved to maildrop.
    Requeue {
        /// The modification and access time that it gets; `None` if it keeps
        /// its own.
        sets: Option<FileTime>,
    },
    /// The next attempt to deliver the message is put off.
    Postpone {
        /// The modification time that it gets.
        sets: FileTime,
    },
    /// Recipients are marked as done, while the message is on hold.
    DropRecipients {
        /// The offsets of the type bytes that are changed, in the queue file.
        records: Vec<u64>,
    },
    /// All recipients are returned to the sender: entries are appended to the
    /// bounce log, and the recipients marked as done, while the message is on
    /// hold. It is released afterwards.
    Bounce {
        /// The offsets of the type bytes that are changed, in the queue file.
        records: Vec<u64>,
        /// The queue to which the message is released.
        to: Queue,
        /// The size of the bounce log before; `None` if there was none.
        log_size: Option<u64>,
    },
}

/// An act that is about to be performed on a message.
#[derive(Clone, Debug)]
pub struct AnnouncedAct<'i> {
    /// The queue ID of the message.
    pub id: &'i QueueId,
    /// The queue that it is in.
    pub queue: Queue,
    /// Its lstat(2) result.
    pub stat: &'i FileStat,
    /// The act.
    pub act: Act,
}

/// Permission to perform the announced acts, valid until it is dropped.
pub type Announcement<'a> = Box<dyn Debug + 'a>;

/// How deleted messages that are kept in the trash are reported, and whether
/// other files are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionReport {
    /// As moved to the trash. With ALL, other files stay where they are.
    Trashed,
    /// In Postfix's words, as removed. With ALL, other files are removed, as
    /// Postfix does.
    AsPostfix,
}

/// Records acts before they are performed, and keeps deleted messages.
pub trait ActJournal: Debug + Sync {
    /// Records that these acts are about to be performed, and waits until the
    /// records are on disk. One wait covers all of them. An act that was
    /// announced for the same message in the same queue, by an announcement
    /// that is still held, is not recorded again.
    ///
    /// # Errors
    ///
    /// The records cannot be written. None of the acts may be performed then.
    fn announce<'a>(
        &'a self,
        acts: &mut dyn Iterator<Item = AnnouncedAct<'_>>,
    ) -> Result<Announcement<'a>, WorkError>;

    /// Notes that an announced act was performed: the call did something that
    /// can be undone.
    fn acted(&self);

    /// Takes a deleted message and its logs out of their queues. `stat` is the
    /// earlier lstat(2) result for the message. Announces the act if that was
    /// not done before. If the message cannot be taken, the reason is added to
    /// `action_log`.
    ///
    /// # Errors
    ///
    /// A rename failed for a reason that affects other messages as well.
    fn take(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<TakeOutcome, WorkError>;

    /// Returns how deleted messages are reported.
    fn deletions(&self) -> DeletionReport;
}

/// The result of [`ActJournal::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOutcome {
    /// The message is in the trash.
    Done,
    /// The message was no longer where it had been found.
    Gone,
    /// The message stays in its queue; the reason was added to the log.
    Refused,
}
