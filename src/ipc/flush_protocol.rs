//! The requests, answers and errors of the flush protocol.

use std::io;

use thiserror::Error;

use crate::spool::QueueId;
use crate::sys::error_text::error_text;

/// The mail that the daemon is asked to send.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// One message.
    File(&'a QueueId),
    /// All mail for a site: a host name, or an address in brackets.
    Site(&'a [u8]),
}

/// The daemon's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushStatus {
    /// The request will be carried out.
    Done,
    /// The daemon does not understand the request.
    BadRequest,
    /// The daemon keeps no list for the site.
    NotConfigured,
    /// The daemon could not carry out the request.
    Failed,
    /// An unknown answer.
    Other(i32),
}

impl FlushStatus {
    /// The number that the daemon sent.
    pub fn number(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::BadRequest => 3,
            Self::NotConfigured => 4,
            Self::Failed => -1,
            Self::Other(number) => number,
        }
    }
}

impl From<i32> for FlushStatus {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Done,
            3 => Self::BadRequest,
            4 => Self::NotConfigured,
            -1 => Self::Failed,
            other => Self::Other(other),
        }
    }
}

/// Why there is no answer. Its `Display` is Postfix's warning.
#[derive(Debug, Error)]
pub enum FlushError {
    /// No process listens on the socket.
    #[error("connect to {path}: {}", error_text(.cause))]
    Connect {
        /// The path of the daemon's socket, below the queue directory.
        path: String,
        /// The error of the system call.
        cause: io::Error,
    },
    /// The conversation broke off.
    #[error("{step} {path} socket: {cause}")]
    Conversation {
        /// The step at which it broke off.
        step: FlushStep,
        /// The path of the daemon's socket, below the queue directory.
        path: String,
        /// The error of the system call, or `APPLICATION_ERROR`.
        cause: String,
    },
}

/// A step at which a conversation can break off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushStep {
    /// Before the daemon sent its greeting.
    Write,
    /// While the greeting was read.
    Read,
    /// While the request was sent or the answer was read.
    WriteRead,
}

impl std::fmt::Display for FlushStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FlushStep::Write => "write",
            FlushStep::Read => "read",
            FlushStep::WriteRead => "write/read",
        })
    }
}
