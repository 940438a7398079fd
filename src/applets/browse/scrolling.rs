//! Which rows of a list, or lines of the help, are on the screen.

use super::keys::Command;

/// The number of lines by which the help moves for a screen.
const HELP_PAGE: isize = 10;

/// The rows of a list that are on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first one.
    pub top: usize,
    /// Their number.
    pub height: usize,
}

/// The cursor, on a row of a list of this length, and the first row of the screen,
/// moved no more than it takes to have the cursor on it.
pub fn scrolled_to(cursor: usize, window: Window, length: usize) -> (usize, usize) {
    let cursor = cursor.min(length.saturating_sub(1));
    let height = window.height.max(1);
    let lowest_top = cursor.saturating_add(1).saturating_sub(height);
    let highest_top = length.saturating_sub(height);
    let top = window.top.clamp(lowest_top, cursor).min(highest_top);
    (cursor, top)
}

/// The first line of a help of this length after a command; `None` if the command
/// ends the help.
pub fn help_after(top: usize, command: Command, length: usize) -> Option<usize> {
    let top = match command {
        Command::Move(rows) => top.saturating_add_signed(rows),
        Command::Page(pages) => top.saturating_add_signed(pages.saturating_mul(HELP_PAGE)),
        _ => return None,
    };
    Some(top.min(length.saturating_sub(1)))
}
