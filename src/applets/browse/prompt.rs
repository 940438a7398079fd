//! A line that the user types: selection options, a text, or a word that
//! confirms.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::filter;

/// The largest number of characters of a line.
const LENGTH_MAX: usize = 1000;

/// The purpose of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptPurpose {
    /// Selection options.
    Filter,
    /// A text that listed messages contain.
    ListText,
    /// A text to find in a message.
    MessageText,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The line goes on.
    More,
    /// The line is complete.
    Done,
    /// The user does not want it.
    Cancelled,
}

/// A line under construction.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub purpose: PromptPurpose,
    /// The text so far.
    pub text: String,
    /// What is wrong with it, or how it can go on.
    pub hint: String,
}

impl Prompt {
    /// A line that begins with a text.
    pub fn new(purpose: PromptPurpose, text: impl Into<String>) -> Self {
        Self {
            purpose,
            text: text.into(),
            hint: String::new(),
        }
    }

    /// The words before the text.
    pub fn label(&self) -> &'static str {
        match self.purpose {
            PromptPurpose::Filter => "filter: ",
            PromptPurpose::ListText => "text: ",
            PromptPurpose::MessageText => "search: ",
        }
    }

    /// Handles a key.
    pub fn key(&mut self, key: &KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Typed::Done,
            KeyCode::Esc => return Typed::Cancelled,
            KeyCode::Char('c' | 'g') if control => return Typed::Cancelled,
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char('w') if control => {
                let end = self.text.trim_end().rfind(' ');
                self.text
                    .truncate(end.map_or(0, |end| end.saturating_add(1)));
            }
            KeyCode::Char('h') if control => drop(self.text.pop()),
            KeyCode::Backspace => drop(self.text.pop()),
            KeyCode::Tab if self.purpose == PromptPurpose::Filter => {
                self.complete();
                return Typed::More;
            }
            KeyCode::Char(c) if !control && !c.is_control() && self.text.len() < LENGTH_MAX => {
                self.text.push(c);
            }
            _ => {}
        }
        self.hint.clear();
        Typed::More
    }

    fn complete(&mut self) {
        match filter::completed(&self.text) {
            Some(text) => {
                self.text = text;
                self.hint.clear();
            }
            None => self.hint = filter::candidates(&self.text).join(" "),
        }
    }
}
