//! Actions on messages by queue ID: delete, requeue, hold, release, expire
//! (spec page 06).
//!
//! Owns where an ID is looked for, and what is done where it is found. A
//! message moves by one rename; its logs go before it, so that a crash in
//! between leaves the message.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::message::{self, Identity, LookedAt, Message, NoMessage};
use super::moves::{At, Moved, Mover, Outcome, Removal};
use super::note::{Deed, Fate, Notes, Oddity, WorkError};
use super::trash::{Announcement, Taken};
use super::{Queue, QueueId};
use crate::sys::dir::{set_mode, stat_open};
use crate::sys::error_text::{error_text, is};
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
    /// Whether it moves messages, for all that is known beforehand.
    pub fn moves(self) -> bool {
        match self {
            Action::Delete | Action::Expire => false,
            Action::Hold | Action::Release | Action::Requeue | Action::ExpireAndRelease => true,
        }
    }

    /// Whether the action makes sense in a queue.
    pub fn looks_into(self, queue: Queue) -> bool {
        Act::first_of(self).looks_into(queue)
    }

    /// Whether messages of a queue are what the action would make of them, so
    /// that it does not look there.
    fn is_done_in(self, queue: Queue) -> bool {
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
    Requeue,
    Hold,
    Release,
}

/// Where a message was seen, with nothing odd about it or before it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    queue: Queue,
    stat: FileStat,
}

impl Sighting {
    /// A message that is open.
    pub fn of(queue: Queue, message: &Message) -> Self {
        Self {
            queue,
            stat: message.stat,
        }
    }
}

/// Acts on messages of the selected queues.
#[derive(Debug)]
pub struct Actor<'a> {
    mover: Mover<'a>,
    selected: &'a [Selected],
    /// The only file that may be acted on, if it is not any of that name.
    only: Option<Identity>,
}

impl<'a> Actor<'a> {
    /// An actor that looks into these queues, in this order.
    pub fn new(mover: Mover<'a>, selected: &'a [Selected]) -> Self {
        Self {
            mover,
            selected,
            only: None,
        }
    }

    /// Acts on the message that was met in `queue`, or where it has gone to
    /// since: on this file and no other that may have its name by now.
    pub fn act_on_same(
        &mut self,
        action: Action,
        id: &QueueId,
        (queue, identity): (Queue, Identity),
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        self.only = Some(identity);
        let there = self.mover.home(queue, id.as_bytes());
        let stat = there.and_then(|dir| dir.stat(id.as_os_str())).ok();
        let seen = stat
            .filter(|stat| message::is_plain(stat) && self.is_meant(stat))
            .map(|stat| Sighting { queue, stat });
        let acted = self.act(action, id, seen, notes);
        self.only = None;
        acted
    }

    fn is_meant(&self, stat: &FileStat) -> bool {
        self.only.is_none_or(|only| only == Identity::of(stat))
    }

    /// Acts on the message with this ID, where it was seen if it was. If there
    /// is none, nothing is said.
    pub fn act(
        &mut self,
        action: Action,
        id: &QueueId,
        seen: Option<Sighting>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        match action {
            Action::Release => self.release(id, seen, notes),
            Action::ExpireAndRelease => {
                self.search(Act::Expire, id, seen, notes)?;
                self.release(id, None, notes)
            }
            _ => self.search(Act::first_of(action), id, seen, notes),
        }
    }

