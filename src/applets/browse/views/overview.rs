//! The overview: the queues with the ages of their messages, and the commonest
//! senders, recipient domains and reasons.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::app::App;
use super::super::overview_state::Table;
use super::row;
use super::text::{fit, short_age, short_bytes, short_number};

use crate::listing::{AGE_LIMITS, CountBy, Group};

/// The widths of the columns: number, bytes, oldest.
const COUNT: usize = 7;
const BYTES: usize = 6;
const OLDEST: usize = 6;
/// The width of the number where there is little room.
const NARROW: usize = 6;
/// The width of the name of a queue.
const QUEUE: usize = 8;
/// The width of a cell of the ages.
const CELL: usize = 5;
/// The width from which the queues are shown with bytes and the oldest message.
const WITH_BYTES: usize = 78;
/// The number of shades of a cell, besides none.
const LEVELS: u64 = 4;

/// Draws the overview.
pub fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    app.height = usize::from(area.height).max(1);
    let [queues, others @ ..] = app.overview.tables.as_slice() else {
        let text = match app.overview.problem.as_str() {
            "" => "counting",
            problem => problem,
        };
        let text = fit(text, usize::from(area.width), app.theme.characters);
        frame.render_widget(Line::raw(text), row(area, 1));
        return;
    };
    let used = draw_queues(frame, app, queues, area);
    let mut rest = Rect {
        y: area.y.saturating_add(used),
        height: area.height.saturating_sub(used),
        ..area
    };
    let mut left = u16::try_from(others.len()).unwrap_or(1);
    for (place, table) in (1usize..).zip(others) {
        let height = rest.height / left.max(1);
        let part = Rect { height, ..rest };
        draw_table(frame, app, (place, table), part);
        rest.y = rest.y.saturating_add(height);
        rest.height = rest.height.saturating_sub(height);
        left = left.saturating_sub(1);
    }
}

/// The columns that every table has.
fn numbers(app: &App, group: &Group) -> String {
    format!(
        "{:>COUNT$} {:>BYTES$} {:>OLDEST$}",
        short_number(group.count),
        short_bytes(group.bytes),
        short_age(app.now().saturating_sub(group.oldest)),
    )
}

/// Draws the queues and their ages; returns the number of lines.
fn draw_queues(frame: &mut Frame<'_>, app: &App, table: &Table, area: Rect) -> u16 {
    let theme = app.theme;
    let width = usize::from(area.width);
    let heading = fit(&queue_heading(width), width, theme.characters);
    frame.render_widget(Line::styled(heading, theme.heading()), row(area, 0));
    let counts = app.overview.ages.iter().flat_map(|(_, counts)| counts);
    let most = counts.max().copied().unwrap_or(0).max(1);
    for (number, (queue, group)) in (1u16..).zip(&table.rows) {
        let style = cursor(app, (0, usize::from(number).saturating_sub(1)));
        let name = String::from_utf8_lossy(queue);
        let name = fit(&name, QUEUE, theme.characters);
        let start = if width >= WITH_BYTES {
            format!("{} {name}", numbers(app, group))
        } else {
            format!("{:>NARROW$} {name}", short_number(group.count))
        };
        let mut spans = vec![Span::styled(start, style)];
        let ages = app.overview.ages.iter().find(|(known, _)| known == queue);
        for count in ages.map_or(&[][..], |(_, counts)| counts) {
            spans.push(cell(app, *count, most));
        }
        frame.render_widget(Line::from(spans), row(area, number));
    }
    // A blank line follows.
    let rows = u16::try_from(table.rows.len()).unwrap_or(0);
    rows.saturating_add(2)
}

/// The heading of the queues and their ages.
fn queue_heading(width: usize) -> String {
    let mut heading = if width >= WITH_BYTES {
        format!(
            "{:>COUNT$} {:>BYTES$} {:>OLDEST$} {:QUEUE$}",
            "NUMBER", "BYTES", "OLDEST", "QUEUE"
        )
    } else {
        format!("{:>NARROW$} {:QUEUE$}", "NUMBER", "QUEUE")
    };
    for limit in AGE_LIMITS {
        heading.push_str(&format!("{:>CELL$}", format!("<{}", short_age(limit))));
    }
    let last = AGE_LIMITS.last().copied().unwrap_or(0);
    heading + &format!("{:>CELL$}", format!(">{}", short_age(last)))
}

/// A cell of the ages: the number, and a shade for its share of the largest
/// one.
fn cell(app: &App, count: u64, most: u64) -> Span<'static> {
    let level = match count {
        0 => 0,
        count => count.saturating_mul(LEVELS).div_ceil(most).clamp(1, LEVELS),
    };
    let level = usize::try_from(level).unwrap_or(0);
    let number = match count {
        0 => ".".to_owned(),
        count => short_number(count),
    };
    let width = CELL.saturating_sub(1);
    let text = format!("{number:>width$}{}", app.theme.shade(level));
    Span::styled(text, app.theme.heat(level))
}

fn draw_table(frame: &mut Frame<'_>, app: &App, (place, table): (usize, &Table), area: Rect) {
    let theme = app.theme;
    let width = usize::from(area.width);
    let name = match table.by {
        CountBy::From => "SENDER",
        CountBy::ToDomain => "RECIPIENT DOMAIN",
        _ => "REASON",
    };
    let heading = format!(
        "{:>COUNT$} {:>BYTES$} {:>OLDEST$} {name}",
        "NUMBER", "BYTES", "OLDEST"
    );
    let heading = fit(&heading, width, theme.characters);
    frame.render_widget(Line::styled(heading, theme.heading()), row(area, 0));
    let height = usize::from(area.height.saturating_sub(1));
    let (cursor_table, cursor_row) = app.overview.cursor;
    let top = if cursor_table == place {
        cursor_row.saturating_add(1).saturating_sub(height)
    } else {
        0
    };
    let rows = table.rows.iter().enumerate().skip(top).take(height);
    for (number, (at, counted)) in (1u16..).zip(rows) {
        let value = String::from_utf8_lossy(&counted.0);
        let text = format!("{} {value}", numbers(app, &counted.1));
        let text = fit(&text, width, theme.characters);
        let style = cursor(app, (place, at));
        frame.render_widget(Line::styled(text, style), row(area, number));
    }
}

fn cursor(app: &App, place: (usize, usize)) -> Style {
    if app.overview.cursor == place {
        app.theme.cursor()
    } else {
        Style::new()
    }
}
