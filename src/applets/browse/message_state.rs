//! The view of one message: its lines, where the screen is in them, and the
//! text that is searched.

use super::details::MessageDetails;
use super::theme::Characters;
use super::views::text::{clean, wrap};

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A heading.
    Heading,
    /// Something that is named.
    Named,
    /// Plain text.
    Plain,
    /// A note of the program.
    Note,
}

/// The shown form of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Envelope, recipients, headers and body.
    #[default]
    Message,
    /// The records of the file.
    Records,
}

/// The direction of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// The next one.
    Next,
    /// The one before.
    Previous,
}

/// The lines for a width.
#[derive(Debug, Default)]
struct Lines {
    width: usize,
    shown: Shown,
    all: Vec<(LineKind, String)>,
}

/// The state of the view.
#[derive(Debug, Default)]
pub struct MessageState {
    /// The message; `None` until it has been read.
    pub text: Option<MessageDetails>,
    /// The form in which it is shown.
    pub shown: Shown,
    /// The first line of the screen.
    pub top: usize,
    /// The text that is searched, in lower case.
    pub needle: String,
    /// The line of the last match, unless the screen has been moved since. It need
    /// not be the first one of the screen, which ends with the last line.
    pub found: Option<usize>,
    lines: Option<Lines>,
}

impl MessageState {
    /// The lines for a width.
    pub fn lines(&mut self, width: usize, characters: Characters) -> &[(LineKind, String)] {
        let is_current = |lines: &Lines| lines.width == width && lines.shown == self.shown;
        if !self.lines.as_ref().is_some_and(is_current)
            && let Some(text) = &self.text
        {
            let all = match self.shown {
                Shown::Message => message_lines(text, width, characters),
                Shown::Records => wrapped(&text.records, width, characters),
            };
            self.lines = Some(Lines {
                width,
                shown: self.shown,
                all,
            });
        }
        self.lines.as_ref().map_or(&[], |lines| &lines.all)
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.lines.as_ref().map_or(0, |lines| lines.all.len())
    }

    /// Switches between the message and its records.
    pub fn switch(&mut self) {
        self.shown = match self.shown {
            Shown::Message => Shown::Records,
            Shown::Records => Shown::Message,
        };
        self.go_to(0);
    }

    /// Moves the screen. A search begins there.
    pub fn go_to(&mut self, top: usize) {
        self.top = top;
        self.found = None;
    }

    /// The next line that contains the text after the last match, or after the
    /// first line of the screen; or the previous one.
    pub fn find(&self, towards: Towards) -> Option<usize> {
        let lines = self.lines.as_ref()?;
        let start = self.found.unwrap_or(self.top);
        let is_match = |(_, (_, line)): &(usize, &(LineKind, String))| {
            line.to_lowercase().contains(&self.needle)
        };
        let mut numbered = lines.all.iter().enumerate();
        let found = match towards {
            Towards::Next => numbered.skip(start.saturating_add(1)).find(is_match),
            Towards::Previous => numbered.by_ref().take(start).filter(is_match).last(),
        };
        found.map(|(place, _)| place)
    }
}

fn wrapped(lines: &[String], width: usize, characters: Characters) -> Vec<(LineKind, String)> {
    let wrap = |line: &String| wrap(&clean(line, characters), width);
    let lines = lines.iter().flat_map(wrap);
    lines.map(|line| (LineKind::Plain, line)).collect()
}

fn message_lines(
    text: &MessageDetails,
    width: usize,
    characters: Characters,
) -> Vec<(LineKind, String)> {
    let mut lines = Vec::new();
    let mut put = |kind, line: &str| {
        for line in wrap(&clean(line, characters), width) {
            lines.push((kind, line));
        }
    };
    for (name, value) in &text.envelope {
        put(LineKind::Named, &format!("{name:>9}: {value}"));
    }
    put(LineKind::Plain, "");
    let s = if text.recipients.len() == 1 { "" } else { "s" };
    put(
        LineKind::Heading,
        &format!("{} recipient{s}", text.recipients.len()),
    );
    for (address, reason) in &text.recipients {
        put(LineKind::Named, &format!("  {address}"));
        if !reason.is_empty() {
            put(LineKind::Plain, &format!("    {reason}"));
        }
    }
    if !text.headers.is_empty() || !text.body.is_empty() {
        put(LineKind::Plain, "");
        put(LineKind::Heading, "Message");
    }
    for (name, value) in &text.headers {
        put(LineKind::Named, &format!("{name}: {value}"));
    }
    if !text.body.is_empty() {
        put(LineKind::Plain, "");
    }
    for line in &text.body {
        put(LineKind::Plain, line);
    }
    for note in &text.notes {
        put(LineKind::Note, note);
    }
    lines
}
