//! Actions on messages by queue ID: delete, requeue, hold, release, expire
//! (spec page 06).
//!
//! Owns where an ID is looked for, and what is done where it is found. A
//! message moves by one rename; its logs go before it, so that a crash in
//! between leaves the message.

use std::sync::Arc;

use nix::errno::Errno;

use super::crew::Manner;
use super::message::{self, LookedAt};
use super::moves::{At, Mover, Outcome, is};
use super::note::{Deed, Notes, Oddity, WorkError};
use super::{Queue, QueueId};
use crate::sys::dir::{Dir, set_mode, stat_open};
use crate::sys::error_text::error_text;
use crate::sys::time::now;

/// Group execute: forced to expire.
const EXPIRED: u32 = 0o010;
/// All permission bits of a file.
const PERMISSIONS: u32 = 0o7777;
/// How often all queues are looked through: a message that moves on between
/// the look and the act is found on the second try.
const TRIES: usize = 2;

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
    /// How many may be at it at the same time.
    pub fn manner(self) -> Manner {
        match self {
            Action::Delete | Action::Expire => Manner::AtOnce,
            Action::Hold | Action::Release | Action::Requeue | Action::ExpireAndRelease => {
                Manner::InTurn
            }
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

/// Whether the search for a message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    Over,
    GoesOn,
}

/// One of the acts that actions are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Delete,
    Expire,
    MoveTo(Queue, Deed),
}

/// Acts on messages of the selected queues.
#[derive(Debug)]
pub struct Actor<'a> {
    mover: Mover<'a>,
    selected: &'a [Selected],
}

impl<'a> Actor<'a> {
    /// An actor that looks into these queues, in this order.
    pub fn new(mover: Mover<'a>, selected: &'a [Selected]) -> Self {
        Self { mover, selected }
    }

    /// Acts on the message with this ID. If there is none, nothing is said.
    pub fn act(
        &mut self,
        action: Action,
        id: &QueueId,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        match action {
            Action::Delete => self.search(Act::Delete, id, notes),
            Action::Expire => self.search(Act::Expire, id, notes),
            Action::ExpireAndRelease => {
                self.search(Act::Expire, id, notes)?;
                self.release(id, notes)
            }
            Action::Hold => self.search(Act::MoveTo(Queue::Hold, Deed::Held), id, notes),
            Action::Release => self.release(id, notes),
            Action::Requeue => self.search(Act::MoveTo(Queue::Maildrop, Deed::Requeued), id, notes),
        }
    }

    /// Looks at what an action would look at; what comes of it is seen when
    /// it counts.
    pub fn look_ahead(&mut self, action: Action, id: &QueueId) {
        let logs = match action {
            Action::Delete => Queue::LOGS.as_slice(),
            _ => &[],
        };
        let selected = self.selected.iter().filter_map(|s| s.queue().ok());
        for queue in selected.chain(logs.iter().copied()) {
            if let Ok(dir) = self.mover.home(queue, id.as_bytes()) {
                let _ = dir.stat(id.as_os_str());
            }
        }
    }

    /// Looks through the queues where the act makes sense.
    fn search(&mut self, act: Act, id: &QueueId, notes: &mut Notes) -> Result<(), WorkError> {
        let selected = self.selected;
        for _ in 0..TRIES {
            for selected in selected {
                // Observed: what follows the queue of the message is not
                // looked at, not even whether it is a queue.
                let queue = match selected {
                    Selected::Queue(queue) if !act.looks_into(*queue) => continue,
                    other => other.queue()?,
                };
                if self.try_in(queue, act, id, notes)? == Search::Over {
                    return Ok(());
                }
            }
            self.mover.forget();
        }
        Ok(())
    }

    /// Releases a message from hold, if hold is one of the queues.
    fn release(&mut self, id: &QueueId, notes: &mut Notes) -> Result<(), WorkError> {
        if self.selected.contains(&Selected::Queue(Queue::Hold)) {
            let act = Act::MoveTo(Queue::Deferred, Deed::Released);
            self.try_in(Queue::Hold, act, id, notes)?;
        }
        Ok(())
    }

