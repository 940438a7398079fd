//! The list: one row for each message, in columns that fit the width.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::super::app::App;
use super::super::details::Detail;
use super::super::model::{Row, RowFlag};
use super::row;
use super::text::{fit, short_age, short_bytes, short_number};
use crate::spool::Queue;

/// The widths of the columns before the texts: mark, queue ID, queue, age,
/// size, recipients.
const AGE: usize = 4;
const SIZE: usize = 5;
const COUNT: usize = 5;
const ID_MIN: usize = 10;
const ID_MAX: usize = 17;
/// The width from which the columns recipient and subject are shown.
const WITH_RECIPIENT: usize = 76;
const WITH_SUBJECT: usize = 110;

/// A column of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextColumn {
    Sender,
    Recipient,
    Reason,
    Subject,
}

impl TextColumn {
    fn heading(self) -> &'static str {
        match self {
            TextColumn::Sender => "SENDER",
            TextColumn::Recipient => "RECIPIENT",
            TextColumn::Reason => "REASON",
            TextColumn::Subject => "SUBJECT",
        }
    }
}

/// The columns for a width.
struct ListColumns {
    id: usize,
    texts: Vec<(TextColumn, usize)>,
}

impl ListColumns {
    fn of(width: usize, id: usize) -> Self {
        let id = id.clamp(ID_MIN, ID_MAX);
        let shares: &[(TextColumn, usize)] = if width >= WITH_SUBJECT {
            &[
                (TextColumn::Sender, 25),
                (TextColumn::Recipient, 25),
                (TextColumn::Reason, 28),
                (TextColumn::Subject, 22),
            ]
        } else if width >= WITH_RECIPIENT {
            &[
                (TextColumn::Sender, 34),
                (TextColumn::Recipient, 33),
                (TextColumn::Reason, 33),
            ]
        } else {
            &[(TextColumn::Sender, 50), (TextColumn::Reason, 50)]
        };
        // Each column is followed by a blank, and two marks come first.
        let fixed = id
            .saturating_add(AGE)
            .saturating_add(SIZE)
            .saturating_add(COUNT);
        let fixed = fixed.saturating_add(7);
        let room = width.saturating_sub(fixed).saturating_sub(shares.len());
        let mut texts: Vec<(TextColumn, usize)> = shares
            .iter()
            .map(|(column, share)| (*column, room.saturating_mul(*share) / 100))
            .collect();
        let used: usize = texts.iter().map(|(_, width)| *width).sum();
        if let Some((_, last)) = texts.last_mut() {
            *last = last.saturating_add(room.saturating_sub(used));
        }
        Self { id, texts }
    }
}

/// Draws the list.
pub fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    app.height = usize::from(area.height.saturating_sub(1)).max(1);
    app.keep_cursor_visible();
    let width = usize::from(area.width);
    let visible = app.top..app.top.saturating_add(app.height);
    let ids = visible.clone().filter_map(|place| app.index.at(place));
    let longest = ids.map(|row| usize::from(row.id_len)).max().unwrap_or(0);
    let columns = ListColumns::of(width, longest);
    let heading = fit(&heading(&columns), width, app.theme.characters);
    frame.render_widget(Line::styled(heading, app.theme.heading()), row(area, 0));
    let now = app.now();
    for (number, place) in (1u16..).zip(visible) {
        let Some(message) = app.index.at(place) else {
            break;
        };
        let text = line(app, message, &columns, now);
        let text = fit(&text, width, app.theme.characters);
        let line = Line::styled(text, style(app, message, place));
        frame.render_widget(line, row(area, number));
    }
    if app.index.len() == 0 {
        let text = match (app.is_reading(), app.filter.is_empty()) {
            (true, _) => "reading the queue",
            (false, true) => "the queue is empty",
            (false, false) => "no message matches the filter",
        };
        frame.render_widget(Line::raw(text), row(area, 2));
    }
}

fn heading(columns: &ListColumns) -> String {
    let id = columns.id;
    let mut line = format!(
        "  {:id$}  {:>AGE$} {:>SIZE$} {:>COUNT$}",
        "QUEUE ID", "AGE", "SIZE", "RCPTS"
    );
    for (column, width) in &columns.texts {
        line.push_str(&format!(" {:width$}", column.heading()));
    }
    line
}

fn line(app: &App, message: &Row, columns: &ListColumns, now: i64) -> String {
    let characters = app.theme.characters;
    let id = app.index.id(message);
    let detail = app.details.get(id);
    let id = String::from_utf8_lossy(id);
    let age = now.saturating_sub(i64::from(message.arrival));
    let mut line = format!(
        "{} {}{} {:>AGE$} {:>SIZE$} {:>COUNT$}",
        if message.is(RowFlag::Tagged) {
            '+'
        } else {
            ' '
        },
        fit(&id, columns.id, characters),
        mark(message),
        short_age(age),
        short_bytes(u64::from(message.size)),
        short_number(u64::from(message.recipients)),
    );
    for (column, width) in &columns.texts {
        line.push(' ');
        line.push_str(&fit(
            text(app, message, detail, *column),
            *width,
            characters,
        ));
    }
    line
}

/// The marks of a listing.
fn mark(message: &Row) -> char {
    match (
        message.is(RowFlag::Gone),
        message.queue(),
        message.is(RowFlag::Expired),
    ) {
        (true, ..) => '-',
        (_, Some(Queue::Active), _) => '*',
        (_, Some(Queue::Hold), _) => '!',
        (_, _, true) => '#',
        _ => ' ',
    }
}

fn text<'a>(
    app: &'a App,
    message: &Row,
    detail: Option<&'a Detail>,
    column: TextColumn,
) -> &'a str {
    let detail_or = |field: fn(&Detail) -> &String, otherwise: &'a str| {
        detail.map_or(otherwise, |detail| field(detail).as_str())
    };
    match column {
        TextColumn::Sender => match detail_or(|d| &d.sender, app.index.sender(message)) {
            "" => "<>",
            sender => sender,
        },
        TextColumn::Recipient => detail_or(|d| &d.recipients, ""),
        TextColumn::Reason => detail_or(|d| &d.reason, app.index.reason(message)),
        TextColumn::Subject => detail_or(|d| &d.subject, ""),
    }
}

fn style(app: &App, message: &Row, place: usize) -> Style {
    let theme = app.theme;
    let style = match message.queue() {
        _ if message.is(RowFlag::Gone) => theme.faint(),
        _ if message.is(RowFlag::Tagged) => theme.marked(),
        Some(Queue::Active) => theme.active(),
        Some(Queue::Hold) => theme.hold(),
        _ => Style::new(),
    };
    if place == app.cursor {
        style.patch(theme.cursor()).remove_modifier(Modifier::DIM)
    } else {
        style
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_every_width() {
        for width in 40..=300 {
            let columns = ListColumns::of(width, 15);
            let fixed = 7 + columns.id + AGE + SIZE + COUNT;
            let texts: usize = columns.texts.iter().map(|(_, w)| w + 1).sum();
            let least = fixed + columns.texts.len();
            assert_eq!(fixed + texts, width.max(least), "{width}");
            let heading = heading(&columns).chars().count();
            assert!(heading <= fixed + texts || width < 60, "{width}: {heading}");
        }
    }
}
