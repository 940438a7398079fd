//! Lends the terminal to another process, which may use it as a full screen too.

use std::io;
use std::sync::PoisonError;

use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcsetattr};

use super::{Before, FullScreen, enter, restore};

impl FullScreen {
    /// Restores the terminal for as long as `work` takes, which may begin a full
    /// screen of its own in another process, and begins again. If that process is
    /// killed, it leaves the terminal as it is, so the state before is restored
    /// once more.
    ///
    /// # Errors
    ///
    /// The terminal cannot be restored or set up again.
    pub fn lend<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let before = state_before(&self.before);
        restore(&self.before)?;
        let done = work();
        if let Some(before) = before {
            tcsetattr(stdin(), OptionalActions::Now, &before)?;
        }
        enter(&self.before)?;
        Ok(done)
    }

    /// Discards keys that were typed and have not been read.
    ///
    /// # Errors
    ///
    /// Those of tcflush(3).
    pub fn discard_keys(&self) -> io::Result<()> {
        Ok(tcflush(stdin(), QueueSelector::IFlush)?)
    }
}

/// The state before, if the terminal is in full-screen use.
fn state_before(before: &Before) -> Option<Termios> {
    let before = before.lock().unwrap_or_else(PoisonError::into_inner);
    before.clone()
}
