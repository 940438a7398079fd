//! The actions of postsuper(1), the steps they consist of, and the queues they
//! apply to.

use super::error::WorkError;
use crate::spool::Queue;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// -d
    Delete,
    /// -e
    Expire,
    /// -f: expires, and releases what is on hold.
    ExpireAndRelease,
    /// -h
    Hold,
    /// -H
    Release,
    /// -r
    Requeue,
}

impl Action {
    /// Whether it moves messages, for all that is known beforehand.
    pub fn moves(self) -> bool {
        match self {
            Action::Delete | Action::Expire => false,
            Action::Hold | Action::Release | Action::Requeue | Action::ExpireAndRelease => true,
        }
    }

    /// Whether the action makes sense in a queue.
    pub fn looks_into(self, queue: Queue) -> bool {
        Step::first_of(self).looks_into(queue)
    }

    /// Whether messages of a queue are what the action would make of them, so
    /// that it does not look there.
    pub(super) fn is_done_in(self, queue: Queue) -> bool {
        match self {
            Action::Hold => queue == Queue::Hold,
            Action::Release => queue.holds_messages() && queue != Queue::Hold,
            Action::Requeue => queue == Queue::Maildrop,
            Action::Delete | Action::Expire | Action::ExpireAndRelease => false,
        }
    }
}

/// A queue that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A queue.
    Queue(Queue),
    /// A name that is none. It is an error, but only when its turn comes.
    Unknown(Vec<u8>),
}

impl Selected {
    /// What an operand names.
    pub fn parse(operand: &[u8]) -> Self {
        match Queue::parse(operand) {
            Some(queue) => Self::Queue(queue),
            None => Self::Unknown(operand.to_vec()),
        }
    }

    /// The queue, if it is one.
    pub fn queue(&self) -> Result<Queue, WorkError> {
        match self {
            Self::Queue(queue) => Ok(*queue),
            Self::Unknown(name) => Err(WorkError::NoQueue(name.clone())),
        }
    }
}

/// One of the acts that actions are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Delete,
    Expire,
    Requeue,
    Hold,
    Release,
}

impl Step {
    /// The first act of an action: only one has a second.
    pub(super) fn first_of(action: Action) -> Self {
        match action {
            Action::Delete => Step::Delete,
            Action::Expire | Action::ExpireAndRelease => Step::Expire,
            Action::Hold => Step::Hold,
            Action::Release => Step::Release,
            Action::Requeue => Step::Requeue,
        }
    }

    /// Whether the act makes sense in a queue.
    pub(super) fn looks_into(self, queue: Queue) -> bool {
        queue.holds_messages()
            && match self {
                Step::Delete => true,
                Step::Release => queue == Queue::Hold,
                Step::Hold => queue != Queue::Maildrop && queue != Queue::Hold,
                Step::Expire | Step::Requeue => queue != Queue::Maildrop,
            }
    }
}
