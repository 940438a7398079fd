//! The warnings of actions, which do not end the work, in Postfix's exact words
//! where Postfix has them.
//!
//! Paths are relative to the queue directory.

use std::io;

use thiserror::Error;

use crate::queue_file::read_error::ReadError;
use crate::spool::Queue;
use crate::spool::message::NoMessage;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// A problem that is logged and does not end the work. Paths are relative to
/// the queue directory.
#[derive(Debug, Error)]
pub enum Warning {
    /// Text that was given as a queue ID and is not one.
    #[error("invalid mail queue id: {}", to_printable(.0))]
    InvalidId(Vec<u8>),
    /// A line of standard input with text after a NUL.
    #[error(
        "standard input: line {0}: text after a NUL is ignored; \
         use --null for IDs that are separated by NUL"
    )]
    CutAtNul(u64),
    /// A file whose name is not a queue ID or contains no inode number.
    #[error("bogus file name: {0}")]
    BogusName(String),
    /// A file with an intermediate name whose inode number is not the one in
    /// that name.
    #[error("name/inode mismatch: {0}")]
    Mismatch(String),
    /// A file that cannot be examined.
    #[error("{path}: {}", error_text(.cause))]
    Look {
        /// The file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// An object in a queue that is not a regular file.
    #[error("{path}: uid {uid}: not a regular file")]
    NotRegular {
        /// The object.
        path: String,
        /// The user ID of its owner.
        uid: u32,
    },
    /// A message that has had more than one hard link for too long.
    #[error("{0}")]
    Links(String),
    /// A message that cannot be examined.
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
        /// The reason.
        why: String,
    },
    /// A file that was not moved because the new name is taken.
    #[error("{from}: not moved: {to} {}", match .issue {
        Obstacle::Other => "exists",
        Obstacle::SameFile => "is another link to the same file",
    })]
    Blocked {
        /// The current path.
        from: String,
        /// The intended path.
        to: String,
        /// The kind of file that has the intended path.
        issue: Obstacle,
    },
    /// A requeued message whose time stamps could not be reset.
    #[error("{path}: reset time stamps: {}", error_text(.cause))]
    Times {
        /// The file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// A message whose next delivery attempt cannot be put off.
    #[error("{path}: set the time of the next attempt: {}", error_text(.cause))]
    Postpone {
        /// The file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// A message that cannot be postponed because of its queue.
    #[error("{id}: is in {queue}, and not postponed: only deferred has next attempts")]
    NotDeferred {
        /// The queue ID.
        id: String,
        /// The queue.
        queue: Queue,
    },
    /// A problem with the trash, such as a message that cannot be moved to it
    /// or restored from it.
    #[error("{path}: {why}")]
    Trash {
        /// The file.
        path: String,
        /// The reason.
        why: String,
    },
    /// A message whose recipients cannot be changed.
    #[error("{path}: left as it was: {why}")]
    Recipients {
        /// The file.
        path: String,
        /// The reason.
        why: String,
    },
    /// A line of the trash journal that cannot be parsed.
    #[error("{path}: line {line} cannot be read and is ignored")]
    Unreadable {
        /// The journal.
        path: String,
        /// The line number.
        line: u64,
    },
    /// A directory that does not belong in a queue and cannot be removed.
    #[error("remove subdirectory {path}: {}", error_text(.cause))]
    Subdirectory {
        /// The directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
}

impl Warning {
    /// Returns the text of the warning. Bytes of an argument are unchanged: the
    /// code that writes the text decides which of them are printable.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::InvalidId(text) => [b"invalid mail queue id: ", &text[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}

/// The kind of file that has the new name of another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A different file.
    Other,
    /// Another hard link to the same file.
    SameFile,
}
