//! The terminal on standard output or standard error: whether there is one, its
//! width, its capabilities, and how to clear it.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use rustix::fd::AsFd;
use rustix::stdio::{stderr, stdout};
use rustix::termios::tcgetwinsize;

/// The program that clears a terminal.
const CLEAR: &str = "clear";

/// Returns whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Returns whether the terminal can only print text, with neither colours nor
/// cursor movement. By convention, its name in TERM is then `dumb`.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

/// Returns whether colours are acceptable: not if NO_COLOR is set and not empty
/// (no-color.org), and not on a dumb terminal.
pub fn wants_colours() -> bool {
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    !wants_none && !is_dumb()
}

/// Returns the width in columns of the terminal on standard output; `None` if
/// it is not known.
pub fn columns() -> Option<usize> {
    columns_of(stdout())
}

/// Returns the width in columns of the terminal on standard error; `None` if it
/// is not known.
pub fn columns_of_stderr() -> Option<usize> {
    columns_of(stderr())
}

/// Returns the rows and columns of the terminal on standard output; `None` if
/// they are not known.
pub fn size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(stdout()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row.into(), size.ws_col.into()))
}

fn columns_of(descriptor: impl AsFd) -> Option<usize> {
    let columns = tcgetwinsize(descriptor).ok()?.ws_col;
    (columns > 0).then_some(columns.into())
}

/// Returns the sequence that clears the screen of this terminal, which is the
/// output of clear(1). Error messages of clear(1) go to standard error.
pub fn clear_sequence() -> Vec<u8> {
    let printed = Command::new(CLEAR)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    printed.map(|output| output.stdout).unwrap_or_default()
}
