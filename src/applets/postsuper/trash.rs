//! The options of the trash: --trash for deleted messages, --undo, --trash-list
//! and --trash-purge.
//!
//! Checks how these options combine and formats the list. Moving messages into
//! the trash and back is handled by the module `trash`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use super::super::Call;
use crate::actions::report::{ActionObserver, Counters};
use crate::actions::{SpoolContext, WorkError};
use crate::listing::write_iso;
use crate::logging::Logger;
use crate::selection::moment;
use crate::sys::process::user_name;
use crate::sys::time::{Zone, now};
use crate::text::{Charset, append_json_line, make_printable, to_printable};
use crate::trash;
use crate::trash::{BatchSummary, Caller, Trash, Word};

/// Where deleted messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    #[default]
    Gone,
    /// They are moved to the trash: --trash.
    InTrash,
}

/// A request to the trash. A call with such a request does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Restores the named batch, or the last one if it is `None`: --undo.
    Undo(Option<Vec<u8>>),
    /// Lists the batches in the trash: --trash-list.
    List,
    /// Deletes the batches up to this time: --trash-purge --older.
    Purge(i64),
}

/// The format of the list of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// A table with a heading.
    Table,
    /// One JSON object per line: --results=json.
    Json,
}

/// The options of the trash on the command line.
#[derive(Debug, Default)]
pub struct Options {
    pub deleted: Deleted,
    undo: Option<Vec<u8>>,
    list: bool,
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
    pub does_anything: bool,
    pub names_queues: bool,
}

impl Options {
    /// Applies an option. Returns whether it is one of these.
    pub fn take(&mut self, name: &str, value: &OsStr) -> bool {
        let value = value.as_bytes().to_vec();
        match name {
            "trash" => self.deleted = Deleted::InTrash,
            "undo" => {
                if self.undo.as_ref().is_some_and(|other| *other != value) {
                    self.repeated = Some("undo");
                }
                self.undo = Some(value);
            }
            "trash-list" => self.list = true,
            "trash-purge" => self.purge = true,
            "older" => {
                if self.older.as_ref().is_some_and(|other| *other != value) {
                    self.repeated = Some("older");
                }
                self.older = Some(value);
            }
            _ => return false,
        }
        true
    }

    /// Whether the list of batches is requested.
    pub fn lists(&self) -> bool {
        self.list
    }

    /// Returns the request to the trash; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The options exclude each other, or the rest of the command line.
    pub fn task(&self, beside: OtherRequests) -> Result<Option<Task>, String> {
        let wrong = |text: &str| Err(text.to_owned());
        if let Some(name) = self.repeated {
            return Err(format!("--{name} is given twice: give it once"));
        }
        let tasks = [self.undo.is_some(), self.list, self.purge];
        let asked = tasks.iter().filter(|asked| **asked).count();
        let is_purge = asked == 1 && self.purge;
        match (asked, self.deleted) {
            (_, Deleted::InTrash) if !beside.deletes => {
                return wrong("--trash requires -d: postsuper --trash -d ID");
            }
            (0, _) if self.older.is_none() => return Ok(None),
            _ if self.older.is_some() && !is_purge => {
                return wrong("--older requires --trash-purge");
            }
            (1, Deleted::Gone) if !beside.does_anything => {}
            _ => return wrong("--undo, --trash-list and --trash-purge each stand alone"),
        }
        if beside.names_queues {
            return wrong("--undo, --trash-list and --trash-purge take no queue");
        }
        match (&self.undo, self.purge) {
            (Some(batch), _) => Ok(Some(Task::Undo(
                Some(batch.clone()).filter(|name| !name.is_empty()),
            ))),
            (None, false) => Ok(Some(Task::List)),
            (None, true) => self.purge_task().map(Some),
        }
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

/// Starts a batch if deleted messages go to the trash.
///
/// # Errors
///
/// The trash cannot be used.
pub fn begin<'a>(
    options: &Options,
    field: SpoolContext<'a>,
    call: &Call,
    comment: Option<&[u8]>,
) -> Result<Option<Trash<'a>>, WorkError> {
    match options.deleted {
        Deleted::Gone => Ok(None),
        Deleted::InTrash => Trash::begin(field, who(call), comment).map(Some),
    }
}

