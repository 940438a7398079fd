//! The terminal that standard output or standard error may be: whether it is
//! one, how wide it is, what it can do, and what clears it.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use rustix::fd::AsFd;
use rustix::stdio::{stderr, stdout};
use rustix::termios::tcgetwinsize;

/// The program that clears any terminal.
const CLEAR: &str = "clear";

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether the terminal can do no more than print text: neither colours nor
/// moving the cursor, by the usual name for that in TERM.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

/// Whether the user wants colours: not with NO_COLOR (no-color.org: set, and
/// not empty), not where they would be text.
pub fn wants_colours() -> bool {
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    !wants_none && !is_dumb()
}

/// The columns of the terminal that standard output is, if they are known.
pub fn columns() -> Option<usize> {
    columns_of(stdout())
}

/// The same of standard error.
pub fn columns_of_stderr() -> Option<usize> {
    columns_of(stderr())
}

fn columns_of(descriptor: impl AsFd) -> Option<usize> {
    let columns = tcgetwinsize(descriptor).ok()?.ws_col;
    (columns > 0).then_some(columns.into())
}

/// What clears the screen of this terminal: what clear(1) prints. Its errors
/// go to standard error.
pub fn clear_sequence() -> Vec<u8> {
    let printed = Command::new(CLEAR)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    printed.map(|output| output.stdout).unwrap_or_default()
}
