//! Actions on messages by queue ID: delete, requeue, hold, release and expire,
//! as described in postsuper(1).
//!
//! Determines in which queues an ID is looked for, and what is reported of the
//! message found. `message_lookup` examines it, `message_steps` changes it.

use super::action::{Action, ActionStep, Selected};
use super::edit_result::EditResult;
use super::effects::Effects;
use super::error::WorkError;
use super::expiry::is_expired;
use super::journal::{Announcement, TakeOutcome};
use super::message_lookup::{LocatedMessage, is_allowed, look_into, warn_of_unseen};
use super::message_steps::MessageSteps;
use super::recipient_change::{RecipientChange, RecipientRequest};
use super::recipient_editor::RecipientEditor;
use super::report::{ActionDone, ActionLog, Outcome};
use super::spool_ops::{FileAt, Moved, SpoolOps};
use crate::spool::message;
use crate::spool::message::{Identity, Message};
use crate::spool::{Queue, QueueId};

/// The number of passes over all queues. A message that moves between the
/// examination and the action is found in the second pass.
const TRIES: usize = 2;

/// Whether the search for a message continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchFlow {
    Done,
    Continue,
}

/// Acts on messages in the selected queues.
#[derive(Debug)]
pub struct Executor<'a> {
    selected: &'a [Selected],
    steps: MessageSteps<'a>,
    /// Makes the changes to recipients, if any were requested.
    editor: Option<RecipientEditor<'a>>,
    /// The only file on which to act; `None` allows any file with the right
    /// name.
    only: Option<Identity>,
}

impl<'a> Executor<'a> {
    /// Creates an executor that searches these queues, in this order.
    pub fn new(ops: SpoolOps<'a>, selected: &'a [Selected], effects: Effects<'a>) -> Self {
        Self {
            steps: MessageSteps::new(ops, effects),
            selected,
            editor: None,
            only: None,
        }
    }

    /// Sets the change that actions on recipients make.
    pub fn changing(mut self, request: Option<RecipientRequest<'a>>) -> Self {
        self.editor = request.map(|request| {
            RecipientEditor::new(self.steps.ops.clone(), request, self.steps.effects.journal)
        });
        self
    }

    /// Acts on the message that was found in `queue`, even if it has moved
    /// since. Acts on this file only, not on another that may have its name by
    /// now.
    ///
    /// # Errors
    ///
    /// Those of [`Executor::act`].
    pub fn act_on_same(
        &mut self,
        action: Action,
        id: &QueueId,
        (queue, identity): (Queue, Identity),
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        self.only = Some(identity);
        let there = self.steps.ops.home(queue, id.as_bytes());
        let stat = there.and_then(|dir| dir.stat(id.as_os_str())).ok();
        let seen = stat
            .filter(|stat| message::is_plain(stat) && is_allowed(self.only, stat))
            .map(|stat| LocatedMessage { queue, stat });
        let acted = self.act(action, id, seen, action_log);
        self.only = None;
        acted
    }

    /// Acts on the message with this ID. `seen` is where it was found, if it
    /// was. Reports nothing if there is no such message.
    ///
    /// # Errors
    ///
    /// Failures that end the work: a file cannot be moved or removed, or the
    /// trash cannot be used. Problems with a single message are logged instead.
    pub fn act(
        &mut self,
        action: Action,
        id: &QueueId,
        seen: Option<LocatedMessage>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        match action {
            Action::Release => self.release(id, seen, action_log),
            Action::ExpireAndRelease => {
                self.search(ActionStep::Expire, id, seen, action_log)?;
                self.release(id, None, action_log)
            }
            _ => self.search(ActionStep::first_of(action), id, seen, action_log),
        }
    }

