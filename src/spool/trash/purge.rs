//! Removes old batches from the trash, for good; and logs there that belong to
//! no message.
//!
//! Removes only what was moved there before the given time: a message that
//! was brought back and deleted again since is handled with its later batch.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::batches::{Batch, Batches, Content, Keep};
use super::compact;
use super::ledger::{JournalDirectory, JournalFile};
use super::line::{Entry, Event, Who, Word};
use super::locate::{MessageLocation, find, look};
use super::logs::{self, Back};
use super::undo::{Left, close, tell};
use crate::spool::mass::Field;
use crate::spool::message;
use crate::spool::moves::{At, Mover, Outcome};
use crate::spool::note::{Deed, Journal, Notes, Oddity, Tally, WorkError};
use crate::spool::{Queue, QueueId, Walk, WalkError};
use crate::sys::error_text::is;

/// Removes the batches that were begun at that time or before.
pub fn purge(
    field: Field<'_>,
    until: i64,
    who: &Who,
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mut purger = Purger {
        field,
        mover: field.mover(),
        until,
        notes: Notes::default(),
    };
    let ended = purger.run(who, journal);
    tell(&mut purger.notes, journal);
    (purger.notes.tally, ended)
}

struct Purger<'a> {
    field: Field<'a>,
    mover: Mover<'a>,
    until: i64,
    notes: Notes,
}

