//! The errors that end an action, in Postfix's exact words where Postfix has
//! them.
//!
//! Paths are relative to the queue directory.

use std::error::Error;
use std::io;

use crate::queue_file::read_error::ReadError;
use crate::spool::WalkError;
use crate::spool::message::NoMessage;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// The reason why an action ended early.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// An operand is not the name of a queue. Reported when the operand is
    /// processed.
    #[error("invalid directory name: {}", to_printable(.0))]
    NoQueue(Vec<u8>),
    /// The configuration parameter hash_queue_names contains maildrop.
    #[error("maildrop queue must not be hashed")]
    HashedMaildrop,
    /// A directory of a queue cannot be opened.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A message cannot be read, so it is not known whether it matches.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// A message cannot be opened because descriptors or memory have run out;
    /// the message itself may be intact.
    #[error(transparent)]
    Exhausted(#[from] NoMessage),
    /// The requested number of messages has been handled. Not a failure.
    #[error("enough")]
    Enough,
    /// A file cannot be moved.
    #[error("rename file {from} as {to}: {}", error_text(.cause))]
    Rename {
        /// The current path.
        from: String,
        /// The intended path.
        to: String,
        /// The system error.
        cause: io::Error,
    },
    /// A file cannot be removed.
    #[error("remove file {path}: {}", error_text(.cause))]
    Remove {
        /// The file.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// A directory that the queue does not need cannot be removed.
    #[error("remove directory {path}: {}", error_text(.cause))]
    RemoveDirectory {
        /// The directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// Standard input cannot be read, so there may be more IDs.
    #[error("read standard input: {}", error_text(.0))]
    Input(io::Error),
    /// Standard input has more queue IDs than can be remembered.
    #[error("standard input has more than {0} queue IDs; use a selection")]
    TooManyIds(usize),
    /// The [`ActJournal`](super::ActJournal) failed.
    #[error(transparent)]
    Journal(Box<dyn Error + Send + Sync>),
    /// A signal was caught.
    #[error("stopped by a signal")]
    Interrupted,
}

impl WorkError {
    /// Returns the text of the fatal message. Bytes of an operand are
    /// unchanged.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::NoQueue(name) => [b"invalid directory name: ", &name[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}
