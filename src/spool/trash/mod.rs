//! The trash: deleted messages wait in saved/ until they are brought back or
//! removed for good.
//!
//! A message `ID` lies at its place in saved/, Postfix's own directory, where
//! `postcat -q ID` finds it; beside it its logs as `ID.defer`, `ID.bounce` and
//! `ID.trace`, which are no queue IDs. All of it moves by rename, the logs
//! first, never onto anything. Before a message moves, a line in
//! `saved/journal.spoolbox` is on the disk (`line`, `ledger`), and another if
//! it has gone on to another queue by then. A kill at any moment leaves a batch
//! that `undo` brings back and `purge` removes: both look at what is really
//! there and take the journal for a hint.
//!
//! Owns how messages get in here. Who may do it is the applets' business.

mod batches;
mod ledger;
pub mod line;
mod logs;
mod purge;
mod undo;

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use thiserror::Error;

use super::mass::Field;
use super::moves::{At, Mover, Outcome};
use super::note::{Notes, Oddity, WorkError};
use super::{Queue, QueueId};
use crate::sys::error_text::{error_text, is};
use crate::sys::lock::Locked;
use crate::sys::process::process_number;
use crate::sys::signals::Interrupts;
use crate::sys::time::{LocalTime, Zone, now};

use ledger::{Ledger, PATH};
use line::{Entry, Event, Line, Turn, clipped};

pub use batches::{Held, list};
pub use line::{Who, Word};
pub use purge::purge;
pub use undo::undo;

/// Why the trash cannot be used. The texts say what to do.
#[derive(Debug, Error)]
pub enum TrashError {
    /// saved/ is missing.
    #[error("open directory saved: No such file or directory; \"postfix check\" makes it")]
    NoDirectory,
    /// The journal, or its directory, cannot be opened or read.
    #[error("open {path}: {}", error_text(.cause))]
    Open {
        /// What it is.
        path: &'static str,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The journal cannot be written.
    #[error("write {PATH}: {}; what is not in there is not moved", error_text(.0))]
    Write(io::Error),
    /// Something else has its name.
    #[error(
        "{PATH} is no journal of the trash, or was damaged at its beginning: move it away to \
         begin a new one; the messages stay in saved, where postcat -q finds them"
    )]
    NoJournal,
    /// A later spoolbox wrote it.
    #[error("{PATH} is of another version of spoolbox: use that one, or move the file away")]
    OtherVersion,
    /// Somebody has the lock for long.
    #[error("{PATH} is in use by another process: try again when that is done")]
    Busy,
    /// No batch is left.
    #[error("nothing to undo: the trash is empty")]
    Empty,
    /// There is no batch of that name.
    #[error("no batch {0} in the trash: --trash-list shows those there are")]
    NoBatch(String),
    /// All of the batch was brought back or removed.
    #[error("batch {batch} was {how} before: --trash-list shows those there are")]
    Closed {
        /// Its name.
        batch: Word,
        /// What became of it.
        how: &'static str,
    },
}

impl TrashError {
    fn open(path: &'static str) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Open { path, cause }
    }

    fn write(cause: io::Error) -> Self {
        Self::Write(cause)
    }
}

/// Takes messages, all of them as one batch.
#[derive(Debug)]
pub struct Trash<'a> {
    mover: Mover<'a>,
    interrupts: &'a Interrupts,
    ledger: Ledger,
    batch: Word,
    who: Who,
    comment: Option<Vec<u8>>,
    announced: Mutex<Announced>,
}

/// What is about to be moved, and the lock that goes with it. Whoever undoes
/// or purges waits until all that was announced is moved.
#[derive(Debug, Default)]
struct Announced {
    lock: Option<Locked>,
    /// How many hold it.
    holders: usize,
    /// Where the messages are, by inode number.
    messages: HashMap<u64, Queue>,
}

/// Some messages were announced; they are moved while this is held.
#[derive(Debug)]
pub struct Announcement<'t>(&'t Trash<'t>);

/// What became of a message that was to go to the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is there.
    Done,
    /// It was not where it was seen.
    Gone,
    /// It stays where it is, and the reason was told.
    Refused,
}

impl<'a> Trash<'a> {
    /// Begins a batch.
    pub fn begin(field: Field<'a>, who: Who, comment: Option<&[u8]>) -> Result<Self, WorkError> {
        Ok(Self {
            ledger: Ledger::open(field.spool, field.interrupts)?,
            mover: field.mover(),
            interrupts: field.interrupts,
            batch: new_batch(now()),
            who,
            comment: comment.map(clipped),
            announced: Mutex::default(),
        })
    }

