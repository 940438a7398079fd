//! How an applet ends early: its message is reported first, then the exit
//! status is handed up to `main`.
//!
//! Owns the end with EX_UNAVAILABLE, which postqueue and everything that lists
//! and flushes share.

use crate::logging::Logger;

/// The status of every failure of postqueue: EX_UNAVAILABLE of sysexits.h.
pub const STATUS_UNAVAILABLE: u8 = 69;

/// The end of an applet that failed. The message is out already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Fatal {
    status: u8,
}

impl Fatal {
    /// An end with `status`, whose reason has been reported.
    pub fn already_reported(status: u8) -> Self {
        Self { status }
    }

    /// Reports `text` as a fatal error and ends with `status`.
    pub fn report(status: u8, logger: &mut Logger, text: impl AsRef<[u8]>) -> Self {
        logger.fatal(text);
        Self { status }
    }

    /// The exit status.
    pub fn status(self) -> u8 {
        self.status
    }
}

/// Reports `text` as a fatal error and ends with [`STATUS_UNAVAILABLE`].
pub fn unavailable(logger: &mut Logger, text: impl AsRef<[u8]>) -> Fatal {
    Fatal::report(STATUS_UNAVAILABLE, logger, text)
}
