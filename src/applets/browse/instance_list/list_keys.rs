//! What keys do in the list of instances.

use crossterm::event::KeyEvent;

use super::super::keys;
use super::super::keys::{Command, Help, LoopRequest, look};
use super::super::prompt::{Prompt, PromptPurpose, Typed};
use super::super::scrolling::help_after;
use super::state::InstanceList;

/// The keys of the list. Those of an instance are in its own help.
pub const HELP: [Help; 16] = [
    look("?", "show or leave this help", "help"),
    look("q", "quit; after a search, list all instances", "quit"),
    look("Ctrl-C", "quit", ""),
    look(
        "Enter, Right",
        "open the instance; q there comes back",
        "open",
    ),
    look("Down, j", "move down", ""),
    look("Up, k", "move up", ""),
    look("PgDn, Ctrl-F", "move down a screen", ""),
    look("PgUp, Ctrl-B", "move up a screen", ""),
    look("Home, g", "move to the first line", ""),
    look("End, G", "move to the last line", ""),
    look("/", "list the instances whose name contains a text", "text"),
    look(
        "s",
        "sort by the next of main.cf, name, number, bytes, oldest",
        "sort",
    ),
    look("S", "reverse the order", ""),
    look("Ctrl-R", "count all instances now", "count"),
    look("Ctrl-L", "draw the screen again", ""),
    look("Ctrl-Z", "stop; the shell's fg continues", ""),
];

/// Handles a key.
pub fn key(list: &mut InstanceList, key: &KeyEvent) -> LoopRequest {
    list.is_changed = true;
    if let Some(mut prompt) = list.prompt.take() {
        match prompt.key(key) {
            Typed::More => list.prompt = Some(prompt),
            Typed::Cancelled => {}
            Typed::Done => list.search(&prompt.text),
        }
        return LoopRequest::Nothing;
    }
    let Some(command) = keys::command(key) else {
        list.help = None;
        return LoopRequest::Nothing;
    };
    match command {
        Command::Quit => list.is_over = true,
        Command::Redraw => return LoopRequest::Redraw,
        Command::Suspend => return LoopRequest::Suspend,
        command => {
            if let Some(top) = list.help.take() {
                list.help = help_after(top, command, HELP.len());
                return LoopRequest::Nothing;
            }
            list.status.clear();
            return run(list, command);
        }
    }
    LoopRequest::Nothing
}

fn run(list: &mut InstanceList, command: Command) -> LoopRequest {
    let last = list.len().saturating_sub(1);
    let page = isize::try_from(list.height).unwrap_or(1);
    let moved = |rows: isize| list.cursor.saturating_add_signed(rows).min(last);
    match command {
        Command::Move(rows) => list.go_to(moved(rows)),
        Command::Page(pages) => list.go_to(moved(pages.saturating_mul(page))),
        Command::First => list.go_to(0),
        Command::Last => list.go_to(last),
        Command::Enter => list.open(),
        Command::Back if list.needle.is_empty() => list.is_over = true,
        Command::Back => list.search(""),
        Command::Sort => list.sort_by_next(),
        Command::Reverse => list.reverse(),
        Command::Search => {
            let needle = list.needle.clone();
            list.prompt = Some(Prompt::new(PromptPurpose::ListText, needle));
        }
        Command::Help => list.help = Some(0),
        Command::Refresh => return LoopRequest::Refresh,
        _ => list.status = "open an instance first: Enter".to_owned(),
    }
    LoopRequest::Nothing
}
