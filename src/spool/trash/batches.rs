//! The batches of the trash, as its journal has them: those that are neither
//! undone nor purged.
//!
//! Memory is bounded: of more batches than can be kept, some are left out.

use std::collections::{BTreeMap, HashMap};

use super::ledger::{Ledger, Numbered, PATH};
use super::line::{Entry, Event, Line, Turn, Who, Word};
use super::{TrashError, undo};
use crate::spool::mass::Field;
use crate::spool::note::{Journal, Notes, Oddity, WorkError};

/// Batches that are kept at most.
const BATCHES_MAX: usize = 1 << 16;
/// Lines that cannot be read of which each is told.
const UNREADABLE_TOLD: u64 = 10;

/// Messages remembered to have been announced more than once.
const AGAIN_MAX: usize = 1 << 20;

/// Which batches are kept if there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Oldest,
    Newest,
}

/// A batch that is in the trash, or what is left of it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its name.
    pub name: Word,
    /// Where its first line begins.
    pub start: u64,
    /// When it was begun.
    pub time: i64,
    /// Who did it.
    pub who: Who,
    /// What the user said about it.
    pub comment: Option<Vec<u8>>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Batches {
    /// By where they begin.
    pub open: BTreeMap<u64, Batch>,
    starts: HashMap<Word, u64>,
    /// Left out because there are too many.
    left_out: u64,
    unreadable: u64,
}

impl Batches {
    /// Reads the whole journal. Tells of lines that cannot be read.
    pub fn read(ledger: &Ledger, keep: Keep, notes: &mut Notes) -> Result<Self, WorkError> {
        let mut batches = Self::default();
        ledger.read(0, |numbered| {
            let Numbered {
                offset,
                number,
                line,
            } = numbered;
            match line {
                Some(line) => batches.take(offset, line, keep),
                None => batches.passed_over(number, notes),
            }
            Ok(())
        })?;
        batches.tell(notes);
        Ok(batches)
    }

    fn take(&mut self, offset: u64, line: Line, keep: Keep) {
        let Event::Trash { comment, .. } = line.event else {
            if let Some(start) = self.starts.remove(&line.batch) {
                self.open.remove(&start);
            }
            return;
        };
        if self.starts.contains_key(&line.batch) {
            return;
        }
        if self.open.len() >= BATCHES_MAX {
            self.left_out = self.left_out.saturating_add(1);
            match keep {
                Keep::Oldest => return,
                Keep::Newest => {
                    if let Some((_, oldest)) = self.open.pop_first() {
                        self.starts.remove(&oldest.name);
                    }
                }
            }
        }
        self.starts.insert(line.batch.clone(), offset);
        let batch = Batch {
            name: line.batch,
            start: offset,
            time: line.time,
            who: line.who,
            comment,
        };
        self.open.insert(offset, batch);
    }

    fn passed_over(&mut self, line: u64, notes: &mut Notes) {
        self.unreadable = self.unreadable.saturating_add(1);
        if self.unreadable <= UNREADABLE_TOLD {
            let path = PATH.to_owned();
            notes.odd(&Oddity::Unreadable { path, line });
        }
    }

    fn tell(&self, notes: &mut Notes) {
        let mut odd = |why: String| {
            let path = PATH.to_owned();
            notes.odd(&Oddity::Trash { path, why });
        };
        let more = self.unreadable.saturating_sub(UNREADABLE_TOLD);
        if more > 0 {
            odd(format!("{more} more lines cannot be read"));
        }
        if self.left_out > 0 {
            odd("too many batches, some are left out: --trash-purge the old ones".to_owned());
        }
    }

    /// The batch of that name.
    pub fn named(&self, ledger: &Ledger, wanted: &[u8]) -> Result<Batch, WorkError> {
        let unknown = || TrashError::NoBatch(crate::text::shown(wanted));
        let name = Word::parse(wanted).ok_or_else(unknown)?;
        let start = self.starts.get(&name);
        match start.and_then(|start| self.open.get(start)) {
            Some(batch) => Ok(batch.clone()),
            None => Err(what_became_of(ledger, &name)?
                .unwrap_or_else(unknown)
                .into()),
        }
    }
}

