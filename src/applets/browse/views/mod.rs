//! Draws the screen: the first line, one of the views, the status and the keys.
//!
//! Everything that comes from messages is passed through `text::clean`.

pub mod dialog;
mod list;
mod message;
mod overview;
pub mod text;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::app::{App, BrowseView};
use super::commands::READ_ONLY;
use super::context::SpoolAccess;
use super::keys;
use super::keys::{Help, QueueEffect};
use super::prompt::Prompt;
use super::theme::Theme;
use crate::spool::Queue;
use crate::text::columns::columns_of;
use text::{clean, fit, short_bytes, short_number};

/// The smallest terminal on which something useful can be shown.
const SMALLEST: (u16, u16) = (40, 8);

/// The area between the first line and the status; `None` if the terminal is too
/// small, which is shown then.
pub fn body(frame: &mut Frame<'_>) -> Option<Rect> {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        frame.render_widget(Line::raw("the terminal is too small"), row(area, 0));
        return None;
    }
    Some(Rect {
        y: area.y.saturating_add(1),
        height: area.height.saturating_sub(3),
        ..area
    })
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &mut App) {
    let area = frame.area();
    let Some(body) = body(frame) else {
        return;
    };
    first_line(frame, app, row(area, 0));
    match app.view {
        BrowseView::List => list::draw(frame, app, body),
        BrowseView::Overview => overview::draw(frame, app, body),
        BrowseView::Message(_) => message::draw(frame, app, body),
    }
    dialog::draw(frame, app, body);
    status_line(frame, app, row(area, area.height.saturating_sub(2)));
    footer(frame, app, row(area, area.height.saturating_sub(1)));
}

/// A row of an area, counted from its top.
pub fn row(area: Rect, number: u16) -> Rect {
    Rect {
        y: area.y.saturating_add(number),
        height: 1,
        ..area
    }
    .intersection(area)
}

fn first_line(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let mut parts: Vec<String> = app.instance.name.iter().cloned().collect();
    let s = if app.index.len() == 1 { "" } else { "s" };
    parts.push(format!(
        "{} message{s}",
        short_number(app.index.len() as u64)
    ));
    parts.push(short_bytes(app.totals.bytes));
    if app.index.tagged() > 0 {
        parts.push(format!(
            "{} tagged",
            short_number(app.index.tagged() as u64)
        ));
    }
    for (queue, count) in Queue::LISTED.iter().zip(app.totals.queues) {
        if count > 0 {
            parts.push(format!("{queue} {}", short_number(count)));
        }
    }
    if app.index.left_out() > 0 {
        parts.push(format!(
            "{} left out: too many",
            short_number(app.index.left_out())
        ));
    }
    let order = match app.view {
        BrowseView::Overview => app.overview.order.name().to_owned(),
        BrowseView::List | BrowseView::Message(_) => app.order.column.name().to_owned(),
    };
    parts.push(format!("by {order}"));
    let text = format!(" {}", parts.join("  "));
    let columns = usize::from(area.width);
    let state = if app.is_acting {
        " acting "
    } else if app.is_reading() || app.overview.is_counting {
        " reading "
    } else if app.index.is_sorting() {
        " sorting "
    } else {
        ""
    };
    let left = columns.saturating_sub(state.len());
    let text = fit(&text, left, app.theme.characters) + state;
    frame.render_widget(Line::styled(text, app.theme.bar()), area);
}

/// The line that is typed, what happened last, or the filter.
fn status_line(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let (theme, columns) = (app.theme, usize::from(area.width));
    if let Some(prompt) = &app.prompt {
        prompt_line(frame, prompt, theme, area);
        return;
    }
    let line = if !app.status.is_empty() {
        let text = fit(&app.status, columns, theme.characters);
        Line::styled(text, theme.warning())
    } else {
        let mut filters = Vec::new();
        if !app.filter.words.is_empty() {
            filters.push(app.filter.line());
        }
        if !app.filter.needle.is_empty() {
            filters.push(format!("text: {}", app.filter.needle));
        }
        Line::styled(
            fit(&filters.join("  "), columns, theme.characters),
            theme.marked(),
        )
    };
    frame.render_widget(line, area);
}

/// The line that is typed, and what is wrong with it.
pub fn prompt_line(frame: &mut Frame<'_>, prompt: &Prompt, theme: Theme, area: Rect) {
    let columns = usize::from(area.width);
    let hint = clean(&prompt.hint, theme.characters);
    let room = columns
        .saturating_sub(columns_of(&hint).min(columns / 2))
        .saturating_sub(3);
    let typed = clean(
        &format!("{}{}", prompt.label(), prompt.text),
        theme.characters,
    );
    // The end of a long line is what the user types.
    let skipped = columns_of(&typed).saturating_sub(room);
    let typed: String = typed.chars().skip(skipped).collect();
    let at = u16::try_from(columns_of(&typed)).unwrap_or(0);
    let hint = Span::styled(format!("  {hint}"), theme.warning());
    frame.render_widget(Line::from(vec![Span::raw(typed), hint]), area);
    frame.set_cursor_position((area.x.saturating_add(at), area.y));
}

fn footer(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let note = match app.access {
        SpoolAccess::ReadOnly => format!("({READ_ONLY})"),
        SpoolAccess::Full => String::new(),
    };
    let is_possible =
        |help: &Help| help.changes == QueueEffect::Nothing || app.access == SpoolAccess::Full;
    let keys = keys::HELP.iter().map(|help| (help, is_possible(help)));
    key_line(frame, keys, &note, app.theme, area);
}

/// The keys that have a word in the footer, as far as they fit, and a note. Keys
/// that are not possible are faint.
pub fn key_line<'a>(
    frame: &mut Frame<'_>,
    keys: impl Iterator<Item = (&'a Help, bool)>,
    note: &str,
    theme: Theme,
    area: Rect,
) {
    let mut spans = Vec::new();
    let mut left = usize::from(area.width);
    let mut put = |text: String, style| {
        let fits = columns_of(&text) <= left;
        if fits {
            left = left.saturating_sub(columns_of(&text));
            spans.push(Span::styled(text, style));
        }
    };
    for (help, is_possible) in keys.filter(|(help, _)| !help.footer.is_empty()) {
        let key = help.keys.split(", ").next().unwrap_or_default();
        let style = if is_possible {
            theme.heading()
        } else {
            theme.faint()
        };
        put(format!("{key}:{} ", help.footer), style);
    }
    put(note.to_owned(), theme.faint());
    frame.render_widget(Line::from(spans), area);
}
