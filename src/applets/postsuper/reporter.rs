//! Reports each action on standard error and in the mail log and, on request,
//! on standard output and as a progress bar.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;

use super::super::progress::Progress;
use super::delivery::Delivery;
use super::options::{ActionOptions, Verbosity};
use crate::actions::Action;
use crate::actions::report::{ActionObserver, LineSeverity, LogLine, Outcome};
use crate::actions::results;
use crate::logging::{Audience, LogEntry, Logger, Severity};

/// The state that is kept across all reports.
#[derive(Debug, Default)]
pub struct ReportState {
    /// The number of IDs that were invalid or not found.
    pub missing: u64,
    /// The first error in writing standard output.
    pub failed_output: Option<io::Error>,
    /// The reason why delivery is no longer requested.
    pub failed_delivery: Option<String>,
}

/// Reports the results of actions.
pub struct Reporter<'a> {
    logger: &'a mut Logger,
    options: &'a ActionOptions,
    memory: &'a mut ReportState,
    action: Option<Action>,
    progress: &'a Progress,
    delivery: Option<Delivery<'a>>,
    /// The name of the instance, if an option chose it.
    instance: Option<&'a str>,
}

impl<'a> Reporter<'a> {
    /// A reporter for an action or, if it is `None`, for a repair.
    pub fn new(
        logger: &'a mut Logger,
        options: &'a ActionOptions,
        memory: &'a mut ReportState,
        action: Option<Action>,
        progress: &'a Progress,
    ) -> Self {
        Self {
            logger,
            options,
            memory,
            action,
            progress,
            delivery: None,
            instance: None,
        }
    }

    /// Names the instance in results.
    pub fn of_instance(self, instance: Option<&'a str>) -> Self {
        Self { instance, ..self }
    }

    /// Also requests delivery of each moved message.
    pub fn delivering(self, delivery: Option<Delivery<'a>>) -> Self {
        Self { delivery, ..self }
    }

    /// Requests delivery of the moved messages. Stops after the first failure;
    /// otherwise a daemon that is down would be tried for every message.
    fn deliver(&mut self, lines: &[LogLine]) {
        let Some(delivery) = self.delivery else {
            return;
        };
        for action_result in lines.iter().filter_map(|line| line.action_result.as_ref()) {
            if self.memory.failed_delivery.is_some() {
                return;
            }
            let logger = &mut *self.logger;
            if let Err(why) = self.progress.aside(|| delivery.of(action_result, logger)) {
                let text = format!("{why}: what is released waits for the next queue run");
                self.progress.aside(|| self.logger.warning(&text));
                self.memory.failed_delivery = Some(why);
            }
        }
    }

    fn print_results(&mut self, lines: &[LogLine]) {
        let Some(action) = self.action.filter(|_| self.options.results) else {
            return;
        };
        let facts = lines.iter().filter_map(|line| line.action_result.as_ref());
        let text: String = facts
            .map(|action_result| results::json_line(action, action_result, self.instance))
            .collect();
        if let Err(error) = write_stdout(text.as_bytes())
            && self.memory.failed_output.is_none()
        {
            self.memory.failed_output = Some(error);
        }
    }

    fn note_missing(&mut self, lines: &[LogLine]) {
        let is_missing = |line: &&LogLine| {
            let outcome = line
                .action_result
                .as_ref()
                .map(|action_result| action_result.outcome);
            matches!(outcome, Some(Outcome::Invalid | Outcome::NotFound))
        };
        let missing = lines.iter().filter(is_missing).count() as u64;
        self.memory.missing = self.memory.missing.saturating_add(missing);
    }
}

impl ActionObserver for Reporter<'_> {
    fn lines(&mut self, lines: &[LogLine]) {
        self.note_missing(lines);
        self.print_results(lines);
        let comment = self.options.comment.as_deref();
        let verbosity = self.options.verbosity;
        let entry = |line: &LogLine| {
            let (severity, text) = match line.severity {
                LineSeverity::Done => (Severity::Info, with_comment(&line.text, comment)),
                LineSeverity::Warning => (Severity::Warning, line.text.clone()),
                LineSeverity::Quiet => return None,
            };
            let audience = match (line.severity, verbosity) {
                (LineSeverity::Done, Verbosity::Summary) => Audience::LogOnly,
                _ => Audience::Everybody,
            };
            Some(LogEntry {
                severity,
                text,
                audience,
            })
        };
        let entries = lines.iter().filter_map(entry);
        let logger = &mut *self.logger;
        self.progress.aside(|| logger.send_all(entries));
        self.deliver(lines);
    }

    fn pause(&mut self) {}

    fn passed(&mut self, pieces: usize) {
        self.progress.add(pieces);
    }
}

/// Appends the comment to a text.
pub fn with_comment(text: &[u8], comment: Option<&str>) -> Vec<u8> {
    match comment {
        Some(comment) => [text, b" (", comment.as_bytes(), b")"].concat(),
        None => text.to_vec(),
    }
}

/// Writes to standard output without buffering.
fn write_stdout(text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let copy = io::stdout().as_fd().try_clone_to_owned()?;
    File::from(copy).write_all(text)
}
