//! What is told of work on a queue: one line per message done, warnings, how
//! many, and what ends the work.
//!
//! Postfix's exact words for all of it are in here. Where they go, and with
//! which prefix, is the applets' business.

use std::io;
use std::ops::AddAssign;

use thiserror::Error;

use super::spool_ops::Obstacle;
use crate::queue_file::message_reader::ReadError;
use crate::spool::message::NoMessage;
use crate::spool::{Queue, QueueId, WalkError};
use crate::sys::error_text::error_text;
use crate::text::to_printable;
use crate::trash::TrashError;

/// What was done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionDone {
    /// It is gone.
    Removed,
    /// It is in maildrop, to be queued anew.
    Requeued,
    /// It is in hold.
    Held,
    /// It was in hold and is deferred now.
    Released,
    /// The next attempt to deliver it is the last.
    Expired,
    /// It is in the trash.
    Trashed,
    /// It is back from the trash, in this queue.
    Restored(Queue),
    /// It was in the trash and is gone.
    Purged,
}

impl ActionDone {
    /// The line that tells of it.
    pub fn line(self, id: &QueueId) -> String {
        format!("{id}: {}", self.words())
    }

    /// What was done, in Postfix's words where it has any.
    pub fn words(self) -> &'static str {
        match self {
            ActionDone::Removed => "removed",
            ActionDone::Requeued => "requeued",
            ActionDone::Held => "placed on hold",
            ActionDone::Released => "released from hold",
            ActionDone::Expired => "expired",
            ActionDone::Trashed => "moved to trash",
            ActionDone::Restored(Queue::Maildrop) => "restored to maildrop",
            ActionDone::Restored(Queue::Incoming) => "restored to incoming",
            ActionDone::Restored(Queue::Hold) => "restored to hold",
            ActionDone::Restored(Queue::Deferred) => "restored to deferred",
            ActionDone::Restored(_) => "restored",
            ActionDone::Purged => "removed from trash",
        }
    }
}

/// Something odd that does not end the work. Paths are relative to the queue
/// directory.
#[derive(Debug, Error)]
pub enum Warning {
    /// Text that should be a queue ID.
    #[error("invalid mail queue id: {}", to_printable(.0))]
    InvalidId(Vec<u8>),
    /// A line of standard input with a NUL in it, and more after that.
    #[error(
        "standard input: line {0}: what comes after a NUL is ignored; \
         --null is for IDs that are separated by NUL"
    )]
    CutAtNul(u64),
    /// A file whose name is no queue ID, or holds no inode number.
    #[error("bogus file name: {0}")]
    BogusName(String),
    /// A file that waits for its final name and is another file by now.
    #[error("name/inode mismatch: {0}")]
    Mismatch(String),
    /// A name that cannot be looked at.
    #[error("{path}: {}", error_text(.cause))]
    Look {
        /// The file.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A name in a queue that is no regular file.
    #[error("{path}: uid {uid}: not a regular file")]
    NotRegular {
        /// The name.
        path: String,
        /// Its owner.
        uid: u32,
    },
    /// A message that has had more than one name for too long.
    #[error("{0}")]
    Links(String),
    /// A message that cannot be looked at.
    #[error(transparent)]
    NoMessage(#[from] NoMessage),
    /// A message that cannot be read to its end.
    #[error(transparent)]
    Unread(ReadError),
    /// A message that cannot be told to expire.
    #[error("expire file {path}: {why}")]
    Expire {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A file that stays because something has the name it should get.
    #[error("{from}: not moved: {to} {}", match .issue {
        Obstacle::Other => "exists",
        Obstacle::SameFile => "is another link to the same file",
    })]
    Blocked {
        /// Where it is.
        from: String,
        /// Where it should be.
        to: String,
        /// What is there.
        issue: Obstacle,
    },
    /// A requeued message that looks older than it should.
    #[error("{path}: reset time stamps: {}", error_text(.cause))]
    Times {
        /// The file.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A message that cannot go to the trash, or come back from there.
    #[error("{path}: {why}")]
    Trash {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// Lines of the trash's journal that say nothing.
    #[error("{path}: line {line} cannot be read, it is passed over")]
    Unreadable {
        /// The journal.
        path: String,
        /// The line.
        line: u64,
    },
    /// A directory that does not belong into a queue and cannot be removed.
    #[error("remove subdirectory {path}: {}", error_text(.cause))]
    Subdirectory {
        /// The directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
}

impl Warning {
    /// The text of the warning, with bytes as they came: which of them may be
    /// shown is known where it goes out.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::InvalidId(text) => [b"invalid mail queue id: ", &text[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}

/// The weight of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSeverity {
    /// A message was done.
    Done,
    /// Something is odd.
    Odd,
    /// Nothing that is told unless somebody asked for every result.
    Quiet,
}

/// What became of a message, or of what should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was acted on; it was in this queue.
    Done(ActionDone, Queue),
    /// There is none of that ID where the action looks.
    NotFound,
    /// It was meant, and was gone or another when its turn came.
    Vanished,
    /// It is already what it should become.
    Unchanged(Queue),
    /// It could not be moved out of this queue: another file has its name
    /// in the other.
    NotMoved(Queue),
    /// It is no ID at all.
    Invalid,
}

/// What became of which message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// Its ID, or the text that was given for one.
    pub id: Vec<u8>,
    /// What became of it.
    pub outcome: Outcome,
}

/// A line about the work, ready to go out.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// How heavy it is.
    pub severity: LineSeverity,
    /// Its text.
    pub text: Vec<u8>,
    /// What became of a message, if that is what it tells of.
    pub action_result: Option<ActionResult>,
}

