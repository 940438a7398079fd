//! The options of the journal and the trash: --journal, --trash and --batch for
//! calls that are recorded, --undo, --journal-list, --journal-show and
//! --trash-purge.
//!
//! Checks how these options combine. Recording and undoing is the task of the
//! module `journal` of the crate.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::super::Call;
use crate::actions::report::{ActionObserver, Counters};
use crate::actions::{DeletionReport, SpoolContext, WorkError};
use crate::journal;
use crate::journal::{BatchStart, Caller, Only, Recorder, UndoRequest, Word};
use crate::logging::Logger;
use crate::selection::moment;
use crate::sys::dir::Dir;
use crate::sys::time::now;

/// The variable that makes every call record its acts, unless it is empty.
const VARIABLE: &str = "SPOOLBOX_JOURNAL";
/// The file that does the same, relative to the queue directory.
const ALWAYS: &str = "saved/.spoolbox-journal-always";
/// The tasks, for error messages.
const TASKS: &str = "--undo, --journal-list, --journal-show and --trash-purge";

/// The destination of deleted messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    #[default]
    Gone,
    /// They are moved to the trash: --trash, or --journal.
    InTrash,
}

/// A request to the journal. A call with such a request does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Undoes the named batch, or the last one if it is `None`: --undo.
    Undo(Option<Vec<u8>>),
    /// Lists the batches: --journal-list.
    List,
    /// Lists the messages of a batch: --journal-show.
    Show(Vec<u8>),
    /// Deletes the batches up to this time: --trash-purge --older.
    Purge(i64),
}

impl Task {
    /// Whether the task only prints a list.
    pub fn lists(&self) -> bool {
        matches!(self, Self::List | Self::Show(_))
    }
}

/// The options of the journal on the command line.
#[derive(Debug, Default)]
pub struct Options {
    journal: bool,
    trash: bool,
    batch: Option<Vec<u8>>,
    undo: Option<Vec<u8>>,
    list: bool,
    show: Option<Vec<u8>>,
    purge: bool,
    older: Option<Vec<u8>>,
    /// An option with a second value: which of them counts is no guess to be
    /// made with mail.
    repeated: Option<&'static str>,
}

/// The other requests of a call.
#[derive(Clone, Copy, Debug)]
pub struct OtherRequests {
    pub deletes: bool,
    pub acts: bool,
    pub repairs: bool,
    /// Whether an operand is the name of a queue.
    pub names_queues: bool,
    /// Whether an operand is a queue ID or `-`.
    pub names_messages: bool,
    pub selects: bool,
}

impl Options {
    /// Applies an option. Returns whether it is one of these.
    pub fn take(&mut self, name: &str, value: &OsStr) -> bool {
        let value = value.as_bytes().to_vec();
        match name {
            "journal" => self.journal = true,
            "trash" => self.trash = true,
            "batch" => self.repeated = self.repeated.or(once("batch", &mut self.batch, value)),
            "undo" => self.repeated = self.repeated.or(once("undo", &mut self.undo, value)),
            "trash-list" | "journal-list" => self.list = true,
            "journal-show" => {
                self.repeated = self
                    .repeated
                    .or(once("journal-show", &mut self.show, value));
            }
            "trash-purge" => self.purge = true,
            "older" => self.repeated = self.repeated.or(once("older", &mut self.older, value)),
            _ => return false,
        }
        true
    }

    /// Whether a list of batches or of their messages is requested.
    pub fn lists(&self) -> bool {
        self.list || self.show.is_some()
    }

    /// Whether an undo is requested.
    pub fn undoes(&self) -> bool {
        self.undo.is_some()
    }

    /// Whether an option requests that acts are recorded.
    pub fn records(&self) -> bool {
        self.journal || self.trash || self.batch.is_some()
    }

    /// The destination of deleted messages, as far as the command line determines it.
    pub fn deleted(&self) -> Deleted {
        if self.records() {
            Deleted::InTrash
        } else {
            Deleted::Gone
        }
    }

