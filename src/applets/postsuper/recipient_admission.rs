//! Which of the messages that an action on recipients finds it would change, and what
//! a dry run reports of the others.

use std::sync::{Mutex, PoisonError};

use crate::actions::executor::Executor;
use crate::actions::interrupted_change::{InterruptedChanges, SelectedMessages};
use crate::actions::{Action, Selected, Warning, by_selection};
use crate::listing::{Admission, Matching};
use crate::logging::{Logger, Severity};
use crate::queue_file::read_error::{Location, ReadError};
use crate::spool::message::Message;
use crate::spool::{Queue, QueueId};

/// Reports the messages that the action would leave as they are.
#[derive(Debug)]
pub struct Refusals<'a> {
    logger: &'a mut Logger,
    /// The messages, if they are kept.
    left: Option<Vec<(Queue, QueueId)>>,
}

impl<'a> Refusals<'a> {
    /// Reports warnings.
    pub fn warned(logger: &'a mut Logger) -> Self {
        Self { logger, left: None }
    }

    /// Reports warnings, and keeps the IDs.
    pub fn kept(logger: &'a mut Logger) -> Self {
        let left = Some(Vec::new());
        Self { logger, left }
    }

    /// Returns the queues and IDs of the messages that were left.
    pub fn into_left(self) -> Vec<(Queue, QueueId)> {
        self.left.unwrap_or_default()
    }

    fn report(&mut self, id: QueueId, at: &Location<'_>, why: Option<String>) {
        if let Some(why) = why {
            let path = at.path.to_owned();
            let warning = Warning::Recipients { path, why };
            self.logger.report(Severity::Warning, warning.message());
        }
        if let Some(left) = &mut self.left {
            left.push((at.queue, id));
        }
    }
}

/// Admits the messages that the action would change.
#[derive(Debug)]
pub struct RecipientAdmission<'a, 'r, 'l>(Mutex<AdmissionState<'a, 'r, 'l>>);

#[derive(Debug)]
struct AdmissionState<'a, 'r, 'l> {
    executor: Executor<'a>,
    interrupted: InterruptedChanges<'a>,
    /// The queues whose messages can match.
    searched: Vec<Queue>,
    refusals: Option<&'r mut Refusals<'l>>,
}

impl<'a, 'r, 'l> RecipientAdmission<'a, 'r, 'l> {
    /// Creates it for an action on messages of the selected queues. `executor` knows
    /// the change.
    pub fn new(
        executor: Executor<'a>,
        selected: &[Selected],
        action: Action,
        matching: SelectedMessages<'a>,
        refusals: Option<&'r mut Refusals<'l>>,
    ) -> Self {
        let searched = by_selection::queues(selected, action, matching.selection);
        Self(Mutex::new(AdmissionState {
            executor,
            interrupted: InterruptedChanges::new(matching, selected),
            searched: searched.flatten().collect(),
            refusals,
        }))
    }
}

impl Admission for RecipientAdmission<'_, '_, '_> {
    fn admits(
        &self,
        message: &Message,
        at: &Location<'_>,
        matching: Matching,
    ) -> Result<bool, ReadError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.admits(message, at, matching)
    }
}

impl AdmissionState<'_, '_, '_> {
    fn admits(
        &mut self,
        message: &Message,
        at: &Location<'_>,
        matching: Matching,
    ) -> Result<bool, ReadError> {
        let Some(id) = QueueId::parse(at.id) else {
            return Ok(false);
        };
        let matches = matching == Matching::Yes && self.searched.contains(&at.queue);
        if !matches {
            let executor = &mut self.executor;
            if self
                .interrupted
                .examine(executor, &id, message, at)?
                .is_none()
            {
                return Ok(false);
            }
        }
        let forecast = self.executor.would_change(&id, message, at.queue);
        let (would_change, why) = match forecast {
            Ok(would_change) => (would_change, None),
            Err(why) => (false, Some(why)),
        };
        if !would_change && let Some(refusals) = &mut self.refusals {
            refusals.report(id, at, why);
        }
        Ok(would_change)
    }
}
