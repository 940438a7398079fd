//! The effects of an action besides its change to a message: it records the act in a
//! journal, and sets the time of the next delivery attempt.

use super::journal::{ActJournal, DeletionReport};
use super::limits::JOB_MAX;
use super::next_attempt::NextAttempt;
use super::report::ActionDone;

/// The effects of an action besides its change to a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effects<'a> {
    /// The journal in which acts are recorded; `None` if they are not. With a
    /// journal, deleted messages are kept in the trash.
    pub journal: Option<&'a dyn ActJournal>,
    /// The time of the next delivery attempt that an action sets.
    pub next_attempt: NextAttempt<'a>,
}

impl Effects<'_> {
    /// Returns the largest number of messages in a job. It is higher if acts
    /// are recorded, because such a job waits for the disk once.
    pub fn job_max(self) -> usize {
        match self.journal {
            None => JOB_MAX,
            Some(_) => 4 * JOB_MAX,
        }
    }

    /// Notes that a change was made that can be undone.
    pub fn acted(self) {
        if let Some(journal) = self.journal {
            journal.acted();
        }
    }

    /// Returns how a deleted message is reported.
    pub fn deleted(self) -> ActionDone {
        match self.journal.map(ActJournal::deletions) {
            Some(DeletionReport::Trashed) => ActionDone::Trashed,
            Some(DeletionReport::AsPostfix) | None => ActionDone::Removed,
        }
    }
}
