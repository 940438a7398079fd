//! The terminal that standard output may be: whether it is one, how wide it
//! is, and what clears it.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use nix::libc;

/// The program that knows how to clear any terminal.
const CLEAR: &str = "clear";

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The columns of the terminal that standard output is, if it knows them.
pub fn columns() -> Option<usize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the request writes one winsize to the address, which is that of
    // a live local variable.
    let asked = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (asked == 0 && size.ws_col > 0).then_some(size.ws_col.into())
}

/// What clears the screen of this terminal: what clear(1) prints. That says
/// on standard error what it does not know.
pub fn clear_sequence() -> Vec<u8> {
    let printed = Command::new(CLEAR)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    printed.map(|output| output.stdout).unwrap_or_default()
}
