//! The records of the trash journal, one per line: their contents, formatting
//! and parsing.
//!
//! A line whose checksum does not match is damaged and ignored. A line whose
//! checksum matches is still untrusted input, so every name in it is parsed
//! before it is used.

use std::fmt;

use nix::sys::stat::FileStat;

use super::record_fields::{
    Fields, FileTime, PERMISSIONS, escape, file_time, logs, mode, parse_time, sum,
};
use crate::spool::{Queue, QueueId};
use crate::sys::time::Zone;
use crate::text::digits;

/// The first line of a journal.
pub const HEADER: &str = "# spoolbox trash journal, version 1\n";
/// The beginning of the first line in every version.
pub const ANY_HEADER: &str = "# spoolbox trash journal, version ";
/// The largest length of a line in bytes.
pub const LINE_MAX: usize = 4096;
/// The number of bytes kept of a comment; even when all of them are escaped,
/// the record fits a line.
const COMMENT_MAX: usize = 800;
/// The largest length of the name of a batch or a user, in bytes.
const WORD_MAX: usize = 64;

/// The name of a batch or of a user: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word(String);

impl Word {
    /// Returns the name in `text`; `None` if it is not a valid name.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_word = (1..=WORD_MAX).contains(&text.len()) && text.iter().all(fits);
        let text = is_word.then(|| std::str::from_utf8(text).ok())??;
        Some(Self(text.to_owned()))
    }

    /// Returns the name that is recorded when there is none.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The user who made the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user ID.
    pub uid: u32,
    /// The user name.
    pub name: Word,
}

/// The record of a message when it is moved to the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedMessage {
    /// Its queue ID.
    pub id: QueueId,
    /// The queue that it was in.
    pub queue: Queue,
    /// Its permission bits.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its access time.
    pub accessed: FileTime,
    /// Its modification time; for a deferred message this is the time of the
    /// next delivery attempt.
    pub modified: FileTime,
    /// Its inode number, which distinguishes it from another message with the
    /// same ID.
    pub inode: u64,
    /// The queues in which it had logs.
    pub logs: Vec<Queue>,
}

impl TrashedMessage {
    /// Creates the record of a message in a queue.
    pub fn of(id: &QueueId, queue: Queue, stat: &FileStat, logs: Vec<Queue>) -> Self {
        Self {
            id: id.clone(),
            queue,
            mode: stat.st_mode & PERMISSIONS,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            accessed: (stat.st_atime, stat.st_atime_nsec),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            inode: stat.st_ino,
            logs,
        }
    }
}

/// Whether the batch has an earlier record of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The message was not announced before.
    First,
    /// The message was announced before and has moved since. This record
    /// replaces the earlier one.
    Retry,
}

/// What a record reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call began its batch, which may stay empty. Journals of the first
    /// version of spoolbox do not contain this event: there, a batch begins
    /// with its first message.
    Begin {
        /// The comment that the user gave, if any.
        comment: Option<Vec<u8>>,
    },
    /// A message is about to be moved to the trash.
    Trash {
        /// Whether the batch has an earlier record of the message.
        turn: Attempt,
        /// The message.
        entry: TrashedMessage,
        /// The comment that the user gave, if any.
        comment: Option<Vec<u8>>,
    },
    /// A call ended without moving any of the messages that it had announced.
    MovedNothing,
    /// The whole batch was restored.
    Undone,
    /// The whole batch was removed permanently.
    Purged,
}

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// The time of the record, in seconds since the epoch.
    pub time: i64,
    /// The batch to which the record belongs.
    pub batch: Word,
    /// The user who made the call.
    pub who: Caller,
    /// The event.
    pub event: Event,
}

impl JournalRecord {
    /// Returns the record as a line of the journal, with its newline.
    pub fn to_text(&self) -> Vec<u8> {
        let time = Zone::Utc.date_time(self.time).unwrap_or_default();
        let verb = match self.event {
            Event::Trash {
                turn: Attempt::First,
                ..
            } => "trash",
            Event::Trash {
                turn: Attempt::Retry,
                ..
            } => "trash-again",
            Event::Begin { .. } => "begin",
            Event::MovedNothing => "moved-nothing",
            Event::Undone => "undone",
            Event::Purged => "purged",
        };
        let (batch, uid, user) = (&self.batch, self.who.uid, &self.who.name);
        let text = format!("{time:?}Z {verb} batch={batch} uid={uid} user={user}");
        let mut line = text.into_bytes();
        if let Event::Trash { entry, .. } = &self.event {
            line.extend(entry_text(entry).into_bytes());
        }
        if let Event::Trash { comment, .. } | Event::Begin { comment } = &self.event
            && let Some(comment) = comment
        {
            line.extend_from_slice(b" comment=");
            escape(comment, &mut line);
        }
        let sum = sum(&line);
        line.extend(format!(" sum={sum:016x}\n").into_bytes());
        line
    }

    /// Parses a line without its newline; `None` if it is damaged.
    pub fn parse(line: &[u8]) -> Option<Self> {
        const SUM: &[u8] = b" sum=";
        let at = line.len().checked_sub(SUM.len().checked_add(16)?)?;
        let (line, after) = line.split_at_checked(at)?;
        if after.strip_prefix(SUM)? != format!("{:016x}", sum(line)).as_bytes() {
            return None;
        }
        let mut words = Fields(line);
        let time = parse_time(words.next()?)?;
        let verb = words.next()?;
        let batch = Word::parse(words.value("batch")?)?;
        let who = Caller {
            uid: digits(words.value("uid")?)?,
            name: Word::parse(words.value("user")?)?,
        };
        let event = match verb {
            b"trash" | b"trash-again" => {
                let turn = match verb {
                    b"trash" => Attempt::First,
                    _ => Attempt::Retry,
                };
                let entry = parse_entry(&mut words)?;
                Event::Trash {
                    turn,
                    entry,
                    comment: words.comment()?,
                }
            }
            b"begin" => Event::Begin {
                comment: words.comment()?,
            },
            b"moved-nothing" => Event::MovedNothing,
            b"undone" => Event::Undone,
            b"purged" => Event::Purged,
            _ => return None,
        };
        words.0.is_empty().then_some(Self {
            time,
            batch,
            who,
            event,
        })
    }
}