    /// Returns the request to the journal; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The options exclude each other, or the rest of the command line.
    pub fn task(&self, others: OtherRequests) -> Result<Option<Task>, String> {
        let wrong = |text: &str| Err(text.to_owned());
        if let Some(name) = self.repeated {
            return Err(format!("--{name} is given twice: give it once"));
        }
        self.check_recording(others)?;
        let tasks = [
            self.undo.is_some(),
            self.list,
            self.show.is_some(),
            self.purge,
        ];
        let asked = tasks.iter().filter(|asked| **asked).count();
        let is_purge = asked == 1 && self.purge;
        match asked {
            0 if self.older.is_none() => return Ok(None),
            _ if self.older.is_some() && !is_purge => {
                return wrong("--older requires --trash-purge");
            }
            1 if !(self.records() || others.acts || others.repairs) => {}
            _ => return Err(format!("{TASKS} each stand alone")),
        }
        let is_undo = self.undo.is_some();
        if others.names_queues || (others.names_messages && !is_undo) {
            return Err(format!("{TASKS} take no queue; --undo takes queue IDs"));
        }
        if others.names_messages && others.selects {
            return wrong("--undo takes queue IDs or a selection, not both");
        }
        match (&self.undo, &self.show, self.purge) {
            (Some(batch), _, _) => Ok(Some(Task::Undo(
                Some(batch.clone()).filter(|name| !name.is_empty()),
            ))),
            (None, Some(batch), _) => Ok(Some(Task::Show(batch.clone()))),
            (None, None, false) => Ok(Some(Task::List)),
            (None, None, true) => self.purge_task().map(Some),
        }
    }

    /// Checks the options of calls that are recorded.
    fn check_recording(&self, others: OtherRequests) -> Result<(), String> {
        if self.trash && !others.deletes {
            return Err("--trash requires -d: postsuper --trash -d ID".to_owned());
        }
        if self.records() && !others.acts {
            let name = if self.journal { "--journal" } else { "--batch" };
            return Err(format!(
                "{name} requires an action, such as -h: postsuper {name} -h ID"
            ));
        }
        match &self.batch {
            Some(name) if Word::parse(name).is_none() => Err(
                "--batch: give a name of letters, digits, -, _ and ., such as ticket-4711"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// Returns how deleted messages are reported if the call is recorded;
    /// `None` if it is not. Looks for the file that requires that all calls are
    /// recorded, unless an option does.
    fn recording(&self, spool: &Dir) -> Option<DeletionReport> {
        if self.records() {
            return Some(DeletionReport::Trashed);
        }
        let is_set = std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty());
        let is_always = is_set || spool.stat(OsStr::new(ALWAYS)).is_ok();
        is_always.then_some(DeletionReport::AsPostfix)
    }

    fn purge_task(&self) -> Result<Task, String> {
        let Some(older) = &self.older else {
            return Err(
                "--trash-purge needs an age: --trash-purge --older 30d removes what \
                        was moved to the trash more than 30 days ago"
                    .to_owned(),
            );
        };
        let until = moment(&String::from_utf8_lossy(older), now());
        let until = until.map_err(|why| format!("--older: {why}"))?;
        Ok(Task::Purge(until))
    }
}

/// Keeps the first value of an option. Returns the name of the option if it is
/// given again with another value.
fn once(name: &'static str, kept: &mut Option<Vec<u8>>, value: Vec<u8>) -> Option<&'static str> {
    let is_other = kept.as_ref().is_some_and(|other| *other != value);
    *kept = Some(value);
    is_other.then_some(name)
}

/// Begins a batch if the acts of the call are recorded.
///
/// # Errors
///
/// The journal cannot be used.
pub fn begin<'a>(
    options: &Options,
    field: SpoolContext<'a>,
    call: &Call,
    comment: Option<&[u8]>,
) -> Result<Option<Recorder<'a>>, WorkError> {
    let Some(deletions) = options.recording(field.spool) else {
        return Ok(None);
    };
    let start = BatchStart {
        who: Caller::of(call.caller.user),
        comment,
        name: options.batch.as_deref().and_then(Word::parse),
        deletions,
    };
    Recorder::begin(field, start).map(Some)
}

/// Ends the batch, and reports how to undo it if anything was done. A call
/// without an option of ours reports nothing that Postfix does not report.
pub fn finish(
    recorder: &Recorder<'_>,
    options: &Options,
    directory: Option<&OsStr>,
    logger: &mut Logger,
) {
    let Some(batch) = recorder.finish().filter(|_| options.records()) else {
        return;
    };
    let instance = directory.map_or(Vec::new(), |directory| {
        [b"-c ", directory.as_bytes(), b" "].concat()
    });
    let undo = format!("--undo={batch}");
    logger.info([b"undo: postsuper ", instance.as_slice(), undo.as_bytes()].concat());
}

/// Carries out a request. Returns the counters to be reported, and how the work
/// ended.
pub fn run(
    task: &Task,
    field: SpoolContext<'_>,
    call: &Call,
    only: Only<'_>,
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    match task {
        Task::Undo(batch) => {
            let batch = batch.as_deref();
            journal::undo(
                field,
                UndoRequest { batch, only },
                Caller::of(call.caller.user),
                observer,
            )
        }
        Task::Purge(until) => {
            journal::purge(field, *until, &Caller::of(call.caller.user), observer)
        }
        Task::List | Task::Show(_) => (Counters::default(), Ok(())),
    }
}
