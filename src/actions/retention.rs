//! What becomes of deleted messages: they are unlinked, or kept by an
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

/// What becomes of a message that is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub enum Removal<'a> {
    /// It is unlinked.
    #[default]
    Unlink,
    /// It is kept, and can be restored.
    Retain(&'a dyn Retention),
}

impl Removal<'_> {
    /// Messages in a job at most. A job whose messages are kept waits once for
    /// the disk, so it is larger.
    pub fn job_max(self) -> usize {
        match self {
            Self::Unlink => JOB_MAX,
            Self::Retain(_) => 4 * JOB_MAX,
        }
    }
}

/// A message that is about to be deleted: its ID, its queue, and what lstat(2)
/// reported.
pub type Announced<'i> = (&'i QueueId, Queue, &'i FileStat);

/// Allows the announced messages to be taken until it is dropped.
pub type Announcement<'a> = Box<dyn Debug + 'a>;

/// Keeps deleted messages so that they can be restored.
pub trait Retention: Debug + Sync {
    /// Records that these messages are about to be taken, and waits until the
    /// record is on the disk: once for all of them.
    ///
    /// # Errors
    ///
    /// If that cannot be recorded: none of them may be taken.
    fn announce<'a>(
        &'a self,
        messages: &mut dyn Iterator<Item = Announced<'_>>,
    ) -> Result<Announcement<'a>, WorkError>;

    /// Takes a message and its logs out of their queues. `stat` is what
    /// lstat(2) reported of the message before. Refusals are added to the log.
    ///
    /// # Errors
    ///
    /// If a rename fails for a reason that concerns other messages as well.
    fn take(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<RetentionOutcome, WorkError>;
}

/// What became of a message that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionOutcome {
    /// It is kept.
    Done,
    /// It was not where it had been seen.
    Gone,
    /// It stays in its queue, and the reason is in the log.
    Refused,
}
