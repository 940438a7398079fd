//! Warnings of actions: what is logged and does not end the work, in Postfix's
//! exact words where it has any. Paths are relative to the queue directory.

use std::io;

use thiserror::Error;

use crate::queue_file::read_error::ReadError;
use crate::spool::message::NoMessage;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// What does not end the work. Paths are relative to the queue
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
    /// A message that cannot be forced to expire.
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
    /// A line of the trash's journal that cannot be parsed.
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

/// What has the name that a file should get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Something else.
    Other,
    /// Another link to the same file.
    SameFile,
}
