//! The confirmation of an act: its messages, and the keys that begin it.

use crossterm::event::{KeyCode, KeyEvent};

use super::acts::{ActRequest, Worded, one_liner};
use super::app::App;
use super::dialog::{Confirmation, Needed, Scope, WORD};
use super::keys::BrowseAct;
use super::model::{Row, RowFlag, Summary};
use super::targets::{ActTargets, NamedMessages, ShownTargets};
use crate::spool::QueueId;
use crate::sys::error_text::error_text;

/// What became of a key.
pub enum DialogDecision {
    /// The dialog stays.
    Stay,
    /// The dialog is closed.
    Close,
    /// The act begins.
    Begin(ActRequest),
    /// The act cannot begin, for this reason.
    Fail(String),
}

/// The confirmation of an act on the tagged messages or, if there are none, on
/// the one under the cursor.
pub fn confirmation(act: BrowseAct, app: &App) -> Confirmation {
    let scope = match app.index.tagged() {
        0 => Scope::Cursor,
        _ => Scope::Tagged,
    };
    of_scope(act, scope, app)
}

fn of_scope(act: BrowseAct, scope: Scope, app: &App) -> Confirmation {
    let summary = match scope {
        Scope::Cursor => Summary::of(&app.index, app.index.at(app.cursor).into_iter()),
        Scope::Tagged => Summary::of(&app.index, app.index.tagged_rows()),
        Scope::All => Summary::of(&app.index, live(app.index.listed_rows())),
    };
    let mut confirmation = Confirmation {
        act,
        scope,
        summary,
        one_liner: String::new(),
        typed: String::new(),
    };
    describe(&mut confirmation, app);
    confirmation
}

/// Handles a key.
pub fn key(confirmation: &mut Confirmation, key: &KeyEvent, app: &App) -> DialogDecision {
    match (key.code, confirmation.needed()) {
        (KeyCode::Esc, _) => return DialogDecision::Close,
        (KeyCode::Tab, _) => {
            let typed = std::mem::take(&mut confirmation.typed);
            *confirmation = of_scope(confirmation.act, next(confirmation.scope, app), app);
            confirmation.typed = typed;
        }
        _ if confirmation.summary.messages == 0 => return DialogDecision::Close,
        (KeyCode::Enter, Needed::Word) if confirmation.typed == WORD => {
            return begin(confirmation, app);
        }
        (KeyCode::Enter, Needed::Text) if !confirmation.typed.is_empty() => {
            return begin(confirmation, app);
        }
        (KeyCode::Char('y' | 'Y'), Needed::Yes) => return begin(confirmation, app),
        (KeyCode::Char('n' | 'N' | 'q'), Needed::Yes) => return DialogDecision::Close,
        (KeyCode::Backspace, _) => drop(confirmation.typed.pop()),
        (KeyCode::Char(c), Needed::Word | Needed::Text)
            if confirmation.typed.len() < TYPED_MAX && !c.is_control() =>
        {
            confirmation.typed.push(c);
        }
        _ => {}
    }
    describe(confirmation, app);
    DialogDecision::Stay
}

/// Sets the command line that does the same.
fn describe(confirmation: &mut Confirmation, app: &App) {
    let (act, typed) = (confirmation.act, &confirmation.typed);
    let text = if typed.is_empty() { "T" } else { typed };
    let shown = shown_targets(confirmation.scope, app);
    let directory = app.instance.directory.as_deref();
    confirmation.one_liner = one_liner(Worded { act, text }, &shown, directory);
}

fn begin(confirmation: &Confirmation, app: &App) -> DialogDecision {
    let text = confirmation.typed.clone();
    match targets(confirmation.act, confirmation.scope, app) {
        Ok(targets) => DialogDecision::Begin(ActRequest::Act(confirmation.act, targets, text)),
        Err(error) => {
            let error = error_text(&error);
            DialogDecision::Fail(format!("cannot write down the queue IDs: {error}"))
        }
    }
}

/// The next scope that has messages of its own.
fn next(scope: Scope, app: &App) -> Scope {
    match scope {
        Scope::Cursor => Scope::All,
        Scope::All if app.index.tagged() > 0 => Scope::Tagged,
        Scope::All | Scope::Tagged => Scope::Cursor,
    }
}

/// The largest number of characters that can be typed.
const TYPED_MAX: usize = 200;

/// The number of IDs of a command line on the screen.
const SHOWN_MAX: usize = 200;

fn live<'a>(rows: impl Iterator<Item = &'a Row>) -> impl Iterator<Item = &'a Row> {
    rows.filter(|row| !row.is(RowFlag::Gone))
}

/// The messages of a scope as a command line names them. All messages of a list
/// without a text are those that match the selection options.
fn shown_targets(scope: Scope, app: &App) -> ShownTargets {
    let ids = |rows: &mut dyn Iterator<Item = &Row>| {
        let ids = rows.filter_map(|row| QueueId::parse(app.index.id(row)));
        ShownTargets::Named(ids.take(SHOWN_MAX).collect())
    };
    match scope {
        Scope::All if app.filter.needle.is_empty() => {
            ShownTargets::Matching(app.filter.words.clone())
        }
        Scope::All => ids(&mut live(app.index.listed_rows())),
        Scope::Tagged => ids(&mut app.index.tagged_rows()),
        Scope::Cursor => ids(&mut app.index.at(app.cursor).into_iter()),
    }
}

/// The messages of a scope, to act on. Delivery takes only queue IDs.
fn targets(act: BrowseAct, scope: Scope, app: &App) -> std::io::Result<ActTargets> {
    let takes_matching = act != BrowseAct::Flush || app.filter.words.is_empty();
    let write = |rows: &mut dyn Iterator<Item = &Row>| {
        let messages = rows.map(|row| (app.index.id(row), row.inode));
        NamedMessages::of(messages).map(ActTargets::Named)
    };
    match scope {
        Scope::All if app.filter.needle.is_empty() && takes_matching => {
            Ok(ActTargets::Matching(app.filter.words.clone()))
        }
        Scope::All => write(&mut live(app.index.listed_rows())),
        Scope::Tagged => write(&mut app.index.tagged_rows()),
        Scope::Cursor => write(&mut app.index.at(app.cursor).into_iter()),
    }
}