/// How many messages were done, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Removed.
    pub deleted: u64,
    /// Moved to maildrop.
    pub requeued: u64,
    /// Moved to hold.
    pub held: u64,
    /// Moved from hold to deferred.
    pub released: u64,
    /// Told to expire.
    pub expired: u64,
    /// Given their final name.
    pub renamed: u64,
    /// Moved to the trash.
    pub trashed: u64,
    /// Brought back from there.
    pub restored: u64,
    /// Removed from there.
    pub purged: u64,
}

impl Counters {
    /// Counts one message.
    pub fn count(&mut self, action_done: ActionDone) {
        let counter = match action_done {
            ActionDone::Removed => &mut self.deleted,
            ActionDone::Requeued => &mut self.requeued,
            ActionDone::Held => &mut self.held,
            ActionDone::Released => &mut self.released,
            ActionDone::Expired => &mut self.expired,
            ActionDone::Trashed => &mut self.trashed,
            ActionDone::Restored(_) => &mut self.restored,
            ActionDone::Purged => &mut self.purged,
        };
        *counter = counter.saturating_add(1);
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, more: Self) {
        for (counter, more) in [
            (&mut self.deleted, more.deleted),
            (&mut self.requeued, more.requeued),
            (&mut self.held, more.held),
            (&mut self.released, more.released),
            (&mut self.expired, more.expired),
            (&mut self.renamed, more.renamed),
            (&mut self.trashed, more.trashed),
            (&mut self.restored, more.restored),
            (&mut self.purged, more.purged),
        ] {
            *counter = counter.saturating_add(more);
        }
    }
}

/// What is to be told of a piece of work: lines in order, and the counts.
#[derive(Debug, Default)]
pub struct ActionLog {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The counts.
    pub counters: Counters,
}

impl ActionLog {
    /// A message that was in `queue` was done: counts it and tells of it.
    pub fn done(&mut self, action_done: ActionDone, id: &QueueId, queue: Queue) {
        self.counters.count(action_done);
        self.lines.push(LogLine {
            severity: LineSeverity::Done,
            text: action_done.line(id).into_bytes(),
            action_result: Some(ActionResult {
                id: id.as_bytes().to_vec(),
                outcome: Outcome::Done(action_done, queue),
            }),
        });
    }

    /// Nothing was done to what was asked for.
    pub fn not_done(&mut self, id: &[u8], outcome: Outcome) {
        self.lines.push(LogLine {
            severity: LineSeverity::Quiet,
            text: Vec::new(),
            action_result: Some(ActionResult {
                id: id.to_vec(),
                outcome,
            }),
        });
    }

    /// Whether the last that was said is this of this message.
    pub fn ends_with(&self, id: &QueueId, outcome: Outcome) -> bool {
        let last = self
            .lines
            .last()
            .and_then(|line| line.action_result.as_ref());
        last.is_some_and(|action_result| {
            action_result.id == id.as_bytes() && action_result.outcome == outcome
        })
    }

    /// Whether anything was said of a message since there were so many lines.
    pub fn has_result_since(&self, lines: usize) -> bool {
        let mut since = self.lines.iter().skip(lines);
        since.any(|line| line.action_result.is_some())
    }

    /// Whether a message was done since there were so many lines.
    pub fn has_action_since(&self, lines: usize) -> bool {
        let mut since = self.lines.iter().skip(lines);
        since.any(|line| line.severity == LineSeverity::Done)
    }

    /// Something is odd.
    pub fn warn(&mut self, warning: &Warning) {
        self.lines.push(LogLine {
            severity: LineSeverity::Odd,
            text: warning.message(),
            action_result: None,
        });
    }
}

/// Hears of the work while it goes on, in order. What it is told was done
/// before.
pub trait ActionObserver {
    /// Lines to be passed on.
    fn lines(&mut self, lines: &[LogLine]);
    /// Everything that came so far has to be out: nothing more is known of at
    /// the moment.
    fn pause(&mut self);
    /// So many more pieces of the work are behind us.
    fn passed(&mut self, _pieces: usize) {}
}

/// What ends the work.
#[derive(Debug, Error)]
pub enum WorkError {
    /// An operand that is no queue; found when its turn comes.
    #[error("invalid directory name: {}", to_printable(.0))]
    NoQueue(Vec<u8>),
    /// hash_queue_names lists maildrop.
    #[error("maildrop queue must not be hashed")]
    HashedMaildrop,
    /// A directory of a queue cannot be opened.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A message cannot be read, and whether it is meant is not known.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// A message cannot be opened now, though it may be fine.
    #[error(transparent)]
    Exhausted(#[from] NoMessage),
    /// As many messages as were wanted are done: no failure.
    #[error("enough")]
    Enough,
    /// A file cannot be moved.
    #[error("rename file {from} as {to}: {}", error_text(.cause))]
    Rename {
        /// Where it is.
        from: String,
        /// Where it should be.
        to: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A file cannot be removed.
    #[error("remove file {path}: {}", error_text(.cause))]
    Remove {
        /// The file.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A directory that is not needed cannot be removed.
    #[error("remove directory {path}: {}", error_text(.cause))]
    RemoveDirectory {
        /// The directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// There may be more IDs, and they cannot be read.
    #[error("read standard input: {}", error_text(.0))]
    Input(io::Error),
    /// The trash cannot be used.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// A signal came.
    #[error("stopped by a signal")]
    Interrupted,
}

impl WorkError {
    /// The text of the fatal message, with bytes as they came.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::NoQueue(name) => [b"invalid directory name: ", &name[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}