    /// Announces the action on these messages, if there is a journal. The
    /// messages must be handled before the announcement is dropped.
    ///
    /// # Errors
    ///
    /// The announcement cannot be recorded. Nothing may be done then.
    pub fn announce<'i>(
        &mut self,
        action: Action,
        messages: impl IntoIterator<Item = (&'i QueueId, &'i LocatedMessage)>,
    ) -> Result<Option<Announcement<'a>>, WorkError> {
        let messages = messages.into_iter();
        let messages = messages.map(|(id, seen)| (id, seen.queue, &seen.stat));
        self.steps.announcer.announce(action, messages)
    }

    /// Returns the queue in which the message already is in the state that the
    /// action would bring about, for example on hold. Considers the selected
    /// queues only.
    pub fn find_unchanged(&self, action: Action, id: &QueueId) -> Option<Queue> {
        let queues = self.selected.iter().filter_map(|s| s.queue().ok());
        let mut done = queues.filter(|queue| action.is_done_in(*queue));
        done.find(|queue| {
            // A message that cannot be examined counts as missing, because
            // Postfix does not look there at all.
            let home = self.steps.ops.home(*queue, id.as_bytes());
            let stat = home.and_then(|dir| dir.stat(id.as_os_str()));
            stat.is_ok_and(|stat| message::is_regular(&stat) && message::is_ready(&stat))
        })
    }

    /// Whether the requested change to recipients would change anything in a message
    /// of `queue`. Changes nothing.
    ///
    /// # Errors
    ///
    /// The message would be left as it is, for this reason.
    pub fn would_change(
        &mut self,
        id: &QueueId,
        message: &Message,
        queue: Queue,
    ) -> Result<bool, String> {
        let editor = self.editor.as_mut();
        editor.map_or(Ok(false), |editor| editor.forecast(id, message, queue))
    }

    /// Whether a killed call has left a message of `queue` unfinished while it changed
    /// its recipients, as this call does.
    pub fn is_interrupted(&mut self, id: &QueueId, message: &Message, queue: Queue) -> bool {
        let editor = self.editor.as_mut();
        editor.is_some_and(|editor| editor.is_interrupted(id, message, queue))
    }

    /// Whether a killed call has left the message with this ID on hold, although
    /// hold is not one of the selected queues.
    pub fn is_left_on_hold(&mut self, id: &QueueId) -> bool {
        let is_selected = |queue| self.selected.contains(&Selected::Queue(queue));
        let comes_back = is_selected(Queue::Deferred) || is_selected(Queue::Incoming);
        if self.editor.is_none() || is_selected(Queue::Hold) || !comes_back {
            return false;
        }
        let name = id.as_bytes();
        let path = self.steps.ops.path(Queue::Hold, name);
        let Ok(home) = self.steps.ops.home(Queue::Hold, name) else {
            return false;
        };
        let opened = message::open(&home, name, Queue::Hold, &path);
        opened.is_ok_and(|message| self.is_interrupted(id, &message, Queue::Hold))
    }

    /// Searches the queues that the step applies to. If it is known where the
    /// message was found, the search begins with that queue.
    fn search(
        &mut self,
        step: ActionStep,
        id: &QueueId,
        mut seen: Option<LocatedMessage>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        let selected = self.selected;
        for _ in 0..TRIES {
            for selected in selected {
                // Observed with Postfix 3.7.11: operands after the queue of the
                // message are not examined, not even for being valid queue
                // names.
                let queue = match selected {
                    Selected::Queue(queue) if !step.looks_into(*queue) => continue,
                    other => other.queue()?,
                };
                let search = match seen {
                    Some(seen) if seen.queue != queue => continue,
                    Some(there) => {
                        seen = None;
                        self.act_on(there, step, id, action_log)?
                    }
                    None => self.try_in(queue, step, id, action_log)?,
                };
                if search == SearchFlow::Done {
                    return Ok(());
                }
            }
            if step == ActionStep::ChangeRecipients
                && self.is_left_on_hold(id)
                && self.try_in(Queue::Hold, step, id, action_log)? == SearchFlow::Done
            {
                return Ok(());
            }
            self.steps.ops.forget();
        }
        Ok(())
    }

    /// Releases a message from hold, if hold is one of the selected queues.
    fn release(
        &mut self,
        id: &QueueId,
        seen: Option<LocatedMessage>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        if let Some(seen) = seen {
            self.act_on(seen, ActionStep::Release, id, action_log)?;
        } else if self.selected.contains(&Selected::Queue(Queue::Hold)) {
            self.try_in(Queue::Hold, ActionStep::Release, id, action_log)?;
        }
        Ok(())
    }

    /// Acts on the message if it is in this queue.
    fn try_in(
        &mut self,
        queue: Queue,
        step: ActionStep,
        id: &QueueId,
        action_log: &mut ActionLog,
    ) -> Result<SearchFlow, WorkError> {
        match look_into(&self.steps.ops, (queue, id), self.only, action_log)? {
            Some(seen) => self.act_on(seen, step, id, action_log),
            None => Ok(SearchFlow::Continue),
        }
    }

    /// Acts on the message where it was found.
    fn act_on(
        &mut self,
        seen: LocatedMessage,
        step: ActionStep,
        id: &QueueId,
        action_log: &mut ActionLog,
    ) -> Result<SearchFlow, WorkError> {
        let dir = match self.steps.ops.home(seen.queue, id.as_bytes()) {
            Ok(dir) => dir,
            Err(cause) => {
                warn_of_unseen(&self.steps.ops, (seen.queue, id), cause, action_log)?;
                return Ok(SearchFlow::Continue);
            }
        };
        let at = FileAt {
            dir: &dir,
            name: id.as_bytes(),
            path: &self.steps.ops.path(seen.queue, id.as_bytes()),
        };
        match (step, self.steps.effects.journal) {
            (ActionStep::Delete, Some(journal)) => {
                let taken = journal.take(at, id, seen.queue, &seen.stat, action_log)?;
                Ok(self.conclude_taken(taken, id, seen.queue, action_log))
            }
            (ActionStep::ChangeRecipients, _) => self.change_recipients(at, id, &seen, action_log),
            _ => {
                let announced = (id, seen.queue, &seen.stat);
                let _announced = self.steps.announcer.announce_step(step, announced)?;
                let (moved, action_done) =
                    self.steps.perform(step, at, (id, &seen.stat), action_log)?;
                let found = (id, seen.queue);
                Ok(self.conclude(step, at, (moved, action_done), found, action_log))
            }
        }
    }

    /// Reports a deletion that the journal carried out.
    fn conclude_taken(
        &self,
        taken: TakeOutcome,
        id: &QueueId,
        queue: Queue,
        action_log: &mut ActionLog,
    ) -> SearchFlow {
        match taken {
            TakeOutcome::Done => {
                action_log.done(self.steps.effects.deleted(), id, queue);
                SearchFlow::Done
            }
            TakeOutcome::Gone => SearchFlow::Continue,
            TakeOutcome::Refused => {
                action_log.not_done(id.as_bytes(), Outcome::Unchanged(queue));
                SearchFlow::Done
            }
        }
    }

    /// Reports the result of a step.
    fn conclude(
        &self,
        step: ActionStep,
        at: FileAt<'_>,
        (moved, action_done): (Moved, ActionDone),
        (id, queue): (&QueueId, Queue),
        action_log: &mut ActionLog,
    ) -> SearchFlow {
        match moved {
            Moved::Done => {
                self.steps.effects.acted();
                action_log.done(action_done, id, queue);
                SearchFlow::Done
            }
            Moved::Blocked => {
                action_log.not_done(id.as_bytes(), Outcome::NotMoved(queue));
                SearchFlow::Done
            }
            Moved::Gone => {
                let outcome = Outcome::Unchanged(queue);
                // The second pass finds the message again; it is reported once.
                if step == ActionStep::Expire
                    && is_expired(at)
                    && !action_log.ends_with(id, outcome)
                {
                    action_log.not_done(id.as_bytes(), outcome);
                }
                SearchFlow::Continue
            }
        }
    }

    /// Changes the recipients of a message.
    fn change_recipients(
        &mut self,
        at: FileAt<'_>,
        id: &QueueId,
        seen: &LocatedMessage,
        action_log: &mut ActionLog,
    ) -> Result<SearchFlow, WorkError> {
        let Some(editor) = &mut self.editor else {
            return Ok(SearchFlow::Continue);
        };
        let found = (id, seen.queue, &seen.stat);
        Ok(match editor.edit(at, found, action_log)? {
            EditResult::Done => {
                let action_done = match editor.change() {
                    RecipientChange::Drop(_) => ActionDone::RecipientsDropped,
                    RecipientChange::Return(_) => ActionDone::Returned,
                };
                action_log.done(action_done, id, seen.queue);
                SearchFlow::Done
            }
            EditResult::Left => SearchFlow::Done,
            EditResult::Gone => SearchFlow::Continue,
        })
    }
}
