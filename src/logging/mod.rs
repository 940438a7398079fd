//! The words that go out: `PROG: severity: text` on standard error and the
//! same text in the mail log.
//!
//! The one place where a message gets its severity, its prefix and its
//! printable form. Does not decide what is worth a message.

mod log;

use std::io;
use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::config::Config;
use crate::release::{Feature, Utf8};

pub use log::{Environment, Log, LogSettings, OpenedAs};

/// Bytes that a pipe takes in one piece.
const ATOMIC_WRITE: usize = 4096;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// What was done.
    Info,
    /// Something odd; the program goes on.
    Warning,
    /// Part of the work cannot be done.
    Error,
    /// The program ends here.
    Fatal,
}

impl Severity {
    /// What precedes the text.
    fn prefix(self) -> &'static str {
        match self {
            Severity::Info => "",
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
            Severity::Fatal => "fatal: ",
        }
    }

    /// The syslog(3) level.
    fn level(self) -> u8 {
        match self {
            Severity::Info => 6,
            Severity::Warning => 4,
            Severity::Error => 3,
            Severity::Fatal => 2,
        }
    }
}

/// A message on its way out.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub text: Vec<u8>,
    /// Where it goes.
    pub audience: Audience,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To standard error and the mail log.
    Everybody,
    /// To the mail log only.
    LogOnly,
}

/// Sends messages of one program to standard error and to the mail log.
#[derive(Debug)]
pub struct Logger {
    program: String,
    utf8: Utf8,
    console: Console,
    /// Not every program has one.
    log: Option<Log>,
}

/// Where messages go besides the mail log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Console {
    /// Standard error, whatever it is.
    StandardError,
    /// Standard error if it is a terminal, else nowhere.
    TerminalOnly,
    /// Nobody.
    Nobody,
}

impl Logger {
    /// Messages of `program` before its configuration is known. `log_name` is
    /// what the mail log calls it.
    pub fn new(program: &str, log_name: &str, environment: &Environment) -> Self {
        Self {
            program: program.to_owned(),
            utf8: Utf8::default(),
            console: Console::StandardError,
            log: Some(Log::before_configuration(log_name, environment)),
        }
    }

    /// Messages of the program that runs the mail system: its log lines have
    /// no tag, and it speaks to terminals only. (Observed of postfix(1).)
    pub fn of_mail_system(program: &str, environment: &Environment) -> Self {
        Self {
            console: Console::TerminalOnly,
            log: Some(Log::before_configuration(program, environment).plain()),
            ..Self::without_log(program)
        }
    }

