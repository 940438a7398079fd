//! Draws the list of instances: one row for each, in columns that fit the width.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::views::dialog::{Styled, draw_lines, help_line};
use super::super::views::text::{fit, short_age, short_bytes, short_number};
use super::super::views::{body, key_line, prompt_line, row};
use super::instance_row::InstanceRow;
use super::list_keys::HELP;
use super::report::InstanceCounts;
use super::state::InstanceList;
use crate::spool::Queue;
use crate::sys::time;

/// The widths of the columns: number, bytes, oldest, and each queue.
const COUNT: usize = 7;
const BYTES: usize = 6;
const OLDEST: usize = 6;
const QUEUE: usize = 8;
/// The width of the name where the directory is shown.
const NAME: usize = 24;
/// The widths from which more queues, and the directory, are shown.
const WITH_ACTIVE: usize = 76;
const WITH_DIRECTORY: usize = 110;

/// The columns for a width.
struct InstanceColumns {
    name: usize,
    queues: &'static [Queue],
    directory: usize,
}

impl InstanceColumns {
    fn of(width: usize) -> Self {
        let queues: &[Queue] = match width {
            WITH_DIRECTORY.. => &Queue::LISTED,
            WITH_ACTIVE.. => &[Queue::Active, Queue::Deferred, Queue::Hold],
            _ => &[Queue::Deferred, Queue::Hold],
        };
        let each = QUEUE.saturating_add(1);
        let numbers = [COUNT, BYTES, OLDEST].iter().map(|w| w.saturating_add(1));
        let numbers: usize = numbers.sum::<usize>().saturating_add(queues.len() * each);
        let rest = width.saturating_sub(numbers);
        if width >= WITH_DIRECTORY {
            let directory = rest.saturating_sub(NAME).saturating_sub(1);
            return Self {
                name: NAME,
                queues,
                directory,
            };
        }
        Self {
            name: rest,
            queues,
            directory: 0,
        }
    }
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, list: &mut InstanceList) {
    let area = frame.area();
    let Some(body) = body(frame) else {
        return;
    };
    list.height = usize::from(body.height.saturating_sub(1)).max(1);
    list.arrange();
    list.keep_cursor_visible();
    first_line(frame, list, row(area, 0));
    draw_rows(frame, list, body);
    if let Some(top) = list.help {
        let lines: Vec<Styled> = HELP
            .iter()
            .skip(top)
            .map(|help| (help_line(help), Style::new()))
            .collect();
        draw_lines(frame, lines, list.theme, body);
    }
    status_line(frame, list, row(area, area.height.saturating_sub(2)));
    let keys = HELP.iter().map(|help| (help, true));
    let last = row(area, area.height.saturating_sub(1));
    key_line(frame, keys, "", list.theme, last);
}

/// The sums of all instances.
fn first_line(frame: &mut Frame<'_>, list: &InstanceList, area: Rect) {
    let rows = list.rows();
    let counted = || rows.iter().filter_map(|row| row.counts.as_ref());
    let sum = |number: fn(&InstanceCounts) -> u64| {
        counted().fold(0u64, |sum, counts| sum.saturating_add(number(counts)))
    };
    let s = if rows.len() == 1 { "" } else { "s" };
    let mut parts = vec![
        format!("{} instance{s}", rows.len()),
        format!("{} messages", short_number(sum(InstanceCounts::messages))),
        short_bytes(sum(|counts| counts.measured.map_or(0, |(bytes, _)| bytes))),
    ];
    let problems = rows.iter().filter(|row| !row.problem.is_empty()).count();
    if problems > 0 {
        parts.push(format!("{problems} cannot be read"));
    }
    parts.push(format!("by {}", list.order.name()));
    let state = if list.is_counting { " counting " } else { "" };
    let left = usize::from(area.width).saturating_sub(state.len());
    let text = format!(" {}", parts.join("  "));
    let text = fit(&text, left, list.theme.characters) + state;
    frame.render_widget(Line::styled(text, list.theme.bar()), area);
}

