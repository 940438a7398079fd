//! The effect of keys in each view.

use crossterm::event::KeyEvent;

use super::acts::ActRequest;
use super::app::{App, BrowseView};
use super::confirm;
use super::confirm::DialogDecision;
use super::context::SpoolAccess;
use super::dialog::Dialog;
use super::filter::ListFilter;
use super::keys;
use super::keys::{BrowseAct, Command, LoopRequest};
use super::message_state::Towards;
use super::model::{ListOrder, PassKind, TagChange};
use super::prompt::{Prompt, PromptPurpose, Typed};
use super::scrolling::help_after;
use crate::spool::QueueId;

/// The reason why ordinary users cannot act.
pub const READ_ONLY: &str = "only root and the mail owner can change messages: read-only";

/// Handles a key.
pub fn key(app: &mut App, key: &KeyEvent) -> LoopRequest {
    app.is_changed = true;
    if let Some(mut prompt) = app.prompt.take() {
        match prompt.key(key) {
            Typed::More => app.prompt = Some(prompt),
            Typed::Cancelled => {}
            Typed::Done => finish_prompt(app, prompt),
        }
        return LoopRequest::Nothing;
    }
    let command = keys::command(key);
    match command {
        Some(Command::Quit) => {
            (app.is_over, app.is_quit) = (true, true);
            return LoopRequest::Nothing;
        }
        Some(Command::Redraw) => return LoopRequest::Redraw,
        Some(Command::Suspend) => return LoopRequest::Suspend,
        _ => {}
    }
    if let Some(dialog) = app.dialog.take() {
        dialog_key(app, dialog, key, command);
    } else if let Some(command) = command {
        app.status.clear();
        run(app, command);
    }
    LoopRequest::Nothing
}

fn dialog_key(app: &mut App, dialog: Dialog, key: &KeyEvent, command: Option<Command>) {
    match dialog {
        Dialog::Help(top) => {
            let top = command.and_then(|command| help_after(top, command, keys::HELP.len()));
            app.dialog = top.map(Dialog::Help);
        }
        Dialog::Confirm(mut confirmation) => match confirm::key(&mut confirmation, key, app) {
            DialogDecision::Close => app.status = "nothing was done".to_owned(),
            DialogDecision::Stay => app.dialog = Some(Dialog::Confirm(confirmation)),
            DialogDecision::Begin(request) => app.act(request),
            DialogDecision::Fail(problem) => app.status = problem,
        },
        Dialog::Outcome(_) => {
            if command == Some(Command::Undo) {
                undo(app);
            }
        }
    }
}

fn run(app: &mut App, command: Command) {
    match command {
        Command::Help => app.dialog = Some(Dialog::Help(0)),
        Command::Refresh => {
            app.begin_pass(PassKind::Refresh);
            if matches!(app.view, BrowseView::Overview) {
                app.count();
            }
        }
        Command::Overview => switch_overview(app),
        Command::Filter => {
            let line = app.filter.line();
            let line = if line.is_empty() { line } else { line + " " };
            app.prompt = Some(Prompt::new(PromptPurpose::Filter, line));
        }
        Command::Act(act) => begin_act(app, act),
        Command::Undo => undo(app),
        _ => match &app.view {
            BrowseView::List => in_list(app, command),
            BrowseView::Overview => in_overview(app, command),
            BrowseView::Message(_) => in_message(app, command),
        },
    }
}

fn switch_overview(app: &mut App) {
    match app.view {
        BrowseView::Overview => app.view = BrowseView::List,
        BrowseView::List | BrowseView::Message(_) => {
            app.view = BrowseView::Overview;
            app.count();
        }
    }
}

fn begin_act(app: &mut App, act: BrowseAct) {
    if app.access == SpoolAccess::ReadOnly {
        app.status = READ_ONLY.to_owned();
    } else if app.is_acting {
        app.status = "an act is going on".to_owned();
    } else if matches!(app.view, BrowseView::Overview) {
        app.status = "open a row first: acts are on messages of the list".to_owned();
    } else {
        app.dialog = Some(Dialog::Confirm(confirm::confirmation(act, app)));
    }
}

fn undo(app: &mut App) {
    if app.access == SpoolAccess::ReadOnly {
        app.status = READ_ONLY.to_owned();
        return;
    }
    match app.undo.last().cloned() {
        Some(_) if app.is_acting => app.status = "an act is going on".to_owned(),
        Some(batch) => app.act(ActRequest::Undo(batch)),
        None => {
            app.status =
                "nothing to take back here; postsuper --journal-list lists more".to_owned();
        }
    }
}

