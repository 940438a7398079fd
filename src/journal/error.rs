//! The errors of the journal and the trash. Their texts tell the administrator what to do.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

use super::records::Word;
use crate::actions::WorkError;
use crate::sys::error_text::{error_text, is};

/// The path of the journal, relative to the queue directory.
pub(super) const PATH: &str = "saved/journal.spoolbox";

/// The reason why the journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The directory saved/ is missing.
    #[error("open directory saved: No such file or directory; \"postfix check\" creates it")]
    NoDirectory,
    /// The journal, or its directory, cannot be opened or read.
    #[error("open {path}: {}", error_text(.cause))]
    Open {
        /// The path.
        path: &'static str,
        /// The system error.
        cause: io::Error,
    },
    /// The journal cannot be written.
    #[error("write {PATH}: {}; what is not recorded there is not done", error_text(.0))]
    Write(io::Error),
    /// The journal cannot be rewritten.
    #[error("write {PATH}.new: {}", error_text(.0))]
    WriteNew(io::Error),
    /// The journal contains too much that is not a record, beginning at this
    /// offset.
    #[error(
        "{PATH} is damaged: from byte {0} on, too much of it is not a record; move it away to start \
         a new one; the messages stay in saved, where postcat -q finds them"
    )]
    Damaged(u64),
    /// The file with the name of the journal is not a journal.
    #[error(
        "{PATH} is not a journal, or its beginning is damaged: move it away to start a new \
         one; the messages stay in saved, where postcat -q finds them"
    )]
    NoJournal,
    /// The journal was written by another version of spoolbox.
    #[error(
        "{PATH} was written by another version of spoolbox: use that version, or move the file away"
    )]
    OtherVersion,
    /// Another process has held the lock for too long.
    #[error("{PATH} is in use by another process: try again when it has finished")]
    Busy,
    /// There is no batch to undo.
    #[error("nothing to undo: the journal is empty")]
    Empty,
    /// The batch of the last call was purged; only batches of earlier calls are
    /// left.
    #[error(
        "nothing to undo: batch {batch} of the last call was purged; to undo the batch \
         before it: postsuper --undo={earlier}"
    )]
    LastPurged {
        /// The batch of the last call.
        batch: Word,
        /// The newest batch that is left.
        earlier: Word,
    },
    /// There is no batch with this name.
    #[error("no batch {0} in the journal: --journal-list shows the existing ones")]
    NoBatch(String),
    /// Another batch has the name that the user gave.
    #[error("--batch={0}: there is a batch of that name: undo it, or give another name")]
    NameTaken(Word),
    /// The batch was undone or purged before.
    #[error("batch {batch} was {how} before: --journal-list shows the existing ones")]
    Closed {
        /// The name of the batch.
        batch: Word,
        /// The operation on the batch, as a participle.
        how: &'static str,
    },
}

impl JournalError {
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

impl From<JournalError> for WorkError {
    fn from(error: JournalError) -> Self {
        Self::Journal(Box::new(error))
    }
}

/// A rename that failed, with the paths to report.
#[derive(Debug)]
pub(super) struct RenameFailure {
    pub(super) path: String,
    pub(super) to: String,
    pub(super) cause: io::Error,
}

/// Returns whether a rename error affects only one message: the target name is
/// taken, or the file system cannot rename without replacing.
pub(super) fn is_refusal(cause: &io::Error) -> bool {
    is(cause, Errno::EEXIST) || is(cause, Errno::EINVAL) || is(cause, Errno::ENOSYS)
}
