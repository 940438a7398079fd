//! The keys: one table for their effects, the footer and the help.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Moves by lines, down if positive.
    Move(isize),
    /// Moves by screens, down if positive.
    Page(isize),
    /// Moves to the first line.
    First,
    /// Moves to the last line.
    Last,
    /// Goes into the row under the cursor.
    Enter,
    /// Goes back, and ends the program from the first view.
    Back,
    /// Ends the program.
    Quit,
    /// Switches between the overview and the list.
    Overview,
    /// Sorts by the next column.
    Sort,
    /// Reverses the order.
    Reverse,
    /// Tags or untags the message, and moves on.
    Tag,
    /// Tags all messages of the list.
    TagAll,
    /// Removes all tags.
    UntagAll,
    /// Inverts the tags of the list.
    InvertTags,
    /// Asks for selection options.
    Filter,
    /// Asks for a text.
    Search,
    /// Moves to the next match of the text.
    NextMatch,
    /// Moves to the previous match of the text.
    PreviousMatch,
    /// Switches between the decoded message and its records.
    Raw,
    /// Reads the queue now.
    Refresh,
    /// Draws the screen again.
    Redraw,
    /// Stops the program, until the shell continues it.
    Suspend,
    /// Shows the keys.
    Help,
    /// Begins an act.
    Act(BrowseAct),
    /// Takes the last act back.
    Undo,
}

/// The work that a key leaves to the event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopRequest {
    /// Nothing.
    Nothing,
    /// Draw the whole screen again.
    Redraw,
    /// Count all instances again.
    Refresh,
    /// Stop the process until it is continued.
    Suspend,
}

/// The acts on messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowseAct {
    /// Put on hold.
    Hold,
    /// Release from hold.
    Release,
    /// Requeue.
    Requeue,
    /// Move to the trash.
    Delete,
    /// Delete for good.
    Erase,
    /// Force to expire.
    Expire,
    /// Put off the next attempt until a time.
    Postpone,
    /// Return to the senders, with a reason.
    Bounce,
    /// Release from hold, with attempts spread over a time.
    Spread,
    /// Try to deliver now.
    Flush,
}

/// A key in the help and in the footer.
#[derive(Clone, Copy, Debug)]
pub struct Help {
    /// The key as it is shown.
    pub keys: &'static str,
    /// Its effect.
    pub text: &'static str,
    /// The word in the footer; empty if it is not there.
    pub footer: &'static str,
    /// Whether it changes the queue.
    pub changes: QueueEffect,
}

/// Whether a key changes the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEffect {
    Nothing,
    Queue,
}

/// A key that changes nothing.
pub const fn look(keys: &'static str, text: &'static str, footer: &'static str) -> Help {
    Help {
        keys,
        text,
        footer,
        changes: QueueEffect::Nothing,
    }
}

const fn act(keys: &'static str, text: &'static str, footer: &'static str) -> Help {
    Help {
        keys,
        text,
        footer,
        changes: QueueEffect::Queue,
    }
}

/// All keys.
pub const HELP: [Help; 34] = [
    look("?", "show or leave this help", "help"),
    look("q", "go back; in the first view, quit", "quit"),
    look("Ctrl-C", "quit", ""),
    look(
        "Tab, o",
        "switch between the list and the overview",
        "overview",
    ),
    look(
        "Enter, Right",
        "open the message, or list the row of the overview",
        "",
    ),
    look("Esc, Left", "go back", ""),
    look("Down, j", "move down", ""),
    look("Up, k", "move up", ""),
    look("PgDn, Ctrl-F", "move down a screen", ""),
    look("PgUp, Ctrl-B", "move up a screen", ""),
    look("Home, g", "move to the first line", ""),
    look("End, G", "move to the last line", ""),
    look(
        "f",
        "filter by selection options; Tab completes their names",
        "filter",
    ),
    look(
        "/",
        "list the messages that contain a text; in a message, search",
        "text",
    ),
    look(
        "n, N",
        "in a message, move to the next or previous match",
        "",
    ),
    look(
        "v",
        "in a message, switch to the records of the file and back",
        "",
    ),
    look("s", "sort by the next column", "sort"),
    look("S", "reverse the order", ""),
    look("Space", "tag or untag the message", "tag"),
    look("a", "tag all messages of the list", ""),
    look("A", "remove all tags", ""),
    look("i", "invert the tags of the list", ""),
    look("Ctrl-R", "read the queue now", ""),
    look("Ctrl-L", "draw the screen again", ""),
    look("Ctrl-Z", "stop; the shell's fg continues", ""),
    act("h", "put on hold", "hold"),
    act(
        "H, R",
        "release from hold; release with attempts spread over a time",
        "release",
    ),
    act("r", "requeue", "requeue"),
    act("d, D", "delete to the trash; delete for good", "delete"),
    act("e", "force to expire", "expire"),
    act("b", "return to the senders, with a reason", "bounce"),
    act("p", "put off the next attempt until a time", "postpone"),
    act("F", "try to deliver now", "flush"),
    act("u", "take back the last act that can be undone", "undo"),
];

/// The effect of a key; `None` if it has none.
pub fn command(key: &KeyEvent) -> Option<Command> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return control(key.code);
    }
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => Command::Move(-1),
        KeyCode::Down | KeyCode::Char('j') => Command::Move(1),
        KeyCode::PageUp => Command::Page(-1),
        KeyCode::PageDown => Command::Page(1),
        KeyCode::Home | KeyCode::Char('g') => Command::First,
        KeyCode::End | KeyCode::Char('G') => Command::Last,
        KeyCode::Enter | KeyCode::Right => Command::Enter,
        KeyCode::Esc | KeyCode::Left | KeyCode::Char('q') => Command::Back,
        KeyCode::Tab | KeyCode::Char('o') => Command::Overview,
        KeyCode::Char(c) => return letter(c),
        _ => return None,
    })
}

fn control(code: KeyCode) -> Option<Command> {
    Some(match code {
        KeyCode::Char('c') => Command::Quit,
        KeyCode::Char('f' | 'd') => Command::Page(1),
        KeyCode::Char('b' | 'u') => Command::Page(-1),
        KeyCode::Char('l') => Command::Redraw,
        KeyCode::Char('r') => Command::Refresh,
        KeyCode::Char('z') => Command::Suspend,
        _ => return None,
    })
}

fn letter(c: char) -> Option<Command> {
    Some(match c {
        's' => Command::Sort,
        'S' => Command::Reverse,
        ' ' => Command::Tag,
        'a' => Command::TagAll,
        'A' => Command::UntagAll,
        'i' => Command::InvertTags,
        'f' => Command::Filter,
        '/' => Command::Search,
        'n' => Command::NextMatch,
        'N' => Command::PreviousMatch,
        'v' => Command::Raw,
        '?' => Command::Help,
        'h' => Command::Act(BrowseAct::Hold),
        'H' => Command::Act(BrowseAct::Release),
        'r' => Command::Act(BrowseAct::Requeue),
        'd' => Command::Act(BrowseAct::Delete),
        'D' => Command::Act(BrowseAct::Erase),
        'R' => Command::Act(BrowseAct::Spread),
        'e' => Command::Act(BrowseAct::Expire),
        'p' => Command::Act(BrowseAct::Postpone),
        'b' => Command::Act(BrowseAct::Bounce),
        'F' => Command::Act(BrowseAct::Flush),
        'u' => Command::Undo,
        _ => return None,
    })
}