/// Shortens a comment to the length that is kept.
pub fn clipped(comment: &[u8]) -> Vec<u8> {
    comment.get(..COMMENT_MAX).unwrap_or(comment).to_vec()
}

fn entry_text(entry: &TrashedMessage) -> String {
    let TrashedMessage {
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
    let ((read, read_part), (changed, changed_part)) = (accessed, modified);
    format!(
        " id={id} queue={queue} mode={mode:04o} size={size} \
         mtime={changed}.{changed_part:09} atime={read}.{read_part:09} inode={inode} logs={logs}"
    )
}

fn parse_entry(words: &mut Fields<'_>) -> Option<TrashedMessage> {
    Some(TrashedMessage {
        id: QueueId::parse(words.value("id")?)?,
        queue: Queue::parse(words.value("queue")?).filter(|queue| queue.holds_messages())?,
        mode: mode(words.value("mode")?)?,
        size: digits(words.value("size")?)?,
        modified: file_time(words.value("mtime")?)?,
        accessed: file_time(words.value("atime")?)?,
        inode: digits(words.value("inode")?)?,
        logs: logs(words.value("logs")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> JournalRecord {
        JournalRecord {
            time: 1_795_438_815,
            batch: Word::parse(b"20261123-130015-4711").unwrap(),
            who: Caller {
                uid: 0,
                name: Word::parse(b"root").unwrap(),
            },
            event: Event::Trash {
                turn: Attempt::First,
                entry: TrashedMessage {
                    id: QueueId::parse(b"4F1A2B3C").unwrap(),
                    queue: Queue::Deferred,
                    mode: 0o700,
                    size: 1234,
                    accessed: (1_700_000_001, 5),
                    modified: (-1, 999_999_999),
                    inode: 4711,
                    logs: vec![Queue::Bounce, Queue::Defer],
                },
                comment: Some(b"spam \\ wave\n sum=1 \xff".to_vec()),
            },
        }
    }

    #[test]
    fn lines_are_readable_and_parse_to_the_same_record() {
        let mut line = sample();
        let text = line.to_text();
        assert_eq!(
            String::from_utf8_lossy(&text)
                .rsplit_once(" sum=")
                .unwrap()
                .0,
            "2026-11-23T13:00:15Z trash batch=20261123-130015-4711 uid=0 user=root id=4F1A2B3C \
             queue=deferred mode=0700 size=1234 mtime=-1.999999999 atime=1700000001.000000005 \
             inode=4711 logs=bounce,defer comment=spam \\x5c wave\\x0a sum=1 \u{fffd}"
        );
        let Event::Trash { entry, .. } = line.event.clone() else {
            panic!("no message");
        };
        let again = Event::Trash {
            turn: Attempt::Retry,
            entry,
            comment: None,
        };
        let begin = Event::Begin {
            comment: Some(b"two words".to_vec()),
        };
        for event in [
            begin,
            Event::Begin { comment: None },
            again,
            line.event.clone(),
            Event::MovedNothing,
            Event::Undone,
            Event::Purged,
        ] {
            line.event = event;
            let text = line.to_text();
            assert_eq!(
                JournalRecord::parse(text.strip_suffix(b"\n").unwrap()),
                Some(line.clone())
            );
        }
    }

    #[test]
    fn a_damaged_line_is_rejected() {
        let text = sample().to_text();
        let text = text.strip_suffix(b"\n").unwrap();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut damaged = text.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(
                    JournalRecord::parse(&damaged),
                    None,
                    "{}",
                    damaged.escape_ascii()
                );
            }
            assert_eq!(JournalRecord::parse(&text[..at]), None);
            assert_eq!(
                JournalRecord::parse(&[&text[..at], &text[at + 1..]].concat()),
                None
            );
        }
    }

    /// The checksums are valid, so the values themselves must be checked.
    #[test]
    fn unsafe_names_and_invalid_values_are_rejected() {
        let text = String::from_utf8_lossy(&sample().to_text()).into_owned();
        let text = text.rsplit_once(" comment=").unwrap().0;
        for (from, to) in [
            ("id=4F1A2B3C", "id=../../etc/passwd"),
            ("id=4F1A2B3C", "id=."),
            ("id=4F1A2B3C", "id="),
            ("queue=deferred", "queue=saved"),
            ("queue=deferred", "queue=defer"),
            ("queue=deferred", "queue=../etc"),
            ("mode=0700", "mode=4700"),
            ("logs=bounce,defer", "logs=flush"),
            ("logs=bounce,defer", "logs=bounce,,defer"),
            ("atime=1700000001.000000005", "atime=1.1000000000"),
            ("inode=4711", "inode=-1"),
            ("2026-11-23", "2026-02-30"),
            ("user=root", "user="),
            ("batch=2", "batch=\x1b2"),
        ] {
            let line = text.replace(from, to);
            assert_ne!(line, text);
            let line = format!("{line} sum={:016x}", sum(line.as_bytes()));
            assert_eq!(JournalRecord::parse(line.as_bytes()), None, "{line}");
        }
    }
}