/// Why a batch is not there any more.
fn what_became_of(ledger: &Ledger, name: &Word) -> Result<Option<TrashError>, WorkError> {
    let mut found = None;
    ledger.read(0, |numbered| {
        if let Some(line) = numbered.line.filter(|line| line.batch == *name) {
            found = match line.event {
                Event::Undone => Some("undone"),
                Event::Purged => Some("purged"),
                Event::Trash { .. } => None,
            };
        }
        Ok(())
    })?;
    let closed = |how| TrashError::Closed {
        batch: name.clone(),
        how,
    };
    Ok(found.map(closed))
}

/// Hands out the messages of a batch in order, each as it was announced last.
pub fn entries(
    ledger: &Ledger,
    batch: &Batch,
    mut each: impl FnMut(&Entry) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    let mut again: HashMap<u64, u64> = HashMap::new();
    lines(ledger, batch, |offset, turn, entry| {
        if turn == Turn::Again && again.len() < AGAIN_MAX {
            again.insert(entry.inode, offset);
        }
        Ok(())
    })?;
    lines(ledger, batch, |offset, _, entry| {
        match again.get(&entry.inode).is_none_or(|last| *last == offset) {
            true => each(entry),
            false => Ok(()),
        }
    })
}

/// Hands out the lines about messages of a batch.
fn lines(
    ledger: &Ledger,
    batch: &Batch,
    mut each: impl FnMut(u64, Turn, &Entry) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    ledger.read(batch.start, |numbered| match numbered.line {
        Some(Line {
            batch: name,
            event: Event::Trash { turn, entry, .. },
            ..
        }) if name == batch.name => each(numbered.offset, turn, &entry),
        _ => Ok(()),
    })
}

/// A batch and what is really there of it.
#[derive(Debug)]
pub struct Held {
    /// The batch's name.
    pub name: Word,
    /// When it was begun.
    pub time: i64,
    /// Who did it.
    pub who: Who,
    /// What the user said about it.
    pub comment: Option<Vec<u8>>,
    /// How many of its messages are in the trash.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The batches of the trash, the oldest first.
pub fn list(field: Field<'_>, journal: &mut dyn Journal) -> Result<Vec<Held>, WorkError> {
    let mut notes = Notes::default();
    let counted = count(field, &mut notes);
    journal.lines(&notes.lines);
    journal.pause();
    counted
}

fn count(field: Field<'_>, notes: &mut Notes) -> Result<Vec<Held>, WorkError> {
    let Some(ledger) = Ledger::open_to_read(field.spool)? else {
        return Ok(Vec::new());
    };
    let mut batches = Batches::read(&ledger, Keep::Oldest, notes)?;
    let mover = field.mover();
    let mut counts: HashMap<u64, (u64, u64)> = HashMap::new();
    ledger.read(0, |numbered| {
        let Some(line) = numbered.line else {
            return Ok(());
        };
        // Each message has one first line.
        let Event::Trash {
            turn: Turn::First,
            entry,
            ..
        } = line.event
        else {
            return Ok(());
        };
        let start = batches.starts.get(&line.batch).copied();
        if let Some(start) = start.filter(|start| *start <= numbered.offset)
            && undo::is_in_trash(&mover, &entry)
        {
            let (messages, bytes) = counts.entry(start).or_default();
            *messages = messages.saturating_add(1);
            *bytes = bytes.saturating_add(entry.size);
        }
        match field.interrupts.caught() {
            Some(_) => Err(WorkError::Interrupted),
            None => Ok(()),
        }
    })?;
    let held = |(start, batch): (u64, Batch)| {
        let (messages, bytes) = counts.get(&start).copied().unwrap_or_default();
        Held {
            name: batch.name,
            time: batch.time,
            who: batch.who,
            comment: batch.comment,
            messages,
            bytes,
        }
    };
    Ok(std::mem::take(&mut batches.open)
        .into_iter()
        .map(held)
        .collect())
}
