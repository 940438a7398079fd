//! The records of the journal, one per line: their contents, formatting
//! and parsing.
//!
//! A line whose checksum does not match is damaged and ignored. A line whose
//! checksum matches is still untrusted input, so every name in it is parsed
//! before it is used.

use std::fmt;

use nix::unistd::Uid;

use super::act_fields::{act_text, entry_text, parse_act, verb};
use super::event::Event;
use super::record_fields::{Fields, escape, parse_sum, parse_time, sum};
use crate::sys::process::user_name;
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

impl Caller {
    /// The user with this ID, with the name that the system has for it.
    pub fn of(user: Uid) -> Self {
        let name = user_name(user).and_then(|name| Word::parse(name.as_bytes()));
        Self {
            uid: user.as_raw(),
            name: name.unwrap_or_else(Word::unknown),
        }
    }
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
        let verb = match &self.event {
            Event::Act { turn, act, .. } => verb(act, *turn),
            Event::Begin { .. } => "begin".to_owned(),
            Event::MovedNothing => "moved-nothing".to_owned(),
            Event::Undone => "undone".to_owned(),
            Event::Purged => "purged".to_owned(),
        };
        let (batch, uid, user) = (&self.batch, self.who.uid, &self.who.name);
        let text = format!("{time:?}Z {verb} batch={batch} uid={uid} user={user}");
        let mut line = text.into_bytes();
        if let Event::Act { act, entry, .. } = &self.event {
            line.extend(entry_text(entry).into_bytes());
            line.extend(act_text(act).into_bytes());
        }
        if let Event::Act { comment, .. } | Event::Begin { comment } = &self.event
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
        if parse_sum(after.strip_prefix(SUM)?)? != sum(line) {
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
            b"begin" => Event::Begin {
                comment: words.comment()?,
            },
            b"moved-nothing" => Event::MovedNothing,
            b"undone" => Event::Undone,
            b"purged" => Event::Purged,
            verb => parse_act(verb, &mut words)?,
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

#[cfg(test)]
mod tests {
    use super::super::act_fields;
    use super::super::event::Attempt;
    use super::super::recorded_message::RecordedMessage;
    use super::*;
    use crate::actions::Act;
    use crate::spool::{Queue, QueueId};

    fn sample() -> JournalRecord {
        JournalRecord {
            time: 1_795_438_815,
            batch: Word::parse(b"20261123-130015-4711").unwrap(),
            who: Caller {
                uid: 0,
                name: Word::parse(b"root").unwrap(),
            },
            event: Event::Act {
                turn: Attempt::First,
                act: Act::Delete,
                entry: RecordedMessage {
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
        let Event::Act { entry, .. } = line.event.clone() else {
            panic!("no message");
        };
        let act = |turn, act| Event::Act {
            turn,
            act,
            entry: entry.clone(),
            comment: None,
        };
        let sets = Some((1_795_438_815, 7));
        let acts = [
            Act::Delete,
            Act::Hold,
            Act::Release { sets: None },
            Act::Release { sets },
            Act::Expire,
            Act::Requeue { sets },
            Act::Postpone { sets: (1, 0) },
            Act::DropRecipients {
                records: vec![u64::MAX; act_fields::RECORDS_MAX],
            },
            Act::Bounce {
                records: vec![4711, 5],
                to: Queue::Deferred,
                log_size: None,
            },
            Act::Bounce {
                records: vec![0],
                to: Queue::Incoming,
                log_size: Some(80),
            },
        ];
        let acts = acts
            .into_iter()
            .flat_map(|a| [act(Attempt::First, a.clone()), act(Attempt::Retry, a)]);
        let begin = Event::Begin {
            comment: Some(b"two words".to_vec()),
        };
        let others = [
            begin,
            Event::Begin { comment: None },
            line.event.clone(),
            Event::MovedNothing,
            Event::Undone,
            Event::Purged,
        ];
        for event in acts.chain(others) {
            line.event = event;
            let text = line.to_text();
            assert!(text.len() < LINE_MAX, "{}", text.len());
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
