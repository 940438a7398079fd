//! The words of an act in a line of the journal: its verb, the message, and
//! what else undoing it requires.

use super::event::{Attempt, Event};
use super::record_fields::{Fields, file_time, logs, mode};
use super::recorded_message::RecordedMessage;
use crate::actions::Act;
use crate::spool::{Queue, QueueId};
use crate::sys::dir_changes::FileTime;
use crate::text::digits;

/// The largest number of offsets in a record; an act with more of them has
/// several records. With it a line is shorter than a line may be.
pub(super) const RECORDS_MAX: usize = 128;

/// The end of the verb of a record that is not the first about its message.
const AGAIN: &str = "-again";

/// Returns the verb of an act. Records of deletions have the verb that the
/// first version of spoolbox wrote.
pub(super) fn verb(act: &Act, turn: Attempt) -> String {
    let name = match act {
        Act::Delete => "trash",
        other => act_name(other),
    };
    match turn {
        Attempt::First => name.to_owned(),
        Attempt::Retry => format!("{name}{AGAIN}"),
    }
}

/// Returns the name of an act.
pub fn act_name(act: &Act) -> &'static str {
    match act {
        Act::Delete => "delete",
        Act::Hold => "hold",
        Act::Release { .. } => "release",
        Act::Expire => "expire",
        Act::Requeue { .. } => "requeue",
        Act::Postpone { .. } => "postpone",
        Act::DropRecipients { .. } => "drop-recipient",
        Act::Bounce { .. } => "bounce",
    }
}

/// The kinds of acts in a batch, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActKinds(u16);

/// The names of all acts.
const NAMES: [&str; 8] = [
    "delete",
    "hold",
    "release",
    "expire",
    "requeue",
    "postpone",
    "drop-recipient",
    "bounce",
];

impl ActKinds {
    /// Returns the kind of one act.
    pub fn of(act: &Act) -> Self {
        let at = NAMES.iter().position(|name| *name == act_name(act));
        Self(at.map_or(0, |at| 1 << at))
    }

    /// Returns the kinds in either set.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the names of the kinds.
    pub fn names(self) -> Vec<&'static str> {
        let has = |(at, _): &(usize, &&str)| self.0 & (1 << at) != 0;
        let names = NAMES.iter().enumerate().filter(has);
        names.map(|(_, name)| *name).collect()
    }
}

/// Divides an act into acts that fit a record each.
pub(super) fn parts(act: Act) -> Vec<Act> {
    match act {
        Act::DropRecipients { records } => {
            let parts = records.chunks(RECORDS_MAX);
            let part = |records: &[u64]| Act::DropRecipients {
                records: records.to_vec(),
            };
            parts.map(part).collect()
        }
        Act::Bounce {
            records,
            to,
            log_size,
        } => {
            let parts = records.chunks(RECORDS_MAX);
            let part = |records: &[u64]| Act::Bounce {
                records: records.to_vec(),
                to,
                log_size,
            };
            parts.map(part).collect()
        }
        other => vec![other],
    }
}

/// Returns the words about the message.
pub(super) fn entry_text(entry: &RecordedMessage) -> String {
    let RecordedMessage {
        id,
        queue,
        mode,
        size,
        accessed,
        modified,
        inode,
        logs,
    } = entry;
    let logs: Vec<&str> = logs.iter().map(|log| log.name()).collect();
    let logs = if logs.is_empty() {
        "none".to_owned()
    } else {
        logs.join(",")
    };
    let (read, changed) = (time_text(*accessed), time_text(*modified));
    format!(
        " id={id} queue={queue} mode={mode:04o} size={size} mtime={changed} atime={read} \
         inode={inode} logs={logs}"
    )
}

/// Returns the words of the act that follow those about the message.
pub(super) fn act_text(act: &Act) -> String {
    let offsets = |records: &[u64]| {
        let texts: Vec<String> = records.iter().map(u64::to_string).collect();
        format!(" records={}", texts.join(","))
    };
    let times = |sets: Option<FileTime>| match sets {
        Some(time) => format!(" sets={}", time_text(time)),
        None => " sets=none".to_owned(),
    };
    match act {
        Act::Delete | Act::Hold | Act::Expire => String::new(),
        Act::Release { sets } | Act::Requeue { sets } => times(*sets),
        Act::Postpone { sets } => times(Some(*sets)),
        Act::DropRecipients { records } => offsets(records),
        Act::Bounce {
            records,
            to,
            log_size,
        } => {
            let size = log_size.map_or("none".to_owned(), |size| size.to_string());
            format!("{} to={to} log-size={size}", offsets(records))
        }
    }
}

fn time_text((seconds, part): FileTime) -> String {
    format!("{seconds}.{part:09}")
}

/// Parses the rest of a line with this verb; `None` if it is damaged.
pub(super) fn parse_act(verb: &[u8], words: &mut Fields<'_>) -> Option<Event> {
    let (name, turn) = match verb.strip_suffix(AGAIN.as_bytes()) {
        Some(name) => (name, Attempt::Retry),
        None => (verb, Attempt::First),
    };
    let entry = parse_entry(words)?;
    let act = match name {
        b"trash" => Act::Delete,
        b"hold" => Act::Hold,
        b"release" => Act::Release {
            sets: sets(words.value("sets")?)?,
        },
        b"expire" => Act::Expire,
        b"requeue" => Act::Requeue {
            sets: sets(words.value("sets")?)?,
        },
        b"postpone" => Act::Postpone {
            sets: file_time(words.value("sets")?)?,
        },
        b"drop-recipient" => Act::DropRecipients {
            records: offsets(words.value("records")?)?,
        },
        b"bounce" => Act::Bounce {
            records: offsets(words.value("records")?)?,
            to: message_queue(words.value("to")?)?,
            log_size: match words.value("log-size")? {
                b"none" => None,
                size => Some(digits(size)?),
            },
        },
        _ => return None,
    };
    Some(Event::Act {
        turn,
        act,
        entry,
        comment: words.comment()?,
    })
}

fn parse_entry(words: &mut Fields<'_>) -> Option<RecordedMessage> {
    Some(RecordedMessage {
        id: QueueId::parse(words.value("id")?)?,
        queue: queue_before(words.value("queue")?)?,
        mode: mode(words.value("mode")?)?,
        size: digits(words.value("size")?)?,
        modified: file_time(words.value("mtime")?)?,
        accessed: file_time(words.value("atime")?)?,
        inode: digits(words.value("inode")?)?,
        logs: logs(words.value("logs")?)?,
    })
}

/// Parses the queue of a message before an act, which may be corrupt.
fn queue_before(text: &[u8]) -> Option<Queue> {
    let queue = Queue::of_directory(text)?;
    (queue.holds_messages() || queue == Queue::Corrupt).then_some(queue)
}

fn message_queue(text: &[u8]) -> Option<Queue> {
    Queue::parse(text).filter(|queue| queue.holds_messages())
}

/// Parses a time or `none`.
fn sets(text: &[u8]) -> Option<Option<FileTime>> {
    match text {
        b"none" => Some(None),
        time => file_time(time).map(Some),
    }
}

/// Parses offsets that are separated by commas.
fn offsets(text: &[u8]) -> Option<Vec<u64>> {
    let parts = text.split(|&byte| byte == b',').take(RECORDS_MAX);
    let offsets: Vec<u64> = parts.map(digits).collect::<Option<_>>()?;
    let commas = text.iter().filter(|byte| **byte == b',').count();
    (offsets.len() == commas.saturating_add(1)).then_some(offsets)
}
