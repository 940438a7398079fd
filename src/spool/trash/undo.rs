//! Brings a batch back from the trash: messages to the queues they came from,
//! with their modes, times and logs.
//!
//! Looks at what is really there, so it can be interrupted and repeated.
//! What came from active goes to hold: the queue manager may still know it,
//! and reads active only when it starts.

use std::collections::HashSet;
use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::TrashError;
use super::batches::{Batch, Batches, Keep, entries};
use super::ledger::Ledger;
use super::line::{Entry, Event, Line, Who};
use super::logs::{self, Back, Found};
use crate::spool::Queue;
use crate::spool::mass::Field;
use crate::spool::message;
use crate::spool::moves::{At, Mover, Outcome};
use crate::spool::note::{Deed, Journal, Notes, Oddity, Tally, WorkError};
use crate::sys::dir::{Dir, set_mode, stat_open};
use crate::sys::error_text::{error_text, is};
use crate::sys::time::now;

/// The permission bits that are compared.
const PERMISSIONS: u32 = 0o777;

/// Messages remembered to have been in active at most: more than the queue
/// manager takes there.
const ACTIVE_MAX: usize = 1 << 20;

/// Whether there is more to do for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Something,
}

/// Where a message of a batch is.
pub enum Whereabouts {
    /// In the trash.
    Trash(FileStat),
    /// In this queue.
    Queue,
    /// Another file has its name in the trash.
    Replaced,
    /// Nowhere where it could be.
    Missing,
    /// It cannot be looked at; this was told.
    Unknown,
}

/// Brings back the batch of that name, or the last one.
pub fn undo(
    field: Field<'_>,
    wanted: Option<&[u8]>,
    who: Who,
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mut undoer = Undoer {
        field,
        mover: field.mover(),
        notes: Notes::default(),
        left: Left::Nothing,
        was_active: HashSet::new(),
    };
    let ended = undoer.run(wanted, who, journal);
    tell(&mut undoer.notes, journal);
    (undoer.notes.tally, ended)
}

/// Passes on what there is to tell.
pub fn tell(notes: &mut Notes, journal: &mut dyn Journal) {
    journal.lines(&notes.lines);
    journal.pause();
    notes.lines.clear();
}

/// Where a message of a batch is.
pub fn find(mover: &Mover<'_>, entry: &Entry, notes: &mut Notes) -> Whereabouts {
    let id = &entry.id;
    let look = |queue| {
        let home = mover.home(queue, id.as_bytes());
        home.and_then(|home| home.stat(id.as_os_str()))
    };
    let is_it = |stat: &FileStat| stat.st_ino == entry.inode && message::is_regular(stat);
    let replaced = match look(Queue::Saved) {
        Ok(stat) if is_it(&stat) => return Whereabouts::Trash(stat),
        Ok(_) => true,
        Err(cause) if is(&cause, Errno::ENOENT) => false,
        Err(cause) => {
            let path = mover.path(Queue::Saved, id.as_bytes());
            notes.odd(&Oddity::Look { path, cause });
            return Whereabouts::Unknown;
        }
    };
    let mut is_seen = true;
    for queue in Queue::LISTED {
        match look(queue) {
            Ok(stat) if is_it(&stat) => return Whereabouts::Queue,
            Ok(_) => {}
            Err(cause) if is(&cause, Errno::ENOENT) => {}
            Err(cause) => {
                let path = mover.path(queue, id.as_bytes());
                notes.odd(&Oddity::Look { path, cause });
                is_seen = false;
            }
        }
    }
    match (is_seen, replaced) {
        (false, _) => Whereabouts::Unknown,
        (true, true) => Whereabouts::Replaced,
        (true, false) => Whereabouts::Missing,
    }
}

/// Whether a message of a batch is in the trash.
pub fn is_in_trash(mover: &Mover<'_>, entry: &Entry) -> bool {
    let found = find(mover, entry, &mut Notes::default());
    matches!(found, Whereabouts::Trash(_))
}

/// Writes down that nothing of a batch is in the trash any more.
pub fn close(ledger: &Ledger, batch: Batch, who: Who, event: Event) -> Result<(), TrashError> {
    // The line must not get to the disk before what it tells of.
    ledger.sync_directory()?;
    let line = Line {
        time: now(),
        batch: batch.name,
        who,
        event,
    };
    ledger.append(&line.to_text())
}

