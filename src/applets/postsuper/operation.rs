//! One operation of postsuper: repair first, then the actions in order, then
//! the report (spec page 06).
//!
//! Owns that order and the last words. The rights are gone already.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::arguments::{ALL, Arguments, MATCH, Notify, STDIN};
use super::delivery::Delivery;
use super::scene::Scene;
use super::told::{Memory, Told, with_comment};
use super::trash::{self, Deleted, Task};
use super::{STATUS, STATUS_STRICT};
use crate::acting::matched::{self, Meant};
use crate::applets::progress::Progress;
use crate::applets::{Call, Fatal, flush, list, postqueue};
use crate::config::Config;
use crate::diag::Diag;
use crate::release::Feature;
use crate::selection::Selection;
use crate::spool::actions::Action;
use crate::spool::mass::{self, Field};
use crate::spool::note::{Tally, WorkError};
use crate::spool::repair::{self, Changes, Repair, WithoutInode};
use crate::spool::report::Rules;
use crate::spool::{id, stream};
use crate::sys::signals;

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
    /// What counts in a message, where one is looked at.
    pub rules: Option<&'a Rules>,
    /// Where it is told.
    pub diag: &'a mut Diag,
    /// What was done so far.
    pub tally: Tally,
    /// What was repaired so far.
    pub changes: Changes,
    /// What was told so far.
    pub memory: Memory,
    /// How far it is.
    pub progress: Progress,
    /// Where messages can be looked at.
    pub scene: Scene<'a>,
}

