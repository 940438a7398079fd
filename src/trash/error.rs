//! Errors of the trash: why it cannot be used, and why a rename failed. The
//! texts say what the administrator can do.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

use super::records::Word;
use crate::actions::WorkError;
use crate::sys::error_text::{error_text, is};

/// Path of the journal below the queue directory.
pub(super) const PATH: &str = "saved/journal.spoolbox";

/// Why the trash cannot be used. The texts say what to do.
#[derive(Debug, Error)]
pub enum TrashError {
    /// saved/ is missing.
    #[error("open directory saved: No such file or directory; \"postfix check\" makes it")]
    NoDirectory,
    /// The journal, or its directory, cannot be opened or read.
    #[error("open {path}: {}", error_text(.cause))]
    Open {
        /// What it is.
        path: &'static str,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The journal cannot be written.
    #[error("write {PATH}: {}; what is not in there is not moved", error_text(.0))]
    Write(io::Error),
    /// It cannot be written anew.
    #[error("write {PATH}.new: {}", error_text(.0))]
    WriteNew(io::Error),
    /// There is no end to something that is no record.
    #[error(
        "{PATH} is damaged: from byte {0} on there is more that is no record than is read; move \
         it away to begin a new one; the messages stay in saved, where postcat -q finds them"
    )]
    Damaged(u64),
    /// Something else has its name.
    #[error(
        "{PATH} is no journal of the trash, or was damaged at its beginning: move it away to \
         begin a new one; the messages stay in saved, where postcat -q finds them"
    )]
    NoJournal,
    /// A later spoolbox wrote it.
    #[error("{PATH} is of another version of spoolbox: use that one, or move the file away")]
    OtherVersion,
    /// Another process holds the lock for long.
    #[error("{PATH} is in use by another process: try again when that is done")]
    Busy,
    /// No batch is left.
    #[error("nothing to undo: the trash is empty")]
    Empty,
    /// The last call's batch is gone; what is left is of calls before it.
    #[error(
        "nothing to undo: batch {batch} of the last call was purged; of the one before: \
         postsuper --undo={earlier}"
    )]
    LastPurged {
        /// The batch of the last call.
        batch: Word,
        /// The newest that is left.
        earlier: Word,
    },
    /// There is no batch of that name.
    #[error("no batch {0} in the trash: --trash-list shows those there are")]
    NoBatch(String),
    /// All of the batch was brought back or removed.
    #[error("batch {batch} was {how} before: --trash-list shows those there are")]
    Closed {
        /// Its name.
        batch: Word,
        /// What became of it.
        how: &'static str,
    },
}

impl TrashError {
    pub(super) fn open(path: &'static str) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Open { path, cause }
    }

    pub(super) fn write(cause: io::Error) -> Self {
        Self::Write(cause)
    }

    pub(super) fn write_new(cause: io::Error) -> Self {
        Self::WriteNew(cause)
    }

    pub(super) fn closed(batch: &Word, how: &'static str) -> Self {
        let batch = batch.clone();
        Self::Closed { batch, how }
    }
}

impl From<TrashError> for WorkError {
    fn from(error: TrashError) -> Self {
        Self::Retention(Box::new(error))
    }
}

/// A rename that failed.
#[derive(Debug)]
pub(super) struct RenameFailure {
    pub(super) path: String,
    pub(super) to: String,
    pub(super) cause: io::Error,
}

/// Whether it concerns this one message: something has its place, or the file
/// system cannot rename without replacing.
pub(super) fn is_refusal(cause: &io::Error) -> bool {
    is(cause, Errno::EEXIST) || is(cause, Errno::EINVAL) || is(cause, Errno::ENOSYS)
}
