//! Repair of the queues' structure: -p purges unfinished files, -s gives
//! every file the name and the place it should have, -S does so for names
//! that could stay (spec page 06).
//!
//! A new name is given in two steps, with a suffix in between, so that names
//! cannot collide and a run that was cut short can be repeated. One file
//! after the other: the second step relies on the first being over.

use std::time::Duration;

use super::mass::Field;
use super::moves::{Mover, Outcome};
use super::note::{Journal, Notes, Oddity, Tally, WorkError};
use super::sweep::{self, NoFiles, Object, Remains};
use super::{Found, Queue, Step, Walk, id, message};
use crate::sys::time::now;

/// What a name ends in between the two steps.
const SUFFIX: &[u8] = b"#FIX";
/// An unfinished file this old will not be finished any more.
const UNFINISHED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is to be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Whether unfinished files go.
    pub purge: Purge,
    /// Whether names and places are put right.
    pub structure: Structure,
    /// The names that the mail system makes.
    pub style: id::Style,
}

/// Whether old unfinished files go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purge {
    /// They stay.
    #[default]
    No,
    /// They go.
    Unfinished,
}

/// Which names and places are put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structure {
    /// None.
    #[default]
    Leave,
    /// What would collide or not be found.
    Fix,
    /// Long names with another file's inode number as well.
    FixRedundant,
}

/// What was changed, also by a repair that did not end well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A file has another name than before.
    pub names: bool,
    /// A file lies in another directory.
    pub places: bool,
}

/// Repairs the selected queues. A second walk follows if names were changed.
pub fn run(
    field: Field<'_>,
    repair: Repair,
    journal: &mut dyn Journal,
) -> (Tally, Changes, Result<(), WorkError>) {
    let mut repairer = Repairer {
        field,
        repair,
        mover: field.mover(),
        notes: Notes::default(),
        changes: Changes::default(),
        pass: Pass::NothingNew,
    };
    let mut ended = repairer.walk_all(journal);
    if ended.is_ok() && repairer.pass == Pass::NewNames {
        ended = repairer.walk_all(journal);
    }
    repairer.tell(journal);
    (repairer.notes.tally, repairer.changes, ended)
}

/// Whether a pass gave files names that are not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    NothingNew,
    NewNames,
}

struct Repairer<'a> {
    field: Field<'a>,
    repair: Repair,
    mover: Mover<'a>,
    notes: Notes,
    changes: Changes,
    pass: Pass,
}

