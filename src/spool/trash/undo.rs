//! Brings a batch back from the trash: messages to the queues they came from,
//! with their modes, times and logs.
//!
//! Looks at what is really there, so it can be interrupted and repeated.
//! What came from active goes to hold: the queue manager may still know it,
//! and reads active only when it starts.

use std::collections::HashSet;
use std::{io, slice};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::batches::{Batch, Batches, Content, Keep, entries};
use super::ledger::{JournalDirectory, JournalFile, LockedJournal};
use super::line::{Entry, Event, Line, Who, Word};
use super::locate::{InTrash, MessageLocation, find, look_in_trash};
use super::logs::{self, Back};
use super::{TrashError, compact};
use crate::spool::Queue;
use crate::spool::mass::Field;
use crate::spool::moves::{At, Mover, Outcome};
use crate::spool::note::{self, Deed, Journal, Notes, Oddity, Tally, Weight, WorkError};
use crate::sys::dir::{Dir, set_mode, stat_open};
use crate::sys::error_text::{error_text, is};
use crate::sys::time::{LocalTime, now};
use crate::text::shown;

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
    /// Another file has its name in the trash: perhaps another message of the
    /// same batch.
    Another,
}

/// Brings back the batch of that name, or what the last call moved.
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
        was_active: HashSet::new(),
    };
    let ended = undoer.run(wanted, &who, journal);
    tell(&mut undoer.notes, journal);
    (undoer.notes.tally, ended)
}

/// Passes on what there is to tell.
pub fn tell(notes: &mut Notes, journal: &mut dyn Journal) {
    journal.lines(&notes.lines);
    journal.pause();
    notes.lines.clear();
}

/// Writes down that nothing of these batches is in the trash any more.
///
/// # Errors
///
/// If that cannot be written.
pub fn close(
    journal: &LockedJournal,
    batches: &[Word],
    who: &Who,
    event: &Event,
) -> Result<(), TrashError> {
    if batches.is_empty() {
        return Ok(());
    }
    // The lines must not get to the disk before what they tell of.
    journal.sync_directory()?;
    let line = |batch: &Word| {
        let line = Line {
            time: now(),
            batch: batch.clone(),
            who: who.clone(),
            event: event.clone(),
        };
        line.to_text()
    };
    let lines: Vec<u8> = batches.iter().flat_map(line).collect();
    journal.append(&lines)
}

struct Undoer<'a> {
    field: Field<'a>,
    mover: Mover<'a>,
    notes: Notes,
    /// What was in active when it was moved, by inode number: another line may
    /// say where it was just before.
    was_active: HashSet<u64>,
}

