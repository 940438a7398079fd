//! The view of one message.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::app::{App, BrowseView};
use super::super::message_state::{LineKind, Shown};
use super::row;
use super::text::fit;

/// Draws the message.
pub fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    app.height = usize::from(area.height.saturating_sub(1)).max(1);
    let (theme, height) = (app.theme, app.height);
    let BrowseView::Message(state) = &mut app.view else {
        return;
    };
    let width = usize::from(area.width);
    let title = match (&state.text, state.shown) {
        (None, _) => "reading the message".to_owned(),
        (Some(text), Shown::Message) => format!("{}  (v: the records of the file)", text.id),
        (Some(text), Shown::Records) => format!("{}  (v: the message)", text.id),
    };
    let title = fit(&title, width, theme.characters);
    frame.render_widget(Line::styled(title, theme.heading()), row(area, 0));
    let needle = state.needle.clone();
    let last = state
        .lines(width, theme.characters)
        .len()
        .saturating_sub(height);
    state.top = state.top.min(last);
    let top = state.top;
    let lines = state.lines(width, theme.characters).iter().skip(top);
    for (number, (kind, text)) in (1u16..).zip(lines.take(height)) {
        let is_found = !needle.is_empty() && text.to_lowercase().contains(&needle);
        let style = match kind {
            _ if is_found => theme.marked(),
            LineKind::Heading => theme.heading(),
            LineKind::Named => theme.active(),
            LineKind::Note => theme.warning(),
            LineKind::Plain => Style::new(),
        };
        frame.render_widget(Line::styled(text.as_str(), style), row(area, number));
    }
}