    /// Writes down that these messages are about to be moved here, and waits
    /// until that is on the disk: once for all of them.
    pub fn announce<'i>(
        &self,
        messages: impl IntoIterator<Item = (&'i QueueId, Queue, &'i FileStat)>,
    ) -> Result<Announcement<'_>, WorkError> {
        let held = self.hold()?;
        let mut lines = Vec::new();
        for (id, queue, stat) in messages {
            let before = self.announced().messages.insert(stat.st_ino, queue);
            match before {
                Some(before) if before == queue => {}
                Some(_) => lines.extend(self.line(Turn::Again, id, queue, stat)),
                None => lines.extend(self.line(Turn::First, id, queue, stat)),
            }
        }
        if !lines.is_empty() {
            self.ledger.append(&lines)?;
        }
        Ok(held)
    }

    /// Moves a message and its logs here.
    pub fn take(
        &self,
        at: At<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        notes: &mut Notes,
    ) -> Result<Taken, WorkError> {
        let _held = self.announce([(id, queue, stat)])?;
        if let Some(why) = self.obstacle(id) {
            return Ok(match at.dir.stat(at.os_name()) {
                // What has its place here is the message itself: another
                // process moved it while we waited for the lock.
                Err(cause) if is(&cause, Errno::ENOENT) => Taken::Gone,
                _ => refuse(at.path, why, notes),
            });
        }
        let moved = self.move_in(at, id);
        if !matches!(moved, Ok(Outcome::Done | Outcome::Gone)) {
            // The message stays, and its logs with it.
            logs::put_back(&self.mover, id, notes)?;
        }
        match moved {
            Ok(Outcome::Gone) => Ok(Taken::Gone),
            Ok(Outcome::Done) => {
                self.check_identity(id, queue, stat)?;
                Ok(Taken::Done)
            }
            Err(Failure { path, cause, to }) if is_refusal(&cause) => {
                let why = format!("cannot be moved to {to}: {}", error_text(&cause));
                Ok(refuse(&path, why, notes))
            }
            Err(Failure { path, cause, to }) => Err(WorkError::Rename {
                from: path,
                to,
                cause,
            }),
        }
    }

    /// What keeps a message from coming here, for all that can be known before
    /// anything is moved.
    fn obstacle(&self, id: &QueueId) -> Option<String> {
        if logs::name(id, Queue::Bounce).len() > logs::NAME_MAX {
            return Some("its name is too long for the trash".to_owned());
        }
        let found = self.mover.home(Queue::Saved, id.as_bytes());
        let found = found.and_then(|home| home.stat(id.as_os_str()));
        let path = self.mover.path(Queue::Saved, id.as_bytes());
        found.ok().map(|_| format!("{path} is there already"))
    }

    /// The logs first: if we are killed in between, the message is where it
    /// was and can be deleted again.
    fn move_in(&self, at: At<'_>, id: &QueueId) -> Result<Outcome, Failure> {
        for log in Queue::LOGS {
            logs::take(&self.mover, id, log)?;
        }
        let name = id.as_bytes();
        let moved = self.mover.rename_to_free(at, Queue::Saved, name, name);
        moved.map_err(|cause| Failure {
            path: at.path.to_owned(),
            to: self.mover.path(Queue::Saved, name),
            cause,
        })
    }

    /// Another message may have got the ID between the look and the move: it
    /// is here now, and has to be found.
    fn check_identity(&self, id: &QueueId, queue: Queue, seen: &FileStat) -> Result<(), WorkError> {
        let home = self.mover.home(Queue::Saved, id.as_bytes());
        match home.and_then(|home| home.stat(id.as_os_str())) {
            Ok(stat) if stat.st_ino != seen.st_ino => self.announce([(id, queue, &stat)]).map(drop),
            _ => Ok(()),
        }
    }

    fn line(&self, turn: Turn, id: &QueueId, queue: Queue, stat: &FileStat) -> Vec<u8> {
        let logs = logs::of(&self.mover, id);
        let line = Line {
            time: now(),
            batch: self.batch.clone(),
            who: self.who.clone(),
            event: Event::Trash {
                turn,
                entry: Entry::of(id, queue, stat, logs),
                comment: self.comment.clone(),
            },
        };
        line.to_text()
    }

    fn hold(&self) -> Result<Announcement<'_>, WorkError> {
        let mut announced = self.announced();
        if announced.lock.is_none() {
            announced.lock = Some(self.ledger.lock(self.interrupts)?);
        }
        announced.holders = announced.holders.saturating_add(1);
        Ok(Announcement(self))
    }

    fn announced(&self) -> MutexGuard<'_, Announced> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        let mut announced = self.0.announced();
        announced.holders = announced.holders.saturating_sub(1);
        if announced.holders == 0 {
            *announced = Announced::default();
        }
    }
}

/// A rename that failed.
#[derive(Debug)]
struct Failure {
    path: String,
    to: String,
    cause: io::Error,
}

/// Whether it is about this one message: something has its place, or the file
/// system cannot tell.
fn is_refusal(cause: &io::Error) -> bool {
    is(cause, Errno::EEXIST) || is(cause, Errno::EINVAL) || is(cause, Errno::ENOSYS)
}

fn refuse(path: &str, why: String, notes: &mut Notes) -> Taken {
    let path = path.to_owned();
    notes.odd(&Oddity::Trash { path, why });
    Taken::Refused
}

/// The name of a batch: when it was begun, and by which process.
fn new_batch(time: i64) -> Word {
    let mut text = String::new();
    if let Some(time) = LocalTime::of(time, Zone::Utc) {
        time.write_iso(&mut text);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (day, clock) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let name = format!("{day}-{clock}-{}", process_number());
    // It is made of digits and dashes.
    Word::parse(name.as_bytes()).unwrap_or_else(Word::unknown)
}