fn in_list(app: &mut App, command: Command) {
    let last = app.index.len().saturating_sub(1);
    let page = isize::try_from(app.height).unwrap_or(1);
    let moved = |rows: isize| app.cursor.saturating_add_signed(rows).min(last);
    match command {
        Command::Move(rows) => app.go_to(moved(rows)),
        Command::Page(pages) => app.go_to(moved(pages.saturating_mul(page))),
        Command::First => app.go_to(0),
        Command::Last => app.go_to(last),
        Command::Enter => open(app),
        Command::Back => leave_list(app),
        Command::Sort => app.sort_by(ListOrder::by(app.order.column.next())),
        Command::Reverse => app.sort_by(app.order.reversed()),
        Command::Tag => {
            app.index.toggle(app.cursor);
            app.go_to(app.cursor.saturating_add(1).min(last));
        }
        Command::TagAll => app.index.change_tags(TagChange::All),
        Command::UntagAll => app.index.change_tags(TagChange::Nothing),
        Command::InvertTags => app.index.change_tags(TagChange::Inverted),
        Command::Search => {
            let needle = app.filter.needle.clone();
            app.prompt = Some(Prompt::new(PromptPurpose::ListText, needle));
        }
        _ => {}
    }
}

/// Takes back the filter first, so that q in a filtered list does not end the
/// program.
fn leave_list(app: &mut App) {
    if app.filter.is_empty() {
        app.is_over = true;
    } else {
        app.set_filter(ListFilter::default());
    }
}

fn open(app: &mut App) {
    let id = app.index.at(app.cursor).map(|row| app.index.id(row));
    if let Some(id) = id.and_then(QueueId::parse) {
        app.remember_cursor();
        app.view = BrowseView::Message(Box::default());
        app.background.message(id);
    }
}

fn in_overview(app: &mut App, command: Command) {
    let page = isize::try_from(app.height).unwrap_or(1);
    match command {
        Command::Move(rows) => app.overview.move_by(rows),
        Command::Page(1) => app.overview.next_table(),
        Command::Page(pages) => app.overview.move_by(pages.saturating_mul(page)),
        Command::First => app.overview.cursor = (0, 0),
        Command::Last => app.overview.move_by(isize::MAX),
        Command::Back => app.view = BrowseView::List,
        Command::Sort => app.overview.sort_by_next(),
        Command::Enter => match app.overview.selection() {
            Some((option, value)) => match app.filter.with(option, &value) {
                Ok(filter) => {
                    app.view = BrowseView::List;
                    app.set_filter(filter);
                }
                Err(problem) => app.status = problem,
            },
            None => app.status = "no selection has exactly these messages".to_owned(),
        },
        _ => {}
    }
}

fn in_message(app: &mut App, command: Command) {
    let height = app.height;
    let BrowseView::Message(state) = &mut app.view else {
        return;
    };
    let last = state.len().saturating_sub(height);
    let page = isize::try_from(height).unwrap_or(1);
    match command {
        Command::Move(rows) => state.go_to(state.top.saturating_add_signed(rows).min(last)),
        Command::Page(pages) => {
            let rows = pages.saturating_mul(page);
            state.go_to(state.top.saturating_add_signed(rows).min(last));
        }
        Command::First => state.go_to(0),
        Command::Last => state.go_to(last),
        Command::Raw => state.switch(),
        Command::Search => {
            let needle = state.needle.clone();
            app.prompt = Some(Prompt::new(PromptPurpose::MessageText, needle));
        }
        Command::NextMatch => find(app, Towards::Next),
        Command::PreviousMatch => find(app, Towards::Previous),
        Command::Back => app.view = BrowseView::List,
        _ => {}
    }
}

fn find(app: &mut App, towards: Towards) {
    let BrowseView::Message(state) = &mut app.view else {
        return;
    };
    match state.find(towards) {
        _ if state.needle.is_empty() => app.status = "type / and a text first".to_owned(),
        Some(place) => {
            state.top = place;
            state.found = Some(place);
        }
        None => app.status = format!("not found: {}", state.needle),
    }
}

fn finish_prompt(app: &mut App, mut prompt: Prompt) {
    let parsed = match prompt.purpose {
        PromptPurpose::Filter => ListFilter::parse(&prompt.text, &app.filter.needle),
        PromptPurpose::ListText => ListFilter::of_words(app.filter.words.clone(), &prompt.text),
        PromptPurpose::MessageText => {
            if let BrowseView::Message(state) = &mut app.view {
                state.needle = prompt.text.to_lowercase();
                state.found = None;
                find(app, Towards::Next);
            }
            return;
        }
    };
    match parsed {
        Ok(filter) => {
            if matches!(app.view, BrowseView::Message(_)) {
                app.view = BrowseView::List;
            }
            app.set_filter(filter);
        }
        Err(problem) => {
            prompt.hint = problem;
            app.prompt = Some(prompt);
        }
    }
}
