//! The actions of postsuper(1), the steps they consist of, and the queues they
//! apply to.

use super::error::WorkError;
use crate::spool::Queue;

/// An action that the user can request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Delete messages (-d).
    Delete,
    /// Force messages to expire (-e).
    Expire,
    /// Force messages to expire, and release those on hold (-f).
    ExpireAndRelease,
    /// Put messages on hold (-h).
    Hold,
    /// Release messages from hold (-H).
    Release,
    /// Requeue messages (-r).
    Requeue,
    /// Put off the next delivery attempt (--postpone).
    Postpone,
    /// Take recipients out of messages (--drop-recipient).
    DropRecipients,
    /// Return messages to their senders (--bounce).
    Bounce,
}

impl Action {
    /// Returns whether the action can move messages.
    pub fn moves(self) -> bool {
        match self {
            Action::Delete | Action::Expire | Action::Postpone => false,
            Action::Hold
            | Action::Release
            | Action::Requeue
            | Action::ExpireAndRelease
            | Action::DropRecipients
            | Action::Bounce => true,
        }
    }

    /// Returns whether the action is performed on each message by itself, even
    /// with ALL.
    pub fn is_one_by_one(self) -> bool {
        matches!(self, Action::DropRecipients | Action::Bounce)
    }

    /// Returns whether messages may be delivered after the action.
    pub fn causes_deliveries(self) -> bool {
        match self {
            Action::Release | Action::ExpireAndRelease | Action::Requeue | Action::Bounce => true,
            Action::Delete
            | Action::Expire
            | Action::Hold
            | Action::DropRecipients
            | Action::Postpone => false,
        }
    }

    /// Returns the steps of the action, in order.
    pub(super) fn steps(self) -> impl Iterator<Item = ActionStep> {
        let second = (self == Action::ExpireAndRelease).then_some(ActionStep::Release);
        std::iter::once(ActionStep::first_of(self)).chain(second)
    }

    /// Returns whether the action looks for messages in the queue.
    pub fn looks_into(self, queue: Queue) -> bool {
        ActionStep::first_of(self).looks_into(queue)
    }

    /// Returns whether messages in the queue are already in the state that the
    /// action would bring about. The action does not look for messages there.
    pub(super) fn is_done_in(self, queue: Queue) -> bool {
        match self {
            Action::Hold => queue == Queue::Hold,
            Action::Release => queue.holds_messages() && queue != Queue::Hold,
            Action::Requeue => queue == Queue::Maildrop,
            // Only in deferred, there is a next attempt that can be put off.
            Action::Postpone => queue.holds_messages() && queue != Queue::Deferred,
            Action::Delete
            | Action::Expire
            | Action::ExpireAndRelease
            | Action::DropRecipients
            | Action::Bounce => false,
        }
    }
}

/// A queue operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A valid queue.
    Queue(Queue),
    /// A name that is not the name of a queue. The error is reported when the
    /// operand is processed.
    Unknown(Vec<u8>),
}

impl Selected {
    /// Parses a queue operand.
    pub fn parse(operand: &[u8]) -> Self {
        match Queue::parse(operand) {
            Some(queue) => Self::Queue(queue),
            None => Self::Unknown(operand.to_vec()),
        }
    }

    /// Returns the queue.
    ///
    /// # Errors
    ///
    /// The operand is not the name of a queue.
    pub fn queue(&self) -> Result<Queue, WorkError> {
        match self {
            Self::Queue(queue) => Ok(*queue),
            Self::Unknown(name) => Err(WorkError::NoQueue(name.clone())),
        }
    }
}

/// One of the steps that actions consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionStep {
    Delete,
    Expire,
    Requeue,
    Hold,
    Release,
    Postpone,
    ChangeRecipients,
}

impl ActionStep {
    /// Returns the first step of an action. Only [`Action::ExpireAndRelease`]
    /// has a second one.
    pub(super) fn first_of(action: Action) -> Self {
        match action {
            Action::Delete => ActionStep::Delete,
            Action::Expire | Action::ExpireAndRelease => ActionStep::Expire,
            Action::Hold => ActionStep::Hold,
            Action::Release => ActionStep::Release,
            Action::Requeue => ActionStep::Requeue,
            Action::Postpone => ActionStep::Postpone,
            Action::DropRecipients | Action::Bounce => ActionStep::ChangeRecipients,
        }
    }

    /// Returns whether the step looks for messages in the queue. A damaged message
    /// can be deleted, or put on hold to be examined.
    pub(super) fn looks_into(self, queue: Queue) -> bool {
        if queue == Queue::Corrupt {
            return matches!(self, ActionStep::Delete | ActionStep::Hold);
        }
        queue.holds_messages()
            && match self {
                ActionStep::Delete => true,
                ActionStep::Release => queue == Queue::Hold,
                ActionStep::Postpone => queue == Queue::Deferred,
                ActionStep::Hold => queue != Queue::Maildrop && queue != Queue::Hold,
                ActionStep::Expire | ActionStep::Requeue | ActionStep::ChangeRecipients => {
                    queue != Queue::Maildrop
                }
            }
    }
}