    /// Messages that go to standard error only.
    pub fn without_log(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            utf8: Utf8::default(),
            console: Console::StandardError,
            log: None,
        }
    }

    /// Messages that are discarded.
    pub fn unheard(program: &str) -> Self {
        Self {
            console: Console::Nobody,
            ..Self::without_log(program)
        }
    }

    /// From now on, what the configuration says.
    pub fn configure(&mut self, config: &Config) {
        self.utf8 = Utf8::of(&config.postfix, config.smtputf8_enable);
        if let Some(log) = &mut self.log {
            log.configure(&LogSettings::of(config));
        }
    }

    /// From now on, texts come from the configuration, which made them
    /// printable by its own rule although it cannot be used.
    pub fn pass_on_printable(&mut self) {
        self.utf8 = Utf8::PassedOn;
    }

    /// From now on, what postlogd does not take goes to maillog_file. For
    /// programs that give up their rights and change things afterwards: who
    /// did what has to be on record. Called by root before and, as the mail
    /// owner, after: see [`OpenedAs`].
    ///
    /// # Errors
    ///
    /// Lines will be lost: there is no postlogd, and the file cannot be opened.
    pub fn keep_log_file(&mut self, config: &Config, opened_as: OpenedAs<'_>) -> io::Result<()> {
        let (Some(path), Some(log)) = (&config.maillog_file, &mut self.log) else {
            return Ok(());
        };
        if path != Path::new(log::STDOUT) {
            return log.keep_file(path, opened_as);
        }
        if config.postfix.has(Feature::LogToStdout) {
            log.keep_standard_output();
        }
        Ok(())
    }

    /// Whether lines of the log have their time from this process's zone as it
    /// is, and not as it was when the process was started: syslog(3) does not
    /// look again. (Observed with Postfix 3.7.11.)
    pub fn stamps_in_new_zone(&self) -> bool {
        self.log.as_ref().is_some_and(Log::stamps_in_new_zone)
    }

    /// A configuration that is known only in part, because it is faulty:
    /// its facility counts already.
    pub fn set_facility(&mut self, facility: u8) {
        if let Some(log) = &mut self.log {
            log.set_facility(facility);
        }
    }

    /// The same, for its syslog_name.
    pub fn set_tag(&mut self, tag: &[u8]) {
        if let Some(log) = &mut self.log {
            log.set_tag(tag);
        }
    }

    /// What was done.
    pub fn info(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Info, text.as_ref());
    }

    /// Something odd.
    pub fn warning(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Warning, text.as_ref());
    }

    /// Part of the work cannot be done.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Error, text.as_ref());
    }

    /// The last words; the caller ends the program.
    pub fn fatal(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Fatal, text.as_ref());
    }

    /// For the mail log only, in the name of the service whose work this
    /// program does itself: showq for listings.
    pub fn log_as(&mut self, service: &str, severity: Severity, text: impl AsRef<[u8]>) {
        let text = self.printable(text.as_ref());
        if let Some(log) = &mut self.log {
            log.send(Some(service), severity, &text);
        }
    }

    /// For standard error, and not for the mail log: nothing was
    /// done.
    pub fn report(&mut self, severity: Severity, text: impl AsRef<[u8]>) {
        let text = self.printable(text.as_ref());
        let (program, prefix) = (self.program.as_bytes(), severity.prefix().as_bytes());
        self.write(&[program, b": ", prefix, &text, b"\n"].concat());
    }

    /// A line more for a person at a terminal, where a message of Postfix's
    /// leaves out what helps. Programs that read standard error never see it.
    pub fn hint(&mut self, text: impl AsRef<[u8]>) {
        if std::io::stderr().is_terminal() {
            self.report(Severity::Info, text);
        }
    }

    /// A line of getopt(3): standard error only, and as it is.
    pub fn option_error(&mut self, program: &[u8], text: &[u8]) {
        self.write(&[program, b": ", text, b"\n"].concat());
    }

    /// Many messages, in order. As few writes as whole lines allow.
    pub fn send_all(&mut self, entries: impl Iterator<Item = LogEntry>) {
        let mut lines = Vec::new();
        for entry in entries {
            let LogEntry {
                severity,
                mut text,
                audience,
            } = entry;
            self.utf8.make_printable(&mut text);
            let start = lines.len();
            if audience == Audience::Everybody {
                for part in [self.program.as_bytes(), b": ", severity.prefix().as_bytes()] {
                    lines.extend_from_slice(part);
                }
                lines.extend_from_slice(&text);
                lines.push(b'\n');
            }
            if lines.len() > ATOMIC_WRITE {
                let (before, last) = lines.split_at(start);
                self.write(before);
                lines = last.to_vec();
            }
            if let Some(log) = &mut self.log {
                log.send(None, severity, &text);
            }
        }
        self.write(&lines);
    }

    fn send(&mut self, severity: Severity, text: &[u8]) {
        let text = self.printable(text);
        let (program, prefix) = (self.program.as_bytes(), severity.prefix().as_bytes());
        if self.console != Console::TerminalOnly || std::io::stderr().is_terminal() {
            self.write(&[program, b": ", prefix, &text, b"\n"].concat());
        }
        if let Some(log) = &mut self.log {
            log.send(None, severity, &text);
        }
    }

    fn printable(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        self.utf8.make_printable(&mut text);
        text
    }

    /// One write per line, so that lines of several programs do not mix. If
    /// standard error is gone there is nowhere to report it.
    fn write(&self, line: &[u8]) {
        if line.is_empty() || self.console == Console::Nobody {
            return;
        }
        let _ = std::io::stderr().lock().write_all(line);
    }
}
