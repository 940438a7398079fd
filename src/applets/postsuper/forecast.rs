//! What an action would do to a message: the JSON lines of `--dry-run
//! --results=json`.

use super::trash::Deleted;
use crate::actions::Action;
use crate::actions::report::{ActionDone, ActionResult, Outcome};
use crate::actions::results;
use crate::listing::{Clock, Template, Terminator, TimeStyle};
use crate::spool::Queue;

/// What has to be known of a message. No column of it holds a blank.
const COLUMNS: &str = "%{queue} %{id} %{status}";
/// The status of a message whose next delivery attempt is the last.
const EXPIRED: &str = "expire";

/// What an action would do.
#[derive(Debug)]
pub struct Forecast {
    action: Action,
    deleted: Deleted,
    template: Template,
}

impl Forecast {
    /// What `action` would do, with deleted messages going to `deleted`.
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
        }
    }

    /// The form of the lines that [`Forecast::json`] takes.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What would be done to a message of the listing: one line for each action.
    pub fn json(&self, listed: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(listed);
        let mut columns = text.splitn(3, ' ');
        let queue = columns.next().and_then(|q| Queue::parse(q.as_bytes()));
        let (Some(queue), Some(id)) = (queue, columns.next()) else {
            return Vec::new();
        };
        let is_expired = columns.next().unwrap_or_default().contains(EXPIRED);
        let mut out = Vec::new();
        for action_done in self.outcomes(queue, is_expired) {
            let line = match action_done {
                Some(action_done) => {
                    results::would_be_line(self.action, id.as_bytes(), action_done, queue)
                }
                None => self.not_done(id.as_bytes(), Outcome::Unchanged(queue)),
            };
            out.extend_from_slice(line.as_bytes());
        }
        out
    }

    /// A line about what would not be acted on.
    pub fn not_done(&self, id: &[u8], outcome: Outcome) -> String {
        let id = id.to_vec();
        results::json_line(self.action, &ActionResult { id, outcome })
    }

    /// Where a message of `queue` would be afterwards; `None` if it would be
    /// gone.
    pub fn queue_after(&self, queue: Queue) -> Option<Queue> {
        match self.action {
            Action::Delete => None,
            Action::Hold => Some(Queue::Hold),
            Action::Release => Some(Queue::Deferred),
            Action::ExpireAndRelease if queue == Queue::Hold => Some(Queue::Deferred),
            Action::Expire | Action::ExpireAndRelease => Some(queue),
            Action::Requeue => Some(Queue::Maildrop),
        }
    }

    /// What would be done to a message; `None` for what is done already.
    fn outcomes(&self, queue: Queue, is_expired: bool) -> Vec<Option<ActionDone>> {
        let expired = (!is_expired).then_some(ActionDone::Expired);
        match (self.action, self.deleted) {
            (Action::Delete, Deleted::Gone) => vec![Some(ActionDone::Removed)],
            (Action::Delete, Deleted::InTrash) => vec![Some(ActionDone::Trashed)],
            (Action::Hold, _) => vec![Some(ActionDone::Held)],
            (Action::Release, _) => vec![Some(ActionDone::Released)],
            (Action::Requeue, _) => vec![Some(ActionDone::Requeued)],
            (Action::Expire, _) => vec![expired],
            (Action::ExpireAndRelease, _) if queue == Queue::Hold => {
                vec![expired, Some(ActionDone::Released)]
            }
            (Action::ExpireAndRelease, _) => vec![expired],
        }
    }
}
