//! The errors of exports and imports. Their texts tell the administrator what
//! to do.

use std::io;

use thiserror::Error;

use crate::actions::WorkError;
use crate::listing::ListingError;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// The reason why an export or import ended early.
#[derive(Debug, Error)]
pub enum TransferError {
    /// The archive cannot be read.
    #[error("read the archive: {}", error_text(.0))]
    Read(#[source] io::Error),
    /// The archive cannot be written.
    #[error("write the archive: {}", error_text(.0))]
    Write(#[source] io::Error),
    /// The input is no archive of this program.
    #[error("this is not an archive of spoolbox export: {0}")]
    NoArchive(String),
    /// The archive has another version.
    #[error("the archive has version {0} of the format; this program reads version 1")]
    OtherVersion(u32),
    /// The archive ends before its last entry.
    #[error("the archive is incomplete: it ends before end.json; nothing was imported")]
    Truncated,
    /// An entry is not the one that follows in an archive of this program.
    #[error(
        "unexpected entry {}: this is not as spoolbox export wrote it; nothing was imported",
        to_printable(.0)
    )]
    Entry(Vec<u8>),
    /// An entry is not a regular file.
    #[error("the entry {} is not a regular file; nothing was imported", to_printable(.0))]
    NotRegular(Vec<u8>),
    /// The files of a message differ from its description, or cannot be used.
    #[error("{entry}: {why}; nothing was imported")]
    Message {
        /// The directory of the message in the archive.
        entry: String,
        /// The reason.
        why: String,
    },
    /// A file or directory of the spool cannot be used.
    #[error("{what} {path}: {}", error_text(.cause))]
    Spool {
        /// What failed: the name of the operation.
        what: &'static str,
        /// The path, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// Another process exports or imports.
    #[error("another {0} is running in this instance: try again when it has finished")]
    Busy(&'static str),
    /// A file that an import left cannot be read.
    #[error("{path} is damaged: {why}")]
    Index {
        /// The path, relative to the queue directory.
        path: String,
        /// The reason.
        why: String,
    },
    /// A queue is on another file system than saved/.
    #[error("{0} is on another file system than saved: messages cannot be moved there by rename")]
    OtherFileSystem(String),
    /// The messages cannot be listed.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// A message cannot be moved.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A message changed while it was on hold, where nothing in Postfix changes
    /// it.
    #[error("{0}: it changed while it was copied from hold; the archive cannot be used")]
    ChangedOnHold(String),
    /// A signal was caught.
    #[error("stopped by a signal")]
    Interrupted,
}

impl TransferError {
    /// Returns a function that makes an error of a failed operation on a path
    /// in the spool.
    pub(super) fn spool(what: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Spool { what, path, cause }
    }

    /// The error of a message in the archive that cannot be used.
    pub(super) fn message(directory: &str, why: String) -> Self {
        Self::Message {
            entry: directory.to_owned(),
            why,
        }
    }
}
