//! The terminal in full-screen use: raw mode, the alternate screen and the
//! hidden cursor, and the state before them.
//!
//! The state is restored when the value is dropped, and before the message of a
//! panic. A signal that ends the process has to be caught by the caller, so
//! that the value is dropped.

#[cfg(feature = "browse")]
mod lending;

use std::io;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, raise};
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use thiserror::Error;

use super::error_text::error_text;
use super::terminal;

/// Selects the alternate screen, hides the cursor, and cuts long lines off
/// instead of continuing them on the next one.
const BEGIN: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
/// Resets the colours, clears the screen, and takes back what [`BEGIN`] selects.
/// The Linux console has no alternate screen: what was drawn would stay there.
const END: &[u8] = b"\x1b[0m\x1b[H\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Why the terminal cannot be used.
#[derive(Debug, Error)]
pub enum ScreenError {
    /// Standard input or standard output is not a terminal.
    #[error("standard input and standard output must be a terminal")]
    NoTerminal,
    /// The terminal cannot move its cursor.
    #[error("the terminal cannot move its cursor: TERM is dumb")]
    Dumb,
    /// TERM is not set.
    #[error("the kind of the terminal is not known: TERM is not set")]
    Unknown,
    /// A system call failed.
    #[error("cannot set up the terminal: {}", error_text(.0))]
    Io(#[from] io::Error),
}

/// The state of the terminal before; `None` if it is not in full-screen use.
type Before = Arc<Mutex<Option<Termios>>>;

/// The terminal on standard input and standard output, in full-screen use.
#[derive(Debug)]
pub struct FullScreen {
    before: Before,
}

impl FullScreen {
    /// Checks whether standard input and output are a terminal that can be used
    /// for full screens.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn check() -> Result<(), ScreenError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(ScreenError::NoTerminal);
        }
        if terminal::is_dumb() {
            return Err(ScreenError::Dumb);
        }
        match std::env::var_os("TERM") {
            Some(name) if !name.is_empty() => Ok(()),
            _ => Err(ScreenError::Unknown),
        }
    }

    /// Begins the full-screen use.
    ///
    /// # Errors
    ///
    /// The terminal cannot be used.
    pub fn begin() -> Result<Self, ScreenError> {
        Self::check()?;
        let before = Before::default();
        let of_panic = Arc::clone(&before);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // An error leaves nothing else to do.
            let _ = restore(&of_panic);
            hook(panic);
        }));
        enter(&before)?;
        Ok(Self { before })
    }

    /// Restores the terminal and stops the process, as Ctrl-Z does in other
    /// programs. Begins again when the process is continued.
    ///
    /// # Errors
    ///
    /// The terminal cannot be restored or set up again.
    pub fn suspend(&self) -> io::Result<()> {
        restore(&self.before)?;
        raise(Signal::SIGTSTP)?;
        enter(&self.before)
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        // The terminal may be gone, as after SIGHUP.
        let _ = restore(&self.before);
    }
}

fn enter(before: &Before) -> io::Result<()> {
    let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
    let found = tcgetattr(stdin())?;
    let mut raw = found.clone();
    raw.make_raw();
    *before = Some(found);
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    write(BEGIN)
}

fn restore(before: &Before) -> io::Result<()> {
    let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(before) = before.take() else {
        return Ok(());
    };
    let written = write(END);
    tcsetattr(stdin(), OptionalActions::Now, &before)?;
    written
}

fn write(sequence: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(sequence)?;
    stdout.flush()
}