impl Purger<'_> {
    fn run(&mut self, who: &Who, journal: &mut dyn Journal) -> Result<(), WorkError> {
        let (spool, interrupts) = (self.field.spool, self.field.interrupts);
        if JournalFile::open_to_read(spool)?.is_none() {
            return Ok(());
        }
        let mut locked = JournalDirectory::open(spool)?.lock(interrupts)?;
        let file = locked.journal();
        let mut batches = Batches::read(file, interrupts, Keep::Oldest, &mut self.notes)?;
        let left = self.messages(file, &batches, journal)?;
        let is_empty = |(name, left): (Word, Left)| (left == Left::Nothing).then_some(name);
        let purged: Vec<Word> = left.into_iter().filter_map(is_empty).collect();
        close(&locked, &purged, who, &Event::Purged)?;
        for name in &purged {
            batches.empty(name, Content::Purged);
        }
        self.logs_without_message()?;
        let (mover, notes) = (&self.mover, &mut self.notes);
        compact::tidy(&mut locked, &mut batches, mover, interrupts, notes);
        Ok(())
    }

    /// Removes the messages of all old batches, as they come in the journal.
    /// Returns what is left of each of these batches.
    fn messages(
        &mut self,
        file: &JournalFile,
        batches: &Batches,
        journal: &mut dyn Journal,
    ) -> Result<HashMap<Word, Left>, WorkError> {
        let mut left: HashMap<Word, Left> = HashMap::new();
        file.read(0, self.field.interrupts, |numbered| {
            let Some(line) = numbered.line else {
                return Ok(());
            };
            let Event::Trash { entry, .. } = &line.event else {
                return Ok(());
            };
            let batch = batches.at(&line.batch, numbered.offset);
            if batch.is_some_and(|batch| self.is_old(batch)) {
                let done = self.message(entry);
                tell(&mut self.notes, journal);
                let all = left.entry(line.batch).or_insert(Left::Nothing);
                *all = all.and(done?);
            }
            Ok(())
        })?;
        Ok(left)
    }

    fn is_old(&self, batch: &Batch) -> bool {
        batch.content == Content::Messages && batch.time <= self.until
    }

    fn message(&mut self, entry: &Entry) -> Result<Left, WorkError> {
        match find(&self.mover, entry, &mut self.notes) {
            MessageLocation::Trash(stat) if stat.st_ctime > self.until => Ok(Left::Something),
            MessageLocation::Trash(_) => {
                // The logs first: if we are killed in between, the message is
                // found again.
                self.remove_logs(entry)?;
                if self.remove(&entry.id, entry.id.as_bytes())? == Outcome::Done {
                    self.notes.done(Deed::Purged, &entry.id, entry.queue);
                }
                Ok(Left::Nothing)
            }
            // Logs of a message that is in use. Those that have newer ones in
            // their places are of no use to it.
            MessageLocation::Queue => {
                let mut notes = Notes::default();
                match logs::put_back(&self.mover, &entry.id, &mut notes)? {
                    Back::All | Back::Refused => self.remove_logs(entry).map(|()| Left::Nothing),
                    Back::Unseen => {
                        self.notes.lines.append(&mut notes.lines);
                        Ok(Left::Something)
                    }
                }
            }
            MessageLocation::Missing => self.remove_logs(entry).map(|()| Left::Nothing),
            MessageLocation::Replaced => {
                let path = self.mover.path(Queue::Saved, entry.id.as_bytes());
                let why = "is another file than the one that was moved there, and stays";
                self.odd(path, why.to_owned());
                Ok(Left::Another)
            }
            MessageLocation::Unknown => Ok(Left::Something),
        }
    }

    fn odd(&mut self, path: String, why: String) {
        self.notes.odd(&Oddity::Trash { path, why });
    }

    /// Removes what deliveries that ended meanwhile, and calls that were cut
    /// short, left: logs of messages that are neither in the trash nor in a
    /// queue. Those of a message in a queue go back to it.
    fn logs_without_message(&mut self) -> Result<(), WorkError> {
        match self.walk_logs() {
            Err(WorkError::Walk(error)) => {
                let (WalkError::Open { path, .. } | WalkError::Read { path, .. }) = &error;
                self.odd(path.clone(), format!("logs in there may be left: {error}"));
                Ok(())
            }
            done => done,
        }
    }

    fn walk_logs(&mut self) -> Result<(), WorkError> {
        let mut walk = Walk::new(self.field.spool, Queue::Saved)?;
        while let Some(found) = walk.next_name()? {
            if self.field.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let Some((id, log)) = logs::parse_name(found.name) else {
                continue;
            };
            let layout = self.field.layout;
            if layout.is_home(Queue::Saved, &found.place.path, id.as_bytes()) {
                self.log_without_message(&id, log)?;
            }
        }
        Ok(())
    }

    fn log_without_message(&mut self, id: &QueueId, log: Queue) -> Result<(), WorkError> {
        match look(&self.mover, Queue::Saved, id) {
            Ok(None) => {}
            // It goes with its message.
            Ok(Some(_)) => return Ok(()),
            Err(cause) => {
                let path = self.mover.path(Queue::Saved, id.as_bytes());
                self.notes.odd(&Oddity::Look { path, cause });
                return Ok(());
            }
        }
        for queue in Queue::LISTED {
            match look(&self.mover, queue, id) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    let mut notes = Notes::default();
                    if logs::put_back(&self.mover, id, &mut notes)? == Back::Unseen {
                        self.notes.lines.append(&mut notes.lines);
                        return Ok(());
                    }
                    break;
                }
                Err(cause) => {
                    let path = self.mover.path(queue, id.as_bytes());
                    self.notes.odd(&Oddity::Look { path, cause });
                    return Ok(());
                }
            }
        }
        self.remove(id, &logs::name(id, log)).map(drop)
    }

    fn remove_logs(&mut self, entry: &Entry) -> Result<(), WorkError> {
        for log in Queue::LOGS {
            self.remove(&entry.id, &logs::name(&entry.id, log))?;
        }
        Ok(())
    }

    /// Removes a file from where the message belongs, if it is old enough.
    fn remove(&mut self, id: &QueueId, name: &[u8]) -> Result<Outcome, WorkError> {
        let path = self.mover.path_of(Queue::Saved, id.as_bytes(), name);
        let home = self.mover.home(Queue::Saved, id.as_bytes());
        let found = home.and_then(|home| Ok((home.stat(OsStr::from_bytes(name))?, home)));
        match found {
            Ok((stat, home)) if stat.st_ctime <= self.until && message::is_regular(&stat) => {
                Mover::remove(At {
                    dir: &home,
                    name,
                    path: &path,
                })
            }
            Ok(_) => Ok(Outcome::Gone),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(Outcome::Gone),
            Err(cause) => Err(WorkError::Remove { path, cause }),
        }
    }
}