struct Undoer<'a> {
    field: Field<'a>,
    mover: Mover<'a>,
    notes: Notes,
    left: Left,
    /// What was in active when it was moved, by inode number: another line may
    /// say where it was just before.
    was_active: HashSet<u64>,
}

impl Undoer<'_> {
    fn run(
        &mut self,
        wanted: Option<&[u8]>,
        who: Who,
        journal: &mut dyn Journal,
    ) -> Result<(), WorkError> {
        let field = self.field;
        let found = Ledger::open_to_read(field.spool)?;
        found.ok_or(TrashError::Empty)?;
        let ledger = Ledger::open(field.spool, field.interrupts)?;
        let _locked = ledger.lock(field.interrupts)?;
        let batches = Batches::read(&ledger, Keep::Newest, &mut self.notes)?;
        let batch = match wanted {
            Some(name) => batches.named(&ledger, name)?,
            None => self.last(&ledger, &batches)?,
        };
        drop(batches);
        entries(&ledger, &batch, |entry| {
            if entry.queue == Queue::Active && self.was_active.len() < ACTIVE_MAX {
                self.was_active.insert(entry.inode);
            }
            Ok(())
        })?;
        entries(&ledger, &batch, |entry| {
            if field.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let done = self.bring_back(entry);
            tell(&mut self.notes, journal);
            if done? == Left::Something {
                self.left = Left::Something;
            }
            Ok(())
        })?;
        match self.left {
            Left::Nothing => close(&ledger, batch, who, Event::Undone).map_err(WorkError::from),
            Left::Something => Ok(()),
        }
    }

    /// The last batch, unless all that is left of it are logs that cannot be
    /// put back: they would be in the way of the others for ever.
    fn last(&self, ledger: &Ledger, batches: &Batches) -> Result<Batch, WorkError> {
        for batch in batches.open.values().rev() {
            let (mut stuck, mut movable) = (false, false);
            entries(ledger, batch, |entry| {
                movable = movable || is_in_trash(&self.mover, entry);
                if !movable {
                    match logs::there(&self.mover, &entry.id) {
                        Found::Movable => movable = true,
                        Found::Superseded => stuck = true,
                        Found::None => {}
                    }
                }
                Ok(())
            })?;
            if movable || !stuck {
                return Ok(batch.clone());
            }
        }
        Err(TrashError::Empty.into())
    }

    fn bring_back(&mut self, entry: &Entry) -> Result<Left, WorkError> {
        match find(&self.mover, entry, &mut self.notes) {
            Whereabouts::Trash(stat) => self.restore(entry, &stat),
            // A run that was cut short brought it back, or it never left.
            Whereabouts::Queue => match logs::put_back(&self.mover, &entry.id, &mut self.notes)? {
                Back::All => Ok(Left::Nothing),
                Back::Refused | Back::Unseen => Ok(Left::Something),
            },
            Whereabouts::Replaced => {
                let path = self.mover.path(Queue::Saved, entry.id.as_bytes());
                self.odd(path, "is another file than the one that was moved there");
                Ok(Left::Nothing)
            }
            Whereabouts::Missing => {
                self.odd(entry.id.to_string(), "is not in the trash any more");
                Ok(Left::Nothing)
            }
            Whereabouts::Unknown => Ok(Left::Something),
        }
    }

    fn odd(&mut self, path: String, why: &str) {
        let why = why.to_owned();
        self.notes.odd(&Oddity::Trash { path, why });
    }

    fn restore(&mut self, entry: &Entry, stat: &FileStat) -> Result<Left, WorkError> {
        let Some(first) = self.target(entry) else {
            return Ok(Left::Something);
        };
        if self.put_right(entry, stat) == Ready::NotYet {
            return Ok(Left::Something);
        }
        let back = logs::put_back(&self.mover, &entry.id, &mut self.notes)?;
        for queue in [first, Queue::Hold] {
            match self.move_to(entry, queue)? {
                Moved::Done => {
                    self.notes
                        .done(Deed::Restored(queue), &entry.id, entry.queue);
                    return Ok(match back {
                        Back::All => Left::Nothing,
                        Back::Refused | Back::Unseen => Left::Something,
                    });
                }
                // Another process was faster.
                Moved::Gone => return Ok(Left::Nothing),
                Moved::Refused => {}
            }
        }
        Ok(Left::Something)
    }

    /// Where a message should go, told if that is not where it was. `None` if
    /// there is no such place.
    fn target(&mut self, entry: &Entry) -> Option<Queue> {
        let id = &entry.id;
        let has_one = |queue: &Queue| {
            let home = self.mover.home(*queue, id.as_bytes());
            home.is_ok_and(|home| home.stat(id.as_os_str()).is_ok())
        };
        let hold_is_taken = has_one(&Queue::Hold);
        let occupied = Queue::LISTED.into_iter().find(has_one);
        let path = self.mover.path(Queue::Saved, id.as_bytes());
        let was_active = self.was_active.contains(&entry.inode);
        match (occupied, entry.queue) {
            (None, _) if was_active || entry.queue == Queue::Active => {
                self.odd(
                    id.to_string(),
                    "was in active, which is not safe: it goes to hold",
                );
                Some(Queue::Hold)
            }
            (None, queue) => Some(queue),
            (Some(_), _) if hold_is_taken => {
                self.odd(path, "stays there: hold has a message of that name");
                None
            }
            (Some(queue), _) => {
                let why = format!("goes to hold: {queue} has a message of that name");
                self.odd(path, &why);
                Some(Queue::Hold)
            }
        }
    }

    /// Gives a message the mode and the times that it had: before it is moved,
    /// so that what is in a queue is complete. `NotYet` if it has not its mode:
    /// in a queue it would be taken for one that was never finished.
    fn put_right(&mut self, entry: &Entry, stat: &FileStat) -> Ready {
        let home = self.mover.home(Queue::Saved, entry.id.as_bytes());
        let (mode, times) = match home {
            Ok(home) => (
                restore_mode(&home, entry, stat),
                restore_times(&home, entry, stat),
            ),
            Err(cause) => (Err(cause), Ok(())),
        };
        let is_set = self.note_failure(entry, "cannot set its mode", mode);
        self.note_failure(entry, "cannot set its times", times);
        is_set
    }

    /// Tells what could not be done, unless the message is not there any more.
    fn note_failure(&mut self, entry: &Entry, what: &str, done: io::Result<()>) -> Ready {
        match done {
            Err(cause) if !is(&cause, Errno::ENOENT) => {
                let path = self.mover.path(Queue::Saved, entry.id.as_bytes());
                self.odd(path, &format!("{what}: {}", error_text(&cause)));
                Ready::NotYet
            }
            _ => Ready::Yes,
        }
    }

    fn move_to(&mut self, entry: &Entry, queue: Queue) -> Result<Moved, WorkError> {
        let name = entry.id.as_bytes();
        let path = self.mover.path(Queue::Saved, name);
        let to = self.mover.path(queue, name);
        let Ok(home) = self.mover.home(Queue::Saved, name) else {
            return Ok(Moved::Gone);
        };
        let at = At {
            dir: &home,
            name,
            path: &path,
        };
        match self.mover.rename_to_free(at, queue, name, name) {
            Ok(Outcome::Done) => Ok(Moved::Done),
            Ok(Outcome::Gone) => Ok(Moved::Gone),
            Err(cause) if super::is_refusal(&cause) => {
                let why = format!("cannot be moved to {to}: {}", error_text(&cause));
                self.odd(path, &why);
                Ok(Moved::Refused)
            }
            Err(cause) => Err(WorkError::Rename {
                from: path,
                to,
                cause,
            }),
        }
    }
}

fn restore_mode(home: &Dir, entry: &Entry, stat: &FileStat) -> io::Result<()> {
    if stat.st_mode & PERMISSIONS == entry.mode {
        return Ok(());
    }
    let file = home.open_to_change(entry.id.as_os_str())?;
    match stat_open(&file)?.st_ino == entry.inode {
        true => set_mode(&file, entry.mode),
        false => Ok(()),
    }
}

fn restore_times(home: &Dir, entry: &Entry, stat: &FileStat) -> io::Result<()> {
    let modified = (stat.st_mtime, stat.st_mtime_nsec);
    let accessed = (stat.st_atime, stat.st_atime_nsec);
    match (accessed, modified) == (entry.accessed, entry.modified) {
        true => Ok(()),
        false => home.set_times_to(entry.id.as_os_str(), entry.accessed, entry.modified),
    }
}

/// Whether a message can go to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Yes,
    NotYet,
}

/// What came of a move.
enum Moved {
    Done,
    Gone,
    Refused,
}