/// Ends the batch, and reports how to undo it if any message was moved.
pub fn finish(trash: &Trash<'_>, directory: Option<&OsStr>, logger: &mut Logger) {
    let Some(batch) = trash.finish() else {
        return;
    };
    let instance = directory.map_or(Vec::new(), |directory| {
        [b"-c ", directory.as_bytes(), b" "].concat()
    });
    let undo = format!("--undo={batch}");
    logger.info([b"undo: postsuper ", instance.as_slice(), undo.as_bytes()].concat());
}

/// The user that called the process, before it dropped its rights.
fn who(call: &Call) -> Caller {
    let user = call.caller.user;
    let name = user_name(user).and_then(|name| Word::parse(name.as_bytes()));
    Caller {
        uid: user.as_raw(),
        name: name.unwrap_or_else(Word::unknown),
    }
}

/// Carries out a request. Returns the counters to be reported, and how the work
/// ended.
pub fn run(
    task: &Task,
    field: SpoolContext<'_>,
    call: &Call,
    journal: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    match task {
        Task::Undo(wanted) => trash::undo(field, wanted.as_deref(), who(call), journal),
        Task::Purge(until) => trash::purge(field, *until, &who(call), journal),
        Task::List => (Counters::default(), Ok(())),
    }
}

/// Returns the list of the batches in the trash, in JSON with the name of the
/// instance if it is given.
///
/// # Errors
///
/// The journal cannot be read.
pub fn list(
    field: SpoolContext<'_>,
    format: ListFormat,
    instance: Option<&str>,
    journal: &mut dyn ActionObserver,
) -> Result<String, WorkError> {
    let batches = trash::list(field, journal)?;
    Ok(match format {
        ListFormat::Table => heading() + &batches.iter().map(line).collect::<String>(),
        ListFormat::Json => {
            let line = |batch: &BatchSummary| json_line(batch, instance);
            batches.iter().map(line).collect()
        }
    })
}

fn heading() -> String {
    format!(
        "{:<24} {:<19} {:<10} {:>8} {:>12} {}\n",
        "-Batch-", "-Time-", "-By-", "-Count-", "-Bytes-", "-Comment-"
    )
}

fn line(batch: &BatchSummary) -> String {
    let time = Zone::Local.date_time(batch.time);
    let time = time.map_or_else(String::new, |time| format!("{time:?}"));
    let mut comment = batch.comment.clone().unwrap_or_default();
    make_printable(&mut comment, Charset::Safe);
    let comment = String::from_utf8_lossy(&comment);
    let (name, user) = (&batch.name, &batch.who.name);
    let (messages, bytes) = (batch.messages, batch.bytes);
    let line = format!("{name:<24} {time:<19} {user:<10} {messages:>8} {bytes:>12} {comment}");
    format!("{}\n", line.trim_end())
}

/// A batch as one line of JSON.
#[derive(Serialize)]
struct BatchMembers<'a> {
    batch: String,
    /// In UTC.
    time: String,
    user: String,
    comment: Option<Cow<'a, str>>,
    messages: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

fn json_line(batch: &BatchSummary, instance: Option<&str>) -> String {
    let mut time = Vec::new();
    write_iso(batch.time, Zone::Utc, &mut time);
    let members = BatchMembers {
        batch: batch.name.to_string(),
        time: to_printable(&time),
        user: batch.who.name.to_string(),
        comment: batch.comment.as_deref().map(String::from_utf8_lossy),
        messages: batch.messages,
        bytes: batch.bytes,
        instance,
    };
    let mut out = Vec::new();
    append_json_line(&members, &mut out);
    to_printable(&out)
}
