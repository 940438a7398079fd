//! Where the work is told of: standard error and the mail log; standard
//! output and a progress bar if that is wished.
//!
//! Owns what is said with each act. What was done is `spool::note`'s business.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::delivery::Delivery;
use super::wishes::{Verbosity, Wishes};
use crate::acting::results;
use crate::applets::progress::Progress;
use crate::diag::{Audience, Diag, Entry, Severity};
use crate::spool::actions::Action;
use crate::spool::note::{Fate, Journal, Line, Weight};

/// What is remembered of all that was told.
#[derive(Debug, Default)]
pub struct Memory {
    /// IDs that were invalid or not there.
    pub missing: u64,
    /// Why standard output could not be written first.
    pub failed_output: Option<io::Error>,
    /// Why messages cannot be handed on for delivery any more.
    pub failed_delivery: Option<String>,
}

/// Hears of the work and passes it on.
pub struct Told<'a> {
    diag: &'a mut Diag,
    wishes: &'a Wishes,
    memory: &'a mut Memory,
    action: Option<Action>,
    progress: &'a Progress,
    delivery: Option<Delivery<'a>>,
}

impl<'a> Told<'a> {
    /// Tells of an action, or of a repair.
    pub fn new(
        diag: &'a mut Diag,
        wishes: &'a Wishes,
        memory: &'a mut Memory,
        action: Option<Action>,
        progress: &'a Progress,
    ) -> Self {
        Self {
            diag,
            wishes,
            memory,
            action,
            progress,
            delivery: None,
        }
    }

    /// The same, and each message that was moved is handed on for delivery.
    pub fn delivering(self, delivery: Option<Delivery<'a>>) -> Self {
        Self { delivery, ..self }
    }

    /// Hands on what was moved. After the first failure nothing more is
    /// tried: a daemon that is down would be tried for every message.
    fn deliver(&mut self, lines: &[Line]) {
        let Some(delivery) = self.delivery else {
            return;
        };
        for fact in lines.iter().filter_map(|line| line.fact.as_ref()) {
            if self.memory.failed_delivery.is_some() {
                return;
            }
            let diag = &mut *self.diag;
            if let Err(why) = self.progress.aside(|| delivery.of(fact, diag)) {
                let text = format!("{why}: what is released waits for the next queue run");
                self.progress.aside(|| self.diag.warning(&text));
                self.memory.failed_delivery = Some(why);
            }
        }
    }

    fn print_results(&mut self, lines: &[Line]) {
        let Some(action) = self.action.filter(|_| self.wishes.results) else {
            return;
        };
        let facts = lines.iter().filter_map(|line| line.fact.as_ref());
        let text: String = facts.map(|fact| results::json_line(action, fact)).collect();
        if let Err(error) = write_stdout(text.as_bytes())
            && self.memory.failed_output.is_none()
        {
            self.memory.failed_output = Some(error);
        }
    }

    fn note_missing(&mut self, lines: &[Line]) {
        let is_missing = |line: &&Line| {
            let fate = line.fact.as_ref().map(|fact| fact.fate);
            matches!(fate, Some(Fate::Invalid | Fate::NotFound))
        };
        let missing = lines.iter().filter(is_missing).count() as u64;
        self.memory.missing = self.memory.missing.saturating_add(missing);
    }
}

impl Journal for Told<'_> {
    fn lines(&mut self, lines: &[Line]) {
        self.note_missing(lines);
        self.print_results(lines);
        let comment = self.wishes.comment.as_deref();
        let verbosity = self.wishes.verbosity;
        let entry = |line: &Line| {
            let (severity, text) = match line.weight {
                Weight::Done => (Severity::Info, with_comment(&line.text, comment)),
                Weight::Odd => (Severity::Warning, line.text.clone()),
                Weight::Quiet => return None,
            };
            let audience = match (line.weight, verbosity) {
                (Weight::Done, Verbosity::Summary) => Audience::LogOnly,
                _ => Audience::Everybody,
            };
            Some(Entry {
                severity,
                text,
                audience,
            })
        };
        let entries = lines.iter().filter_map(entry);
        let diag = &mut *self.diag;
        self.progress.aside(|| diag.send_all(entries));
        self.deliver(lines);
    }

    fn pause(&mut self) {}

    fn passed(&mut self, pieces: usize) {
        self.progress.add(pieces);
    }
}

/// A text with the comment behind it.
pub fn with_comment(text: &[u8], comment: Option<&str>) -> Vec<u8> {
    match comment {
        Some(comment) => [text, b" (", comment.as_bytes(), b")"].concat(),
        None => text.to_vec(),
    }
}

/// Writes to standard output without a buffer of its own.
fn write_stdout(text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let copy = io::stdout().as_fd().try_clone_to_owned()?;
    File::from(copy).write_all(text)
}
