//! One operation of postsuper: repair first, then the actions in order, then
//! the report (spec page 06).
//!
//! Owns that order and the last words. The rights are gone already.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::STATUS;
use super::arguments::{ALL, Arguments, Notify};
use super::trash::{self, Deleted, Task};
use crate::applets::{Call, Fatal, flush};
use crate::config::Config;
use crate::diag::{Diag, Entry, Severity};
use crate::spool::actions::Action;
use crate::spool::mass::{self, Field};
use crate::spool::note::{Journal, Line, Tally, Weight, WorkError};
use crate::spool::repair::{self, Changes, Repair};
use crate::spool::{id, stream};

/// The argument that means IDs from standard input.
const STDIN: &str = "-";
/// What is left to do after the work was cut short.
const INCOMPLETE: &str = "OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST";
/// That IDs are not what they were.
const NAMES_CHANGED: &str = "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS";
/// Why actions by ID are not begun then.
const CHECK_IDS: &str = "CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND";

/// One operation and all it needs.
pub struct Operation<'a> {
    /// What is asked for.
    pub arguments: &'a Arguments,
    /// Who asks.
    pub call: &'a Call,
    /// What is worked on.
    pub field: Field<'a>,
    /// The configuration.
    pub config: &'a Config,
    /// Where it is told.
    pub diag: &'a mut Diag,
    /// What was done so far.
    pub tally: Tally,
    /// What was repaired so far.
    pub changes: Changes,
}

impl Operation<'_> {
    /// Does all of it.
    pub fn run(&mut self) -> Result<(), Fatal> {
        if self.arguments.task == Some(Task::List) {
            let listed = trash::list(self.field, self.diag);
            return listed.unwrap_or_else(|error| Err(self.end(&End::Work(error))));
        }
        let done = self.work();
        done.map_err(|error| self.end(&error))?;
        self.report();
        self.notify();
        Ok(())
    }

    /// Repairs, then acts, in the order of the options.
    fn work(&mut self) -> Result<(), End> {
        if let Some(task) = &self.arguments.task {
            let (tally, ended) = trash::run(task, self.field, self.call, self.diag);
            self.tally = tally;
            return Ok(ended?);
        }
        if self.arguments.repairs() {
            self.repair()?;
        }
        if self.changes.names && self.arguments.names_messages() {
            return Err(End::NamesChanged);
        }
        for (action, argument) in &self.arguments.actions {
            self.act(*action, argument)?;
        }
        Ok(())
    }

    fn repair(&mut self) -> Result<(), WorkError> {
        let repair = Repair {
            purge: self.arguments.purge,
            structure: self.arguments.structure,
            style: match self.config.enable_long_queue_ids {
                true => id::Style::Long,
                false => id::Style::Short,
            },
        };
        let mut told = Told::new(self.diag);
        let (tally, changes, ended) = repair::run(self.field, repair, &mut told);
        self.tally += tally;
        self.changes = changes;
        ended
    }

    fn act(&mut self, action: Action, argument: &OsStr) -> Result<(), WorkError> {
        let mut told = Told::new(self.diag);
        let (tally, ended) = if argument == STDIN {
            match standard_input() {
                Some(input) => stream::run(self.field, action, input, &mut told),
                None => return Ok(()),
            }
        } else if argument == ALL {
            mass::run(self.field, action, &mut told)
        } else {
            stream::one(self.field, action, argument.as_bytes(), &mut told)
        };
        self.tally += tally;
        ended?;
        match self.field.interrupts.caught() {
            Some(_) => Err(WorkError::Interrupted),
            None => Ok(()),
        }
    }

    /// The last words of an operation that was cut short.
    fn end(&mut self, end: &End) -> Fatal {
        let status = match end {
            End::NamesChanged => {
                self.diag.error(NAMES_CHANGED);
                self.diag.fatal(CHECK_IDS);
                STATUS
            }
            End::Work(WorkError::Interrupted) => {
                let signal = self.field.interrupts.caught();
                signal.and_then(|s| u8::try_from(s).ok()).unwrap_or(STATUS)
            }
            End::Work(error) => {
                self.diag.fatal(error.message());
                STATUS
            }
        };
        if self.changes != Changes::default() {
            self.diag.warning(INCOMPLETE);
        }
        Fatal::told(status)
    }

    /// One line per kind of action that was asked for.
    fn report(&mut self) {
        use Action::{Delete, Expire, ExpireAndRelease, Hold, Release, Requeue};
        let tally = self.tally;
        let lines: [(&str, &[Action], u64); 5] = [
            ("Requeued", &[Requeue], tally.requeued),
            match self.arguments.trash.deleted {
                Deleted::Gone => ("Deleted", &[Delete], tally.deleted),
                Deleted::InTrash => ("Moved to trash", &[Delete], tally.trashed),
            },
            ("Force-expired", &[Expire, ExpireAndRelease], tally.expired),
            ("Placed on hold", &[Hold], tally.held),
            (
                "Released from hold",
                &[Release, ExpireAndRelease],
                tally.released,
            ),
        ];
        for (what, actions, count) in lines {
            let asked = |(action, _): &(Action, OsString)| actions.contains(action);
            if self.arguments.actions.iter().any(asked) {
                self.diag.info(counted(what, count));
            }
        }
        match self.arguments.task {
            Some(Task::Undo(_)) => self.diag.info(counted("Restored", tally.restored)),
            Some(Task::Purge(_)) => self.diag.info(counted("Purged", tally.purged)),
            _ => {}
        }
        if tally.renamed > 0 {
            let what = "Renamed to match inode number";
            self.diag.info(counted(what, tally.renamed));
        }
        if self.changes.names {
            self.diag.warning(NAMES_CHANGED);
        }
    }

    /// Wakes the daemons that take care of what was moved.
    fn notify(&mut self) {
        let moved = self.tally.released > 0 || self.tally.requeued > 0;
        if self.arguments.notify == Notify::No || !moved {
            return;
        }
        for error in flush::wake_any(self.config, self.field.spool) {
            self.diag.warning(error.to_string());
        }
    }
}

/// Why an operation was cut short.
enum End {
    Work(WorkError),
    NamesChanged,
}

impl From<WorkError> for End {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}

/// Sends what the work tells to standard error and the mail log.
pub struct Told<'a> {
    diag: &'a mut Diag,
}

impl<'a> Told<'a> {
    pub fn new(diag: &'a mut Diag) -> Self {
        Self { diag }
    }
}

impl Journal for Told<'_> {
    fn lines(&mut self, lines: &[Line]) {
        let entry = |line: &Line| Entry {
            severity: match line.weight {
                Weight::Done => Severity::Info,
                Weight::Odd => Severity::Warning,
            },
            text: line.text.clone(),
        };
        self.diag.send_all(lines.iter().map(entry));
    }

    fn pause(&mut self) {}
}

/// Standard input without a buffer: what it holds is acted on at once.
fn standard_input() -> Option<File> {
    let input = std::io::stdin();
    let copy = input.as_fd().try_clone_to_owned();
    copy.ok().map(File::from)
}

fn counted(what: &str, count: u64) -> String {
    match count {
        1 => format!("{what}: 1 message"),
        _ => format!("{what}: {count} messages"),
    }
}