impl Operation<'_> {
    /// Does all of it.
    pub fn run(&mut self) -> Result<(), Fatal> {
        if self.arguments.task == Some(Task::List) {
            return self.list_trash();
        }
        let done = self.work();
        self.progress.clear();
        match done {
            Ok(()) | Err(End::Work(WorkError::Enough)) => {}
            Err(error) => return Err(self.end(&error)),
        }
        self.report();
        self.notify();
        self.last_words()
    }

    /// What went wrong without ending the work.
    fn last_words(&mut self) -> Result<(), Fatal> {
        if let Some(error) = self.memory.failed_output.take() {
            list::output_failed(self.diag, &error).map_err(|_| Fatal::told(STATUS))?;
        }
        let missing = self.memory.missing;
        match self.arguments.wishes.strict && missing > 0 {
            true => {
                self.diag.warning(missing_ids(missing));
                Err(Fatal::told(STATUS_STRICT))
            }
            false => Ok(()),
        }
    }

    /// Repairs, then acts, in the order of the options.
    fn work(&mut self) -> Result<(), End> {
        if let Some(task) = &self.arguments.task {
            return Ok(self.task(task)?);
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

    /// Does what is asked of the trash.
    fn task(&mut self, task: &Task) -> Result<(), WorkError> {
        let (field, call) = (self.field, self.call);
        let (tally, ended) = trash::run(task, field, call, &mut self.told(None));
        self.tally = tally;
        ended
    }

    fn list_trash(&mut self) -> Result<(), Fatal> {
        let field = self.field;
        match trash::list(field, &mut self.told(None)) {
            Ok(text) => postqueue::print(self.diag, &text),
            Err(error) => Err(self.end(&End::Work(error))),
        }
    }

    fn told(&mut self, action: Option<Action>) -> Told<'_> {
        Told::new(
            self.diag,
            &self.arguments.wishes,
            &mut self.memory,
            action,
            &self.progress,
        )
    }

    fn repair(&mut self) -> Result<(), WorkError> {
        let repair = Repair {
            purge: self.arguments.purge,
            unfinished_max: if self.config.postfix.has(Feature::ForcedExpire) {
                repair::UNFINISHED_MAX
            } else {
                repair::UNFINISHED_MAX_BEFORE_3_5
            },
            structure: self.arguments.structure,
            style: match self.config.enable_long_queue_ids {
                true => id::Style::Long,
                false => id::Style::Short,
            },
            without_inode: WithoutInode::default(),
        };
        let field = self.field;
        let (tally, changes, ended) = repair::run(field, repair, &mut self.told(None));
        self.tally += tally;
        self.changes = changes;
        ended
    }

    fn act(&mut self, action: Action, argument: &OsStr) -> Result<(), WorkError> {
        let wishes = &self.arguments.wishes;
        let all = Selection::default();
        let meant = |selection| self.rules.map(|rules| Meant { selection, rules });
        let meant = match argument {
            _ if argument == MATCH => meant(wishes.selection.as_ref().unwrap_or(&all)),
            _ if argument == ALL && wishes.one_by_one() => meant(&all),
            _ => None,
        };
        let delivery = Delivery {
            config: self.config,
            spool: self.field.spool,
        };
        let delivery = Some(delivery).filter(|_| self.arguments.delivers_each());
        let mut told = Told::new(
            self.diag,
            wishes,
            &mut self.memory,
            Some(action),
            &self.progress,
        )
        .delivering(delivery);
        let (tally, ended) = if let Some(meant) = meant {
            matched::run(self.field, action, meant, &mut told)
        } else if argument == STDIN {
            let input = (standard_input()?, wishes.separator);
            stream::run(self.field, action, input, &mut told)
        } else if argument == ALL {
            mass::run(self.field, action, &mut told)
        } else {
            stream::one(self.field, action, argument.as_bytes(), &mut told)
        };
        self.tally += tally;
        match (ended, self.field.interrupts.caught()) {
            // Those who wait for more are sent home by the same error.
            (Err(WorkError::Interrupted), None) if self.field.brake.is_enough() => {
                Err(WorkError::Enough)
            }
            (Ok(()), Some(_)) => Err(WorkError::Interrupted),
            (ended, _) => ended,
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
                if self.arguments.is_extended() {
                    self.report_interrupted();
                }
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
            // Before 3.5 what was not done is not reported.
            let is_reported = count > 0 || self.config.postfix.has(Feature::ForcedExpire);
            if is_reported && self.arguments.actions.iter().any(asked) {
                let comment = self.arguments.wishes.comment.as_deref();
                let text = counted(what, count);
                self.diag.info(with_comment(text.as_bytes(), comment));
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

    /// What was done before a signal came, and what is left. For calls with
    /// options that Postfix does not have: Postfix says nothing.
    fn report_interrupted(&mut self) {
        self.report();
        let Some(signal) = self.field.interrupts.caught() else {
            return;
        };
        let left = match self.messages_left() {
            Some(1) => "1 message is left as it was".to_owned(),
            Some(count) => format!("{count} messages are left as they were"),
            None => "what is left is as it was".to_owned(),
        };
        let name = signals::name(signal);
        let text = format!("stopped by {name}: {left}; the same command goes on from here");
        self.diag.warning(text);
    }

    /// How many messages were not acted on; `None` if finding out would take
    /// as long as the work.
    fn messages_left(&self) -> Option<u64> {
        let [(action, argument)] = &self.arguments.actions[..] else {
            return None;
        };
        if self.arguments.wishes.counts_first() {
            self.field.brake.left()
        } else if argument == ALL && *action != Action::Expire {
            self.scene.names_left(*action)
        } else {
            None
        }
    }

    /// Wakes the daemons that take care of what was moved.
    fn notify(&mut self) {
        let moved = self.tally.released > 0 || self.tally.requeued > 0;
        let is_done = self.arguments.delivers_each();
        if self.arguments.notify == Notify::No || is_done || !moved {
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

/// Standard input without a buffer: what it holds is acted on at once.
pub fn standard_input() -> Result<File, WorkError> {
    let input = std::io::stdin();
    let copy = input.as_fd().try_clone_to_owned();
    copy.map(File::from).map_err(WorkError::Input)
}

/// What `--strict` says of IDs that are not there.
pub fn missing_ids(count: u64) -> String {
    format!("queue IDs that are invalid or not found: {count}")
}

/// A line of the report.
pub fn counted(what: &str, count: u64) -> String {
    match count {
        1 => format!("{what}: 1 message"),
        _ => format!("{what}: {count} messages"),
    }
}