fn draw_rows(frame: &mut Frame<'_>, list: &InstanceList, area: Rect) {
    let theme = list.theme;
    let width = usize::from(area.width);
    let columns = InstanceColumns::of(width);
    let heading = fit(&heading(&columns), width, theme.characters);
    frame.render_widget(Line::styled(heading, theme.heading()), row(area, 0));
    let visible = list.top..list.top.saturating_add(list.height);
    for (number, place) in (1u16..).zip(visible) {
        let Some(instance) = list.at(place) else {
            break;
        };
        let name = fit(&instance.label(), columns.name, theme.characters);
        let text = format!("{name} {}", numbers(instance, &columns));
        let text = fit(&text, width, theme.characters);
        let style = if place == list.cursor {
            theme.cursor()
        } else if !instance.problem.is_empty() {
            theme.warning()
        } else {
            Style::new()
        };
        frame.render_widget(Line::styled(text, style), row(area, number));
    }
    if list.len() == 0 {
        let text = "no instance has this text in its name or directory";
        frame.render_widget(Line::raw(text), row(area, 2));
    }
}

fn heading(columns: &InstanceColumns) -> String {
    let name = columns.name;
    let mut line = format!(
        "{:name$} {:>COUNT$} {:>BYTES$} {:>OLDEST$}",
        "INSTANCE", "NUMBER", "BYTES", "OLDEST"
    );
    for queue in columns.queues {
        line.push_str(&format!(" {:>QUEUE$}", queue.name().to_uppercase()));
    }
    if columns.directory > 0 {
        line.push_str(" DIRECTORY");
    }
    line
}

/// What follows the name: the numbers, or why there are none.
fn numbers(instance: &InstanceRow, columns: &InstanceColumns) -> String {
    let Some(counts) = instance.counts else {
        return match instance.problem.as_str() {
            "" => format!("{:>COUNT$}", "..."),
            problem => problem.to_owned(),
        };
    };
    let unknown = || "...".to_owned();
    let bytes = counts
        .measured
        .map_or_else(unknown, |(b, _)| short_bytes(b));
    let oldest = counts.measured.map_or_else(unknown, |(_, oldest)| {
        if counts.messages() == 0 || oldest == i64::MAX {
            return "-".to_owned();
        }
        short_age(time::now().saturating_sub(oldest))
    });
    let messages = short_number(counts.messages());
    let mut line = format!("{messages:>COUNT$} {bytes:>BYTES$} {oldest:>OLDEST$}");
    for queue in columns.queues {
        let place = Queue::LISTED.iter().position(|listed| listed == queue);
        let count = place.and_then(|place| counts.queues.get(place));
        let count = short_number(count.copied().unwrap_or(0));
        line.push_str(&format!(" {count:>QUEUE$}"));
    }
    if columns.directory > 0 {
        line.push_str(&format!(" {}", instance.shown_directory()));
    }
    line
}

/// The text that is typed, what happened last, or more about the instance under
/// the cursor.
fn status_line(frame: &mut Frame<'_>, list: &InstanceList, area: Rect) {
    let theme = list.theme;
    if let Some(prompt) = &list.prompt {
        prompt_line(frame, prompt, theme, area);
        return;
    }
    let columns = usize::from(area.width);
    let (text, style) = match list.at(list.cursor) {
        _ if !list.status.is_empty() => (list.status.clone(), theme.warning()),
        Some(row) if !row.problem.is_empty() => (row.problem.clone(), theme.warning()),
        Some(row) => (row.shown_directory(), Style::new()),
        None => (String::new(), Style::new()),
    };
    let text = match list.needle.as_str() {
        "" => text,
        needle => format!("text: {needle}  {text}"),
    };
    let text = fit(&text, columns, theme.characters);
    frame.render_widget(Line::styled(text, style), area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_every_width() {
        for width in 60..=300 {
            let columns = InstanceColumns::of(width);
            let row = InstanceRow {
                counts: Some(InstanceCounts::default()),
                ..InstanceRow::default()
            };
            let numbers = numbers(&row, &columns).chars().count();
            let used = columns.name + 1 + numbers + columns.directory;
            assert_eq!(used, width, "{width}");
        }
    }
}
