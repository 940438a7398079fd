//! The error that ends an action, in Postfix's exact words where it has any.
//! Paths are relative to the queue directory.

use std::error::Error;
use std::io;

use crate::queue_file::read_error::ReadError;
use crate::spool::WalkError;
use crate::spool::message::NoMessage;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// What ends the work.
#[derive(Debug, thiserror::Error)]
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
    /// A message cannot be read, and whether it matches is not known.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// A message cannot be opened now, though it may be fine.
    #[error(transparent)]
    Exhausted(#[from] NoMessage),
    /// As many messages as were requested are done: no failure.
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
    /// What keeps deleted messages cannot be used.
    #[error(transparent)]
    Retention(Box<dyn Error + Send + Sync>),
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
