//! Announces the steps of an action to the journal, if there is one: the record
//! must be on disk before the message is changed.

use nix::sys::stat::FileStat;

use super::action::{Action, ActionStep};
use super::effects::Effects;
use super::error::WorkError;
use super::expiry::has_mark;
use super::journal::{Act, AnnouncedAct, Announcement};
use crate::spool::{Queue, QueueId};
use crate::sys::time::now;

/// A message that was found: its ID, its queue, and its lstat(2) result.
type Found<'i> = (&'i QueueId, Queue, &'i FileStat);

/// Announces the steps of actions on single messages.
#[derive(Debug)]
pub(super) struct Announcer<'a> {
    effects: Effects<'a>,
    /// The time that is recorded for requeued messages, and that they get, in
    /// seconds since the epoch.
    at: i64,
}

impl<'a> Announcer<'a> {
    pub(super) fn new(effects: Effects<'a>) -> Self {
        Self { effects, at: now() }
    }

    /// Returns the time that a requeued message gets, in seconds since the
    /// epoch. It is the one that was announced.
    pub(super) fn requeue_time(&self) -> i64 {
        match self.effects.journal {
            Some(_) => self.at,
            None => now(),
        }
    }

    /// Announces all steps of an action on these messages at once, which is
    /// faster than one by one.
    ///
    /// # Errors
    ///
    /// The announcement cannot be recorded. Nothing may be done then.
    pub(super) fn announce<'i>(
        &mut self,
        action: Action,
        messages: impl Iterator<Item = Found<'i>>,
    ) -> Result<Option<Announcement<'a>>, WorkError> {
        let Some(journal) = self.effects.journal else {
            return Ok(None);
        };
        self.at = now();
        let steps = |message: Found<'i>| {
            let steps = action
                .steps()
                .filter(move |step| step.looks_into(message.1));
            steps.map(move |step| (step, message))
        };
        let acts = messages.flat_map(steps);
        let mut acts = acts.filter_map(|(step, message)| self.act_of(step, message));
        journal.announce(&mut acts).map(Some)
    }

    /// Announces one step, unless that was done before.
    ///
    /// # Errors
    ///
    /// The announcement cannot be recorded. Nothing may be done then.
    pub(super) fn announce_step(
        &self,
        step: ActionStep,
        message: Found<'_>,
    ) -> Result<Option<Announcement<'a>>, WorkError> {
        let Some(journal) = self.effects.journal else {
            return Ok(None);
        };
        let mut act = self.act_of(step, message).into_iter();
        journal.announce(&mut act).map(Some)
    }

    /// Returns what a step does to a message, as the journal records it; `None`
    /// if the step changes nothing.
    fn act_of<'i>(
        &self,
        step: ActionStep,
        (id, queue, stat): Found<'i>,
    ) -> Option<AnnouncedAct<'i>> {
        let next_attempt = self.effects.next_attempt.of(id);
        let act = match step {
            ActionStep::Delete => Act::Delete,
            ActionStep::Expire if has_mark(stat) => return None,
            ActionStep::Expire => Act::Expire,
            ActionStep::Requeue => Act::Requeue {
                sets: Some((self.at, 0)),
            },
            ActionStep::Hold => Act::Hold,
            ActionStep::Release => Act::Release { sets: next_attempt },
            // The change is known only once the message is on hold.
            ActionStep::ChangeRecipients => return None,
            ActionStep::Postpone => Act::Postpone {
                sets: next_attempt?,
            },
        };
        Some(AnnouncedAct {
            id,
            queue,
            stat,
            act,
        })
    }
}
