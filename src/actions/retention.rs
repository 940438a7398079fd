//! What happens to deleted messages: they are unlinked, or kept by an
//! implementation that the caller supplies.
//!
//! Actions are independent of how and where messages are kept.

use std::fmt::Debug;

use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::limits::JOB_MAX;
use super::report::ActionLog;
use super::spool_ops::FileAt;
use crate::spool::{Queue, QueueId};

/// What happens to a deleted message.
#[derive(Clone, Copy, Debug, Default)]
pub enum Removal<'a> {
    /// The message is unlinked.
    #[default]
    Unlink,
    /// The message is kept and can be restored.
    Retain(&'a dyn Retention),
}

impl Removal<'_> {
    /// Returns the largest number of messages in a job. It is higher if
    /// messages are kept, because such a job waits for the disk once.
    pub fn job_max(self) -> usize {
        match self {
            Self::Unlink => JOB_MAX,
            Self::Retain(_) => 4 * JOB_MAX,
        }
    }
}

/// A message that is about to be deleted: its ID, its queue, and its lstat(2)
/// result.
pub type Announced<'i> = (&'i QueueId, Queue, &'i FileStat);

/// Permission to take the announced messages, valid until it is dropped.
pub type Announcement<'a> = Box<dyn Debug + 'a>;

/// Keeps deleted messages so that they can be restored.
pub trait Retention: Debug + Sync {
    /// Records that these messages are about to be taken, and waits until the
    /// record is on disk. One wait covers all of them.
    ///
    /// # Errors
    ///
    /// The record cannot be written. None of the messages may be taken then.
    fn announce<'a>(
        &'a self,
        messages: &mut dyn Iterator<Item = Announced<'_>>,
    ) -> Result<Announcement<'a>, WorkError>;

    /// Takes a message and its logs out of their queues. `stat` is the earlier
    /// lstat(2) result for the message. If the message cannot be taken, the
    /// reason is added to `action_log`.
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
    ) -> Result<RetentionOutcome, WorkError>;
}

/// The result of [`Retention::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionOutcome {
    /// The message is kept.
    Done,
    /// The message was no longer where it had been found.
    Gone,
    /// The message stays in its queue; the reason was added to the log.
    Refused,
}
