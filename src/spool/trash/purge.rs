//! Removes old batches from the trash, for good.
//!
//! Removes only what was moved there before the given time: a message that
//! was brought back and deleted again since is another batch's business.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::batches::{Batch, Batches, Keep, entries};
use super::ledger::Ledger;
use super::line::{Entry, Event, Who};
use super::logs::{self, Back};
use super::undo::{Left, Whereabouts, close, find, tell};
use crate::spool::Queue;
use crate::spool::mass::Field;
use crate::spool::moves::{At, Mover, Outcome};
use crate::spool::note::{Deed, Journal, Notes, Tally, WorkError};
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
        let field = self.field;
        if Ledger::open_to_read(field.spool)?.is_none() {
            return Ok(());
        }
        let ledger = Ledger::open(field.spool, field.interrupts)?;
        let _locked = ledger.lock(field.interrupts)?;
        let batches = Batches::read(&ledger, Keep::Oldest, &mut self.notes)?;
        for batch in batches.open.into_values() {
            if batch.time <= self.until {
                self.batch(&ledger, batch, who, journal)?;
            }
        }
        Ok(())
    }

    fn batch(
        &mut self,
        ledger: &Ledger,
        batch: Batch,
        who: &Who,
        journal: &mut dyn Journal,
    ) -> Result<(), WorkError> {
        let mut left = Left::Nothing;
        entries(ledger, &batch, |entry| {
            if self.field.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let done = self.message(entry);
            tell(&mut self.notes, journal);
            if done? == Left::Something {
                left = Left::Something;
            }
            Ok(())
        })?;
        match left {
            Left::Nothing => Ok(close(ledger, batch, who.clone(), Event::Purged)?),
            Left::Something => Ok(()),
        }
    }

    fn message(&mut self, entry: &Entry) -> Result<Left, WorkError> {
        match find(&self.mover, entry, &mut self.notes) {
            Whereabouts::Trash(stat) if stat.st_ctime > self.until => Ok(Left::Something),
            Whereabouts::Trash(_) => {
                // The logs first: if we are killed in between, the message is
                // found again.
                self.remove_logs(entry)?;
                if self.remove(entry, entry.id.as_bytes())? == Outcome::Done {
                    self.notes.done(Deed::Purged, &entry.id, entry.queue);
                }
                Ok(Left::Nothing)
            }
            // Logs of a message that is in use. Those that have newer ones in
            // their places are of no use to it.
            Whereabouts::Queue => {
                let mut notes = Notes::default();
                match logs::put_back(&self.mover, &entry.id, &mut notes)? {
                    Back::All | Back::Refused => self.remove_logs(entry).map(|()| Left::Nothing),
                    Back::Unseen => {
                        self.notes.lines.append(&mut notes.lines);
                        Ok(Left::Something)
                    }
                }
            }
            Whereabouts::Missing => self.remove_logs(entry).map(|()| Left::Nothing),
            Whereabouts::Replaced => Ok(Left::Nothing),
            Whereabouts::Unknown => Ok(Left::Something),
        }
    }

    fn remove_logs(&mut self, entry: &Entry) -> Result<(), WorkError> {
        for log in Queue::LOGS {
            self.remove(entry, &logs::name(&entry.id, log))?;
        }
        Ok(())
    }

    /// Removes a file from where the message lies, if it is old enough.
    fn remove(&mut self, entry: &Entry, name: &[u8]) -> Result<Outcome, WorkError> {
        let path = self.mover.path_of(Queue::Saved, entry.id.as_bytes(), name);
        let home = self.mover.home(Queue::Saved, entry.id.as_bytes());
        let found = home.and_then(|home| Ok((home.stat(OsStr::from_bytes(name))?, home)));
        match found {
            Ok((stat, home)) if stat.st_ctime <= self.until => Mover::remove(At {
                dir: &home,
                name,
                path: &path,
            }),
            Ok(_) => Ok(Outcome::Gone),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(Outcome::Gone),
            Err(cause) => Err(WorkError::Remove { path, cause }),
        }
    }
}
