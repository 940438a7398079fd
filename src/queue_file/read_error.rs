//! The location of a message, and the errors in reading it. Error texts are those
//! of Postfix where it has any.

use std::io;

use thiserror::Error;

use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// The location of a message.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// The hashed subdirectories to which queue IDs belong.
    pub layout: &'a Layout,
    /// The queue that the message is in.
    pub queue: Queue,
    /// The queue ID.
    pub id: &'a [u8],
    /// The path of the queue file, relative to the queue directory.
    pub path: &'a str,
}

/// An error in reading a message.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The size record leads to an offset that no file can have. This ends
    /// Postfix's listing too.
    #[error("seek file {path}: {}", error_text(.cause))]
    Seek {
        /// The path of the queue file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// The queue file cannot be read to its end, or a log cannot be opened. What
    /// was reported before is correct, but incomplete. A listing warns; a selection
    /// treats the message as unread.
    #[error("{what}: {}", error_text(.cause))]
    Unread {
        /// The operation that failed, in Postfix's words.
        what: String,
        /// The system error.
        cause: io::Error,
    },
    /// A file cannot be opened because descriptors or memory are exhausted. A
    /// listing without it would be wrong.
    #[error("open {path}: {}", error_text(.cause))]
    Exhausted {
        /// The path of the file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// A signal stopped the reading.
    #[error("stopped by a signal")]
    Interrupted,
}

impl ReadError {
    /// The error for a queue file that cannot be read to its end.
    pub fn unread(at: &Location<'_>, cause: io::Error) -> Self {
        let what = format!("close file {} {}", at.queue, to_printable(at.id));
        Self::Unread { what, cause }
    }

    /// Whether a listing without the message would be wrong.
    pub fn ends_listing(&self) -> bool {
        match self {
            Self::Seek { .. } | Self::Exhausted { .. } | Self::Interrupted => true,
            Self::Unread { .. } => false,
        }
    }
}
