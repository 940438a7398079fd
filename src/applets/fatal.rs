//! The early end of an applet: its message is reported first, then the exit
//! status is passed up to `main`.
//!
//! Provides EX_UNAVAILABLE, the failure status of postqueue and of everything
//! that lists or flushes the queue.

use crate::logging::Logger;
use crate::sys::error_text::error_text;
use crate::sys::signals::Interrupts;

/// The exit status of every failure of postqueue: EX_UNAVAILABLE of
/// sysexits(3).
pub const STATUS_UNAVAILABLE: u8 = 69;

/// The failure of an applet. Its message has already been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Fatal {
    status: u8,
}

impl Fatal {
    /// A failure with exit status `status` whose reason has already been
    /// reported.
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

/// Watches the signals that end an applet early.
///
/// # Errors
///
/// They cannot be watched, which was reported; the applet ends with `status`.
pub fn watch_signals(status: u8, logger: &mut Logger) -> Result<Interrupts, Fatal> {
    Interrupts::watch().map_err(|error| {
        let text = format!("cannot watch signals: {}", error_text(&error));
        Fatal::report(status, logger, text)
    })
}
