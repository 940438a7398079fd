//! Where a message is, and why it cannot be read, in Postfix's exact words where
//! it has any.

use std::io;

use thiserror::Error;

use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// Where a message is.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
    /// The queue the message is in.
    pub queue: Queue,
    /// Its queue ID.
    pub id: &'a [u8],
    /// The file, relative to the queue directory.
    pub path: &'a str,
}

/// A failure that ends the listing.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A size that leads where no file can be: it ends Postfix's listing too.
    #[error("seek file {path}: {}", error_text(.cause))]
    Seek {
        /// The queue file.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A file that cannot be read to its end, or a log that cannot be opened:
    /// what was reported is true, but not all. A listing
    /// warns; a selection takes the message for unread.
    #[error("{what}: {}", error_text(.cause))]
    Unread {
        /// What cannot be done, in Postfix's words.
        what: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A file that cannot be opened now because the process has run out of
    /// something: a listing without it would be wrong.
    #[error("open {path}: {}", error_text(.cause))]
    Exhausted {
        /// The file.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A signal came.
    #[error("stopped by a signal")]
    Interrupted,
}

impl ReadError {
    /// A message that cannot be read to its end.
    pub fn unread(at: &Location<'_>, cause: io::Error) -> Self {
        let what = format!("close file {} {}", at.queue, to_printable(at.id));
        Self::Unread { what, cause }
    }

    /// Whether a listing that goes on would be wrong.
    pub fn ends_listing(&self) -> bool {
        match self {
            Self::Seek { .. } | Self::Exhausted { .. } | Self::Interrupted => true,
            Self::Unread { .. } => false,
        }
    }
}