impl Undoer<'_> {
    fn run(
        &mut self,
        wanted: Option<&[u8]>,
        who: &Who,
        journal: &mut dyn Journal,
    ) -> Result<(), WorkError> {
        let (spool, interrupts) = (self.field.spool, self.field.interrupts);
        JournalFile::open_to_read(spool)?.ok_or(TrashError::Empty)?;
        let mut locked = JournalDirectory::open(spool)?.lock(interrupts)?;
        let file = locked.journal();
        let mut batches = Batches::read(file, interrupts, Keep::Newest, &mut self.notes)?;
        let batch = match wanted {
            Some(name) => batches.named(file, interrupts, name)?,
            None => last(&batches)?,
        };
        match batch.content {
            Content::Messages => {}
            Content::Nothing => return self.nothing_to_undo(&batches, &batch),
            Content::Purged => return Err(TrashError::closed(&batch.name, "purged").into()),
        }
        self.say(format!("undoing {}", described(&batch)));
        let left = self.messages(file, &batch, journal)?;
        if left == Left::Nothing {
            close(&locked, slice::from_ref(&batch.name), who, &Event::Undone)?;
            batches.remove(&batch.name);
            let (mover, notes) = (&self.mover, &mut self.notes);
            compact::tidy(&mut locked, &mut batches, mover, interrupts, notes);
        }
        Ok(())
    }

    /// Brings back the messages of a batch. Returns whether anything of it is
    /// left in the trash.
    fn messages(
        &mut self,
        file: &JournalFile,
        batch: &Batch,
        journal: &mut dyn Journal,
    ) -> Result<Left, WorkError> {
        let interrupts = self.field.interrupts;
        entries(file, interrupts, batch, |entry| {
            if entry.queue == Queue::Active && self.was_active.len() < ACTIVE_MAX {
                self.was_active.insert(entry.inode);
            }
            Ok(())
        })?;
        let mut all = Left::Nothing;
        entries(file, interrupts, batch, |entry| {
            let done = self.bring_back(entry);
            tell(&mut self.notes, journal);
            all = all.and(done?);
            Ok(())
        })?;
        if all != Left::Another {
            return Ok(all);
        }
        let mut left = Left::Nothing;
        entries(file, interrupts, batch, |entry| {
            if !matches!(look_in_trash(&self.mover, entry), Ok(InTrash::Nothing)) {
                left = Left::Something;
            }
            Ok(())
        })?;
        Ok(left)
    }

    /// Reports that the call that would be undone moved nothing. Those before
    /// it are another matter: they have to be named.
    fn nothing_to_undo(&mut self, batches: &Batches, batch: &Batch) -> Result<(), WorkError> {
        let is_last = batches.last().is_some_and(|last| last.name == batch.name);
        let described = described(batch);
        self.say(match (is_last, batches.last_with_messages()) {
            (true, Some(earlier)) => format!(
                "the last call, {described}, moved nothing; nothing to undo; of the one before: \
                 postsuper --undo={}",
                earlier.name
            ),
            (true, None) => format!("the last call, {described}, moved nothing; nothing to undo"),
            (false, _) => format!("{described} moved nothing; nothing to undo"),
        });
        Ok(())
    }

    fn say(&mut self, text: String) {
        self.notes.lines.push(note::Line {
            weight: Weight::Done,
            text: text.into_bytes(),
            fact: None,
        });
    }

    fn bring_back(&mut self, entry: &Entry) -> Result<Left, WorkError> {
        match find(&self.mover, entry, &mut self.notes) {
            MessageLocation::Trash(stat) => self.restore(entry, &stat),
            // A run that was cut short brought it back, or it never left.
            MessageLocation::Queue => {
                let back = logs::put_back(&self.mover, &entry.id, &mut self.notes)?;
                Ok(left_of_logs(back))
            }
            MessageLocation::Replaced => {
                let path = self.mover.path(Queue::Saved, entry.id.as_bytes());
                self.odd(path, "is another file than the one that was moved there");
                Ok(Left::Another)
            }
            MessageLocation::Missing => {
                self.odd(entry.id.to_string(), "is not in the trash any more");
                Ok(Left::Nothing)
            }
            MessageLocation::Unknown => Ok(Left::Something),
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
                    return Ok(left_of_logs(back));
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

impl Left {
    /// Of two messages together.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Something, _) | (_, Self::Something) => Self::Something,
            (Self::Another, _) | (_, Self::Another) => Self::Another,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

/// A log that has a newer one in its place is of no use to the message: a purge
/// removes it.
fn left_of_logs(back: Back) -> Left {
    match back {
        Back::All | Back::Refused => Left::Nothing,
        Back::Unseen => Left::Something,
    }
}

/// The batch that is undone unless one is named.
fn last(batches: &Batches) -> Result<Batch, TrashError> {
    match (batches.last(), batches.last_with_messages()) {
        (Some(last), Some(earlier)) if last.content == Content::Purged => {
            Err(TrashError::LastPurged {
                batch: last.name.clone(),
                earlier: earlier.name.clone(),
            })
        }
        (Some(last), _) if last.content != Content::Purged => Ok(last.clone()),
        _ => Err(TrashError::Empty),
    }
}

/// A batch in words: its name, when and who, and the comment.
fn described(batch: &Batch) -> String {
    let mut text = format!("batch {}", batch.name);
    if let Some(time) = LocalTime::at(batch.time) {
        text.push_str(" of ");
        time.write_iso(&mut text);
    }
    text.push_str(&format!(" by {}", batch.who.name));
    if let Some(comment) = &batch.comment {
        text.push_str(&format!(" ({})", shown(comment)));
    }
    text
}

fn restore_mode(home: &Dir, entry: &Entry, stat: &FileStat) -> io::Result<()> {
    if stat.st_mode & PERMISSIONS == entry.mode {
        return Ok(());
    }
    let file = home.open_to_change(entry.id.as_os_str())?;
    if stat_open(&file)?.st_ino == stat.st_ino {
        set_mode(&file, entry.mode)
    } else {
        Ok(())
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
