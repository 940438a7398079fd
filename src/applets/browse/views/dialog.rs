//! The dialogs: keys, confirmation, outcome.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Clear;

use super::super::acts::ActOutcome;
use super::super::app::App;
use super::super::commands::READ_ONLY;
use super::super::context::SpoolAccess;
use super::super::dialog::{Confirmation, Dialog, Needed, WORD};
use super::super::keys;
use super::super::keys::{BrowseAct, QueueEffect};
use super::super::theme::Theme;
use super::row;
use super::text::{clean, fit, short_bytes, wrap};

/// The width of the keys in the help.
const KEYS: usize = 13;
/// The number of lines of a command line that are shown.
const COMMAND_LINES: usize = 6;

/// A line and its style.
pub type Styled = (String, Style);

/// Draws the dialog, if there is one.
pub fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let width = usize::from(area.width).saturating_sub(2);
    let lines = match &app.dialog {
        None => return,
        Some(Dialog::Help(top)) => help(app, *top),
        Some(Dialog::Confirm(confirmation)) => confirm(app, confirmation, width),
        Some(Dialog::Outcome(outcome)) => outcome_lines(app, outcome, width),
    };
    draw_lines(frame, lines, app.theme, area);
}

/// Draws these lines over the area, as far as they fit, between two bars.
pub fn draw_lines(frame: &mut Frame<'_>, lines: Vec<Styled>, theme: Theme, area: Rect) {
    let width = usize::from(area.width).saturating_sub(2);
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let height = height.min(area.height);
    let area = Rect { height, ..area };
    frame.render_widget(Clear, area);
    let edge = fit("", usize::from(area.width), theme.characters);
    frame.render_widget(Line::styled(edge.as_str(), theme.bar()), row(area, 0));
    let last = height.saturating_sub(1);
    for (number, (text, style)) in (1..last).zip(lines) {
        let text = fit(&text, width, theme.characters);
        frame.render_widget(Line::styled(format!(" {text} "), style), row(area, number));
    }
    frame.render_widget(Line::styled(edge.as_str(), theme.bar()), row(area, last));
}

fn help(app: &App, top: usize) -> Vec<Styled> {
    let line = |help: &keys::Help| {
        let is_possible = help.changes == QueueEffect::Nothing || app.access == SpoolAccess::Full;
        let style = if is_possible {
            Style::new()
        } else {
            app.theme.faint()
        };
        (help_line(help), style)
    };
    let mut lines: Vec<Styled> = keys::HELP.iter().skip(top).map(line).collect();
    if app.access == SpoolAccess::ReadOnly {
        lines.push((READ_ONLY.to_owned(), app.theme.warning()));
    }
    lines
}

/// A line of the help.
pub fn help_line(help: &keys::Help) -> String {
    format!("{:KEYS$}  {}", help.keys, help.text)
}

fn confirm(app: &App, confirmation: &Confirmation, width: usize) -> Vec<Styled> {
    if confirmation.summary.messages == 0 {
        return vec![("there is no message to act on".to_owned(), Style::new())];
    }
    let mut lines = summary_lines(app, confirmation);
    lines.extend(command_lines(app, confirmation, width));
    lines.push((question_line(app, confirmation), app.theme.marked()));
    lines
}

/// Returns what the messages of an act have in common.
fn summary_lines(app: &App, confirmation: &Confirmation) -> Vec<Styled> {
    let (summary, plain) = (&confirmation.summary, Style::new());
    let messages = match summary.messages {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    let question = confirmation.act.question(&messages);
    let size = short_bytes(summary.bytes);
    let mut lines = vec![(
        format!("{question}: {}, {size}", confirmation.scope.name()),
        app.theme.heading(),
    )];
    for (heading, values) in [
        ("commonest senders", &summary.senders),
        ("commonest reasons", &summary.reasons),
    ] {
        if !values.is_empty() {
            lines.push((format!("{heading}:"), plain));
        }
        for (value, count) in values {
            lines.push((format!("{count:>9}  {value}"), plain));
        }
    }
    lines
}

/// Returns the command line that does the same, cut after a few lines.
fn command_lines(app: &App, confirmation: &Confirmation, width: usize) -> Vec<Styled> {
    let theme = app.theme;
    let command = wrap(&clean(&confirmation.one_liner, theme.characters), width);
    let is_cut = command.len() > COMMAND_LINES;
    let shown = command.into_iter().take(COMMAND_LINES);
    let mut lines = vec![("the same on a command line:".to_owned(), Style::new())];
    lines.extend(shown.map(|line| (line, theme.active())));
    if is_cut {
        lines.push(("...".to_owned(), theme.active()));
    }
    lines
}

/// Returns the question, with what has been typed, and the keys.
fn question_line(app: &App, confirmation: &Confirmation) -> String {
    let typed = clean(&confirmation.typed, app.theme.characters);
    let question = match (confirmation.needed(), confirmation.act) {
        (Needed::Word, _) => format!("No undo. Type {WORD} and Enter: {typed}_ "),
        (Needed::Text, BrowseAct::Bounce) => format!("For which reason? (Enter) {typed}_ "),
        (Needed::Text, BrowseAct::Spread) => format!("Over which time? (30m, 2h; Enter) {typed}_ "),
        (Needed::Text, _) => format!("Until when? (2h, 2026-12-01T08:00; Enter) {typed}_ "),
        (Needed::Yes, _) => "y: do it  n: no".to_owned(),
    };
    format!("{question}  Tab: other messages  Esc: no")
}

fn outcome_lines(app: &App, outcome: &ActOutcome, width: usize) -> Vec<Styled> {
    let report = outcome.report.iter();
    let wrapped = report.flat_map(|line| wrap(&clean(line, app.theme.characters), width));
    let mut lines: Vec<Styled> = wrapped.map(|line| (line, Style::new())).collect();
    if lines.is_empty() {
        lines.push(("done".to_owned(), Style::new()));
    }
    let keys = match outcome.undo {
        Some(_) => "u: take it back   any other key: go on",
        None => "any key: go on",
    };
    lines.push((keys.to_owned(), app.theme.marked()));
    lines
}