    /// Says beforehand which messages will be acted on: what goes to the trash
    /// is written down first, and many at once are written faster. They are
    /// to be acted on before the announcement is dropped.
    pub fn announce<'i>(
        &self,
        action: Action,
        messages: impl IntoIterator<Item = (&'i QueueId, &'i Sighting)>,
    ) -> Result<Option<Announcement<'a>>, WorkError> {
        match (action, self.mover.removal()) {
            (Action::Delete, Removal::ToTrash(trash)) => {
                let messages = messages.into_iter();
                let messages = messages.map(|(id, seen)| (id, seen.queue, &seen.stat));
                trash.announce(messages).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Looks where an action would look. `None` if there is no message, or if
    /// there is anything to tell of the way to it.
    pub fn look(&self, action: Action, id: &QueueId) -> Option<Sighting> {
        let act = Act::first_of(action);
        for selected in self.selected {
            let queue = selected.queue().ok()?;
            if !act.looks_into(queue) {
                continue;
            }
            let home = self.mover.home(queue, id.as_bytes());
            match home.and_then(|dir| dir.stat(id.as_os_str())) {
                Ok(stat) if message::is_plain(&stat) => return Some(Sighting { queue, stat }),
                Err(cause) if is(&cause, Errno::ENOENT) => {}
                _ => return None,
            }
        }
        None
    }

    /// The queue in which a message is already what the action would make of
    /// it: on hold, say. Among the selected queues only.
    pub fn find_unchanged(&self, action: Action, id: &QueueId) -> Option<Queue> {
        let queues = self.selected.iter().filter_map(|s| s.queue().ok());
        let mut done = queues.filter(|queue| action.is_done_in(*queue));
        done.find(|queue| {
            // What cannot be looked at is not there: Postfix does not look.
            let home = self.mover.home(*queue, id.as_bytes());
            let stat = home.and_then(|dir| dir.stat(id.as_os_str()));
            stat.is_ok_and(|stat| message::is_regular(&stat) && message::is_ready(&stat))
        })
    }

    /// Looks through the queues where the act makes sense; not again through
    /// those before the one where the message was seen.
    fn search(
        &mut self,
        act: Act,
        id: &QueueId,
        mut seen: Option<Sighting>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        let selected = self.selected;
        for _ in 0..TRIES {
            for selected in selected {
                // Observed: what follows the queue of the message is not
                // looked at, not even whether it is a queue.
                let queue = match selected {
                    Selected::Queue(queue) if !act.looks_into(*queue) => continue,
                    other => other.queue()?,
                };
                let search = match seen {
                    Some(seen) if seen.queue != queue => continue,
                    Some(there) => {
                        seen = None;
                        self.act_on(there, act, id, notes)?
                    }
                    None => self.try_in(queue, act, id, notes)?,
                };
                if search == Search::Over {
                    return Ok(());
                }
            }
            self.mover.forget();
        }
        Ok(())
    }

    /// Releases a message from hold, if hold is one of the queues.
    fn release(
        &mut self,
        id: &QueueId,
        seen: Option<Sighting>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        if let Some(seen) = seen {
            self.act_on(seen, Act::Release, id, notes)?;
        } else if self.selected.contains(&Selected::Queue(Queue::Hold)) {
            self.try_in(Queue::Hold, Act::Release, id, notes)?;
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
        match self.look_into(queue, id, notes)? {
            Some(seen) => self.act_on(seen, act, id, notes),
            None => Ok(Search::GoesOn),
        }
    }

    /// Acts on the message where it was seen.
    fn act_on(
        &mut self,
        seen: Sighting,
        act: Act,
        id: &QueueId,
        notes: &mut Notes,
    ) -> Result<Search, WorkError> {
        let dir = match self.mover.home(seen.queue, id.as_bytes()) {
            Ok(dir) => dir,
            Err(cause) => {
                self.unseen(seen.queue, id, cause, notes)?;
                return Ok(Search::GoesOn);
            }
        };
        let at = At {
            dir: &dir,
            name: id.as_bytes(),
            path: &self.mover.path(seen.queue, id.as_bytes()),
        };
        if let (Act::Delete, Removal::ToTrash(trash)) = (act, self.mover.removal()) {
            return match trash.take(at, id, seen.queue, &seen.stat, notes)? {
                Taken::Done => {
                    notes.done(Deed::Trashed, id, seen.queue);
                    Ok(Search::Over)
                }
                Taken::Gone => Ok(Search::GoesOn),
                Taken::Refused => {
                    notes.not_done(id.as_bytes(), Fate::Unchanged(seen.queue));
                    Ok(Search::Over)
                }
            };
        }
        let (moved, deed) = match act {
            Act::Delete => (self.delete(at, id)?.into(), Deed::Removed),
            Act::Expire => (expire(at, notes)?.into(), Deed::Expired),
            Act::Requeue => (self.requeue(at, &seen.stat, notes)?, Deed::Requeued),
            Act::Hold => (self.move_to(Queue::Hold, at, notes)?, Deed::Held),
            Act::Release => (self.move_to(Queue::Deferred, at, notes)?, Deed::Released),
        };
        Ok(match moved {
            Moved::Done => {
                notes.done(deed, id, seen.queue);
                Search::Over
            }
            Moved::Blocked => {
                notes.not_done(id.as_bytes(), Fate::NotMoved(seen.queue));
                Search::Over
            }
            Moved::Gone => {
                let fate = Fate::Unchanged(seen.queue);
                // The second try comes by it again.
                if act == Act::Expire && is_expired(at) && !notes.ends_with(id, fate) {
                    notes.not_done(id.as_bytes(), fate);
                }
                Search::GoesOn
            }
        })
    }

    /// The message of that ID in a queue, if there is a usable one.
    fn look_into(
        &self,
        queue: Queue,
        id: &QueueId,
        notes: &mut Notes,
    ) -> Result<Option<Sighting>, WorkError> {
        let home = self.mover.home(queue, id.as_bytes());
        let found = home.and_then(|dir| dir.stat(id.as_os_str()));
        let path = || self.mover.path(queue, id.as_bytes());
        match found {
            Ok(stat) if !self.is_meant(&stat) => {}
            Ok(stat) => match message::look(&stat, &path(), now()) {
                LookedAt::Message(warning) => {
                    if let Some(warning) = warning {
                        notes.odd(&Oddity::Links(warning));
                    }
                    return Ok(Some(Sighting { queue, stat }));
                }
                LookedAt::NotReady => {}
                LookedAt::NotRegular => notes.odd(&Oddity::NotRegular {
                    path: path(),
                    uid: stat.st_uid,
                }),
            },
            Err(cause) => self.unseen(queue, id, cause, notes)?,
        }
        Ok(None)
    }

    /// Tells of what cannot be looked at, unless it is not there. That it is
    /// the process that lacks something is an error: all else would be passed
    /// over as well.
    fn unseen(
        &self,
        queue: Queue,
        id: &QueueId,
        cause: io::Error,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        if is(&cause, Errno::ENOENT) {
            return Ok(());
        }
        let path = self.mover.path(queue, id.as_bytes());
        if message::is_exhaustion(&cause) {
            return Err(NoMessage::Place { path, cause }.into());
        }
        notes.odd(&Oddity::Look { path, cause });
        Ok(())
    }

    /// Removes the logs, then the message.
    fn delete(&mut self, at: At<'_>, id: &QueueId) -> Result<Outcome, WorkError> {
        for queue in Queue::LOGS {
            self.mover.remove_from_home(queue, id.as_bytes())?;
        }
        Mover::remove(at)
    }

    fn move_to(
        &mut self,
        target: Queue,
        at: At<'_>,
        notes: &mut Notes,
    ) -> Result<Moved, WorkError> {
        let moved = self.mover.rename(at, target, at.name, at.name)?;
        if moved == Moved::Blocked {
            notes.odd(&self.mover.blocked(at, target, at.name, at.name));
        }
        Ok(moved)
    }

    /// Moves a message to maildrop, to be picked up as if it had just
    /// arrived.
    ///
    /// Its times are set before the move: a crash in between leaves a message
    /// that this command finds again. (Postfix sets them after the move, and
    /// leaves one in maildrop then that pickup(8) passes over until the time
    /// of the next attempt to deliver it.)
    fn requeue(
        &mut self,
        at: At<'_>,
        before: &FileStat,
        notes: &mut Notes,
    ) -> Result<Moved, WorkError> {
        let made_young = at.dir.set_times(at.os_name(), now());
        let moved = self.move_to(Queue::Maildrop, at, notes);
        match (&moved, made_young) {
            (Ok(Moved::Done), Err(_)) => self.make_young(at.name, notes),
            // It stays what it was. If that fails too it is tried to be
            // delivered earlier than planned, and no harm is done.
            (Err(_) | Ok(Moved::Blocked), Ok(())) => {
                drop(at.dir.restore_times(at.os_name(), before));
            }
            _ => {}
        }
        moved
    }

    /// Sets the times of a message in maildrop.
    fn make_young(&mut self, name: &[u8], notes: &mut Notes) {
        let done = self
            .mover
            .home(Queue::Maildrop, name)
            .and_then(|dir| dir.set_times(OsStr::from_bytes(name), now()));
        match done {
            // pickup may have been faster.
            Err(cause) if !is(&cause, Errno::ENOENT) => notes.odd(&Oddity::Times {
                path: self.mover.path(Queue::Maildrop, name),
                cause,
            }),
            _ => {}
        }
    }
}

impl Act {
    /// The first act of an action: only one has a second.
    fn first_of(action: Action) -> Self {
        match action {
            Action::Delete => Act::Delete,
            Action::Expire | Action::ExpireAndRelease => Act::Expire,
            Action::Hold => Act::Hold,
            Action::Release => Act::Release,
            Action::Requeue => Act::Requeue,
        }
    }

    /// Whether the act makes sense in a queue.
    fn looks_into(self, queue: Queue) -> bool {
        queue.holds_messages()
            && match self {
                Act::Delete => true,
                Act::Release => queue == Queue::Hold,
                Act::Hold => queue != Queue::Maildrop && queue != Queue::Hold,
                Act::Expire | Act::Requeue => queue != Queue::Maildrop,
            }
    }
}

/// Whether the next delivery attempt is the last already.
fn is_expired(at: At<'_>) -> bool {
    let stat = at.dir.stat(at.os_name());
    stat.is_ok_and(|stat| stat.st_mode & EXPIRED != 0)
}

/// Sets the bit that makes the next delivery attempt the last. `Gone` if it
/// is set already or cannot be set; what is odd about that is told.
///
/// # Errors
///
/// Descriptors or memory have run out.
pub fn expire(at: At<'_>, notes: &mut Notes) -> Result<Outcome, WorkError> {
    let mut refuse = |why: String| {
        let path = at.path.to_owned();
        notes.odd(&Oddity::Expire { path, why });
        Ok(Outcome::Gone)
    };
    let opened = at.dir.open_to_change(at.os_name());
    let (file, stat) = match opened.and_then(|file| Ok((stat_open(&file)?, file))) {
        Ok((stat, file)) => (file, stat),
        Err(cause) if is(&cause, Errno::ENOENT) => return Ok(Outcome::Gone),
        Err(cause) if message::is_exhaustion(&cause) => {
            let path = at.path.to_owned();
            return Err(NoMessage::Place { path, cause }.into());
        }
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
        return Ok(Outcome::Gone);
    }
    match set_mode(&file, mode | EXPIRED) {
        Ok(()) => Ok(Outcome::Done),
        Err(cause) => refuse(format!("cannot set permission: {}", error_text(&cause))),
    }
}
