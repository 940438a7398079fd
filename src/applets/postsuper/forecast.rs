//! A forecast of what an action would do to a message: the JSON lines of
//! `--dry-run --results=json`.

use super::journal::Deleted;
use crate::actions::Action;
use crate::actions::report::{ActionDone, ActionResult, Outcome};
use crate::actions::results;
use crate::listing::{Clock, Template, Terminator, TimeStyle};
use crate::spool::Queue;

/// The columns that a forecast needs. None of them contains a blank.
const COLUMNS: &str = "%{queue} %{id} %{status}";
/// The value of the status column for a message with forced expiry.
const EXPIRED: &str = "expire";

/// A forecast for an action.
#[derive(Debug)]
pub struct Forecast {
    action: Action,
    deleted: Deleted,
    template: Template,
    /// The name of the instance, if an option chose it.
    instance: Option<String>,
}

impl Forecast {
    /// A forecast for `action`; `deleted` is the destination of deleted messages.
    pub fn new(action: Action, deleted: Deleted) -> Self {
        let clock = Clock {
            style: TimeStyle::Iso,
            now: 0,
        };
        let ids = Template::ids(Terminator::Nothing, clock);
        let template = Template::format(COLUMNS, Terminator::Nothing, clock);
        Self {
            action,
            deleted,
            template: template.unwrap_or(ids),
            instance: None,
        }
    }

    /// Names the instance in each line.
    pub fn of_instance(self, instance: Option<&str>) -> Self {
        Self {
            instance: instance.map(str::to_owned),
            ..self
        }
    }

    /// The format of the lines that [`Forecast::json`] reads.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Returns what would happen to a listed message: one JSON line for each
    /// change.
    pub fn json(&self, listed: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(listed);
        let mut columns = text.splitn(3, ' ');
        let queue = columns
            .next()
            .and_then(|q| Queue::of_directory(q.as_bytes()));
        let (Some(queue), Some(id)) = (queue, columns.next()) else {
            return Vec::new();
        };
        let is_expired = columns.next().unwrap_or_default().contains(EXPIRED);
        let expired = (!is_expired).then_some(ActionDone::Expired);
        let mut out = Vec::new();
        for action_done in self.outcomes(queue, expired) {
            let line = match action_done {
                Some(action_done) => {
                    let done = (action_done, queue);
                    results::would_be_line(
                        self.action,
                        id.as_bytes(),
                        done,
                        self.instance.as_deref(),
                    )
                }
                None => self.not_done(id.as_bytes(), Outcome::Unchanged(queue)),
            };
            out.extend_from_slice(line.as_bytes());
        }
        out
    }

    /// Returns a JSON line about an ID that would not be acted on.
    pub fn not_done(&self, id: &[u8], outcome: Outcome) -> String {
        let id = id.to_vec();
        results::json_line(
            self.action,
            &ActionResult { id, outcome },
            self.instance.as_deref(),
        )
    }

    /// The queue of a message of `queue` after the action; `None` if it would
    /// be deleted.
    pub fn queue_after(&self, queue: Queue) -> Option<Queue> {
        match self.action {
            Action::Delete => None,
            Action::Hold => Some(Queue::Hold),
            Action::Release => Some(Queue::Deferred),
            Action::ExpireAndRelease if queue == Queue::Hold => Some(Queue::Deferred),
            Action::Expire | Action::ExpireAndRelease | Action::Postpone => Some(queue),
            Action::Requeue => Some(Queue::Maildrop),
            Action::DropRecipients => Some(queue),
            Action::Bounce => Some(Queue::Deferred),
        }
    }

    /// The changes to a message, of which `expired` is the one if it expires; `None`
    /// stands for one that is already in effect.
    fn outcomes(&self, queue: Queue, expired: Option<ActionDone>) -> Vec<Option<ActionDone>> {
        match (self.action, self.deleted) {
            (Action::Delete, Deleted::Gone) => vec![Some(ActionDone::Removed)],
            (Action::Delete, Deleted::InTrash) => vec![Some(ActionDone::Trashed)],
            (Action::Hold, _) => vec![Some(ActionDone::Held)],
            (Action::Release, _) => vec![Some(ActionDone::Released)],
            (Action::Requeue, _) => vec![Some(ActionDone::Requeued)],
            (Action::Postpone, _) => vec![Some(ActionDone::Postponed)],
            (Action::DropRecipients, _) => vec![Some(ActionDone::RecipientsDropped)],
            (Action::Bounce, _) => vec![Some(ActionDone::Returned)],
            (Action::Expire, _) => vec![expired],
            (Action::ExpireAndRelease, _) if queue == Queue::Hold => {
                vec![expired, Some(ActionDone::Released)]
            }
            (Action::ExpireAndRelease, _) => vec![expired],
        }
    }
}
