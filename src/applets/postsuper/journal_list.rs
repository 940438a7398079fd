//! Lists of the journal: its batches, the acts of one batch, and what an undo
//! would do.

use std::borrow::Cow;
use std::io;
use std::io::Write;

use serde::Serialize;

use crate::actions::report::{ActionDone, ActionObserver};
use crate::actions::{SpoolContext, WorkError};
use crate::journal;
use crate::journal::{BatchSummary, RecordedAct, UndoRequest};
use crate::listing::write_iso;
use crate::spool::Queue;
use crate::sys::time::Zone;
use crate::text::{Charset, append_json_line, make_printable, to_printable};

/// The format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// A table with a heading.
    Table,
    /// One JSON object per line: --results=json.
    Json,
}

/// Which acts of a batch are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedActs {
    /// All of them.
    All,
    /// Those that an undo would change.
    Undoable,
}

/// How the acts of a batch are listed.
#[derive(Clone, Copy, Debug)]
pub struct ListStyle<'a> {
    /// The format.
    pub format: ListFormat,
    /// Which of them.
    pub listed: ListedActs,
    /// The name of the instance, for JSON, if an option chose it.
    pub instance: Option<&'a str>,
}

/// Returns the list of the batches, in JSON with the name of the instance if it
/// is given.
///
/// # Errors
///
/// The journal cannot be read.
pub fn list(
    field: SpoolContext<'_>,
    format: ListFormat,
    instance: Option<&str>,
    observer: &mut dyn ActionObserver,
) -> Result<String, WorkError> {
    let batches = journal::list(field, observer)?;
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
        "{:<24} {:<19} {:<10} {:>8} {:>12} {:<10} {}\n",
        "-Batch-", "-Time-", "-By-", "-Count-", "-Bytes-", "-Acts-", "-Comment-"
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
    let acts = batch.kinds.names().join(",");
    let line =
        format!("{name:<24} {time:<19} {user:<10} {messages:>8} {bytes:>12} {acts:<10} {comment}");
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
    acts: Vec<&'static str>,
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
        acts: batch.kinds.names(),
        instance,
    };
    let mut out = Vec::new();
    append_json_line(&members, &mut out);
    to_printable(&out)
}

/// Writes the acts of a batch to `out`, the last one first. Returns how many
/// there are.
///
/// # Errors
///
/// The journal or a message cannot be read. If `out` cannot be written, its
/// error is in the result beside the count.
pub fn show(
    field: SpoolContext<'_>,
    request: UndoRequest<'_>,
    style: ListStyle<'_>,
    out: &mut dyn Write,
    observer: &mut dyn ActionObserver,
) -> Result<(u64, io::Result<()>), WorkError> {
    let (mut count, mut written) = (0u64, Ok(()));
    if style.format == ListFormat::Table {
        written = out.write_all(acts_heading().as_bytes());
    }
    let shown = journal::show(field, request, observer, |act| {
        if style.listed == ListedActs::Undoable && act.undo.is_none() {
            return Ok(());
        }
        count = count.saturating_add(1);
        let line = match style.format {
            ListFormat::Table => act_line(&act),
            ListFormat::Json => act_json(&act, style.instance),
        };
        if written.is_ok() {
            written = out.write_all(line.as_bytes());
        }
        Ok(())
    });
    shown?;
    Ok((count, written.and_then(|()| out.flush())))
}

fn acts_heading() -> String {
    format!(
        "{:<17} {:<14} {:<9} {:<9} {:>10} {}\n",
        "-Queue ID-", "-Act-", "-Before-", "-Now-", "-Size-", "-Undo-"
    )
}

fn act_line(act: &RecordedAct) -> String {
    let RecordedAct {
        id,
        act: name,
        before,
        size,
        ..
    } = act;
    let now = place_name(act.now).unwrap_or("-");
    let undo = undo_words(act).unwrap_or_default();
    let (id, before) = (id.to_string(), before.name());
    let line = format!("{id:<17} {name:<14} {before:<9} {now:<9} {size:>10} {undo}");
    format!("{}\n", line.trim_end())
}

/// An act as one line of JSON.
#[derive(Serialize)]
struct ActMembers<'a> {
    id: String,
    act: &'a str,
    queue_before: &'a str,
    queue: Option<&'a str>,
    size: u64,
    undo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

fn act_json(act: &RecordedAct, instance: Option<&str>) -> String {
    let members = ActMembers {
        id: act.id.to_string(),
        act: act.act,
        queue_before: act.before.name(),
        queue: place_name(act.now),
        size: act.size,
        undo: undo_words(act),
        instance,
    };
    let mut out = Vec::new();
    append_json_line(&members, &mut out);
    to_printable(&out)
}

fn undo_words(act: &RecordedAct) -> Option<String> {
    act.undo.map(ActionDone::would_be)
}

fn place_name(place: Option<Queue>) -> Option<&'static str> {
    match place? {
        Queue::Saved => Some("trash"),
        queue => Some(queue.name()),
    }
}