    /// Acts on the message if it is in this queue.
    fn try_in(
        &mut self,
        queue: Queue,
        act: Act,
        id: &QueueId,
        notes: &mut Notes,
    ) -> Result<Search, WorkError> {
        let Some((dir, path)) = self.look(queue, id, notes) else {
            return Ok(Search::GoesOn);
        };
        let at = At {
            dir: &dir,
            name: id.as_bytes(),
            path: &path,
        };
        match act {
            Act::Delete => self.delete(at, id, notes),
            Act::Expire => Ok(match expire(at, notes) {
                Outcome::Done => {
                    notes.done(Deed::Expired, id);
                    Search::Over
                }
                Outcome::Gone => Search::GoesOn,
            }),
            Act::MoveTo(target, deed) => {
                let name = id.as_bytes();
                if self.mover.rename(at, target, name, name)? == Outcome::Gone {
                    return Ok(Search::GoesOn);
                }
                if deed == Deed::Requeued {
                    self.make_young(target, id, notes);
                }
                notes.done(deed, id);
                Ok(Search::Over)
            }
        }
    }

    /// Whether the queue holds a usable message of that ID.
    fn look(
        &mut self,
        queue: Queue,
        id: &QueueId,
        notes: &mut Notes,
    ) -> Option<(Arc<Dir>, String)> {
        let path = self.mover.path(queue, id.as_bytes());
        let found = self
            .mover
            .home(queue, id.as_bytes())
            .and_then(|dir| Ok((dir.stat(id.as_os_str())?, dir)));
        match found {
            Ok((stat, dir)) => match message::look(&stat, &path, now()) {
                LookedAt::Message(warning) => {
                    if let Some(warning) = warning {
                        notes.odd(&Oddity::Links(warning));
                    }
                    return Some((dir, path));
                }
                LookedAt::NotReady => {}
                LookedAt::NotRegular => notes.odd(&Oddity::NotRegular {
                    path,
                    uid: stat.st_uid,
                }),
            },
            Err(cause) if is(&cause, Errno::ENOENT) => {}
            Err(cause) => notes.odd(&Oddity::Look { path, cause }),
        }
        None
    }

    /// Removes the logs, then the message.
    fn delete(&mut self, at: At<'_>, id: &QueueId, notes: &mut Notes) -> Result<Search, WorkError> {
        for queue in Queue::LOGS {
            self.mover.remove_from_home(queue, id.as_bytes())?;
        }
        match Mover::remove(at)? {
            Outcome::Done => {
                notes.done(Deed::Removed, id);
                Ok(Search::Over)
            }
            Outcome::Gone => Ok(Search::GoesOn),
        }
    }

    /// A requeued message is to be picked up as if it had just arrived.
    fn make_young(&mut self, queue: Queue, id: &QueueId, notes: &mut Notes) {
        let done = self
            .mover
            .home(queue, id.as_bytes())
            .and_then(|dir| dir.set_times(id.as_os_str(), now()));
        match done {
            // pickup may have been faster.
            Err(cause) if !is(&cause, Errno::ENOENT) => notes.odd(&Oddity::Times {
                path: self.mover.path(queue, id.as_bytes()),
                cause,
            }),
            _ => {}
        }
    }
}

impl Act {
    /// Whether the act makes sense in a queue.
    fn looks_into(self, queue: Queue) -> bool {
        queue.holds_messages()
            && match self {
                Act::Delete => true,
                Act::Expire => queue != Queue::Maildrop,
                Act::MoveTo(target, _) => queue != Queue::Maildrop && queue != target,
            }
    }
}

/// Sets the bit that makes the next delivery attempt the last. `Gone` if it
/// is set already or cannot be set; what is odd about that is told.
pub fn expire(at: At<'_>, notes: &mut Notes) -> Outcome {
    let mut refuse = |why: String| {
        let path = at.path.to_owned();
        notes.odd(&Oddity::Expire { path, why });
        Outcome::Gone
    };
    let opened = at.dir.open_to_change(at.os_name());
    let (file, stat) = match opened.and_then(|file| Ok((stat_open(&file)?, file))) {
        Ok((stat, file)) => (file, stat),
        Err(cause) if is(&cause, Errno::ENOENT) => return Outcome::Gone,
        Err(cause) => return refuse(format!("cannot open file: {}", error_text(&cause))),
    };
    if !message::is_regular(&stat) {
        return refuse("not a regular file".to_owned());
    }
    if stat.st_nlink > 1 {
        return refuse(format!("file has {} hard links", stat.st_nlink));
    }
    let mode = stat.st_mode & PERMISSIONS;
    if mode & EXPIRED != 0 {
        return Outcome::Gone;
    }
    match set_mode(&file, mode | EXPIRED) {
        Ok(()) => Outcome::Done,
        Err(cause) => refuse(format!("cannot set permission: {}", error_text(&cause))),
    }
}