impl Repairer<'_> {
    fn walk_all(&mut self, journal: &mut dyn Journal) -> Result<(), WorkError> {
        for selected in self.field.selected {
            let queue = selected.queue()?;
            sweep::check(queue, self.field.layout)?;
            let walked = self.walk(queue, journal);
            self.tell(journal);
            walked?;
        }
        Ok(())
    }

    fn walk(&mut self, queue: Queue, journal: &mut dyn Journal) -> Result<(), WorkError> {
        let mut walk = Walk::new(self.field.spool, queue)?;
        while let Some(step) = walk.step()? {
            if self.field.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            match step {
                Step::Name(Found { place, name, .. }) => {
                    let found = Object { queue, place, name };
                    let done = self.object(&found);
                    self.tell(journal);
                    done?;
                }
                Step::Left { parent, path } => {
                    if sweep::is_too_deep(queue, &path, self.field.layout) {
                        sweep::remove_left(queue, &parent, &path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Passes on what there is to tell.
    fn tell(&mut self, journal: &mut dyn Journal) {
        if !self.notes.lines.is_empty() {
            journal.lines(&self.notes.lines);
            journal.pause();
            self.notes.lines.clear();
        }
    }

    fn object(&mut self, found: &Object<'_>) -> Result<(), WorkError> {
        let stat = match found.stat() {
            Ok(stat) => stat,
            Err(cause) => {
                found.unseen(cause, &mut self.notes);
                return Ok(());
            }
        };
        let Remains::There(stat) = found.tidy(stat, NoFiles::Remove, &mut self.notes)? else {
            return Ok(());
        };
        let is_message = found.queue.holds_messages();
        let is_unfinished = is_message && !message::is_ready(&stat);
        if self.repair.purge == Purge::Unfinished && is_unfinished && is_old(stat.st_mtime) {
            return found.remove().map(drop);
        }
        if self.repair.structure == Structure::Leave {
            if !id::is_valid(found.name) {
                self.bogus(found);
            }
            return Ok(());
        }
        if let Some(name) = unsuffixed(found.name) {
            return self.finish(found, name, stat.st_ino);
        }
        if !id::is_valid(found.name) {
            self.bogus(found);
            return Ok(());
        }
        if is_message {
            let Some(inode) = id::inode(found.name) else {
                self.bogus(found);
                return Ok(());
            };
            if self.needs_name(found.name, inode, stat.st_ino) {
                return self.begin(found, stat.st_ino);
            }
        }
        self.put_in_place(found)
    }

    fn bogus(&mut self, found: &Object<'_>) {
        self.notes.odd(&Oddity::BogusName(found.path()));
    }

    /// Whether a message has to get another name.
    fn needs_name(&self, name: &[u8], inode: u64, real_inode: u64) -> bool {
        let is_long = id::long_microseconds(name).is_some();
        if is_long && self.repair.style == id::Style::Short {
            return true;
        }
        let is_redundant = is_long && self.repair.structure != Structure::FixRedundant;
        inode != real_inode && !is_redundant
    }

    /// The first step: the logs, then the message, get the new name with the
    /// suffix.
    fn begin(&mut self, found: &Object<'_>, inode: u64) -> Result<(), WorkError> {
        let name = id::renumbered(found.name, inode, self.repair.style);
        let suffixed = [&name, SUFFIX].concat();
        self.changes.names = true;
        self.pass = Pass::NewNames;
        for queue in Queue::LOGS {
            self.mover
                .rename_from_home(queue, found.name, &name, &suffixed)?;
        }
        let path = found.path();
        self.mover
            .rename(found.at(&path), found.queue, &name, &suffixed)?;
        Ok(())
    }

    /// The second step: the suffix goes.
    fn finish(&mut self, found: &Object<'_>, name: &[u8], inode: u64) -> Result<(), WorkError> {
        let is_message = found.queue.holds_messages();
        if !id::is_valid(name) || (is_message && id::inode(name).is_none()) {
            self.bogus(found);
            return Ok(());
        }
        let path = found.path();
        if is_message {
            if id::inode(name) != Some(inode) {
                self.notes.odd(&Oddity::Mismatch(path));
                return Ok(());
            }
            self.changes.names = true;
        }
        let renamed = self
            .mover
            .rename(found.at(&path), found.queue, name, name)?;
        if is_message && renamed == Outcome::Done {
            self.notes.tally.renamed = self.notes.tally.renamed.saturating_add(1);
        }
        Ok(())
    }

    /// Moves a file to where its name belongs.
    fn put_in_place(&mut self, found: &Object<'_>) -> Result<(), WorkError> {
        let home = self.field.layout.directory(found.queue, found.name);
        if home == found.place.path {
            return Ok(());
        }
        self.changes.places = true;
        let path = found.path();
        self.mover
            .rename(found.at(&path), found.queue, found.name, found.name)?;
        Ok(())
    }
}

/// A name without the suffix of the first step, if it has one and more.
fn unsuffixed(name: &[u8]) -> Option<&[u8]> {
    name.strip_suffix(SUFFIX).filter(|name| !name.is_empty())
}

fn is_old(modified: i64) -> bool {
    let age = now().saturating_sub(modified);
    u64::try_from(age).is_ok_and(|age| age > UNFINISHED_MAX.as_secs())
}
