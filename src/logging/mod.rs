//! Messages of the program: `PROG: severity: text` on standard error, and the
//! same text in the mail log.
//!
//! The only place where a message gets its severity, its prefix and its
//! printable form. Callers decide which messages are sent.

mod log;
mod log_socket;

use std::io;
use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::config::Config;
use crate::release::{Feature, Utf8};

pub use log::{Environment, Log, LogSettings, OpenedAs, Sender};

/// The number of bytes that are written to a pipe without being split.
const ATOMIC_WRITE: usize = 4096;
/// The number of bytes of messages that are kept at most.
const KEPT_MAX: usize = 256 * 1024;

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// An action was carried out.
    Info,
    /// Something unexpected happened; the program continues.
    Warning,
    /// A part of the work cannot be done.
    Error,
    /// The program ends with this message.
    Fatal,
}

impl Severity {
    /// The text between the program's name and the message.
    fn prefix(self) -> &'static str {
        match self {
            Severity::Info => "",
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
            Severity::Fatal => "fatal: ",
        }
    }

    /// The level of syslog(3).
    fn level(self) -> u8 {
        match self {
            Severity::Info => 6,
            Severity::Warning => 4,
            Severity::Error => 3,
            Severity::Fatal => 2,
        }
    }
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Its severity.
    pub severity: Severity,
    /// Its text.
    pub text: Vec<u8>,
    /// Its destinations.
    pub audience: Audience,
}

/// The destinations of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Standard error and the mail log.
    Everybody,
    /// The mail log only.
    LogOnly,
}

/// Sends the messages of a program to standard error and the mail log.
#[derive(Debug)]
pub struct Logger {
    program: String,
    utf8: Utf8,
    console: Console,
    /// What would be on standard error, for [`Console::Kept`].
    kept: Vec<u8>,
    /// The mail log; `None` for a program that does not log.
    log: Option<Log>,
    /// The text of the first option error, without a prefix; empty if there was
    /// none.
    option_error: Vec<u8>,
    /// The text of the last other error.
    last_error: Vec<u8>,
}

/// The destination of messages besides the mail log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Console {
    /// Standard error.
    StandardError,
    /// Standard error if it is a terminal.
    TerminalOnly,
    /// None.
    Null,
    /// A buffer of the logger.
    Kept,
}

impl Logger {
    /// The logger of `program` before its configuration is read. `log_name` is
    /// the program's name in the mail log.
    pub fn new(program: &str, log_name: &str, environment: &Environment) -> Self {
        Self {
            program: program.to_owned(),
            utf8: Utf8::default(),
            console: Console::StandardError,
            kept: Vec::new(),
            log: Some(Log::before_configuration(log_name, environment)),
            option_error: Vec::new(),
            last_error: Vec::new(),
        }
    }

    /// The logger of the program that runs the mail system: its log lines have
    /// no tag, and it writes to terminals only. Observed with postfix(1) until
    /// 3.7.
    pub fn of_mail_system(program: &str, environment: &Environment) -> Self {
        Self {
            console: Console::TerminalOnly,
            log: Some(Log::before_configuration(program, environment).plain()),
            ..Self::without_log(program)
        }
    }

    /// Makes it write to standard error from now on, terminal or not.
    pub fn write_to_any_standard_error(&mut self) {
        self.console = Console::StandardError;
    }

    /// A logger that writes to standard error only.
    pub fn without_log(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            utf8: Utf8::default(),
            console: Console::StandardError,
            kept: Vec::new(),
            log: None,
            option_error: Vec::new(),
            last_error: Vec::new(),
        }
    }

    /// A logger that discards all messages.
    pub fn unheard(program: &str) -> Self {
        Self {
            console: Console::Null,
            ..Self::without_log(program)
        }
    }

    /// Keeps later messages for [`Logger::take_kept`] instead of writing them to
    /// standard error, for programs that own the screen.
    pub fn keep(&mut self) {
        self.console = Console::Kept;
    }

    /// Returns the messages kept since the last call, as lines.
    pub fn take_kept(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// Sends nothing to the mail log from now on: the same messages are sent
    /// again and again, and have been logged once.
    pub fn stop_logging(&mut self) {
        self.log = None;
    }

    /// Applies the configuration to later messages.
    pub fn configure(&mut self, config: &Config) {
        self.utf8 = Utf8::of(&config.postfix, config.smtputf8_enable);
        if let Some(log) = &mut self.log {
            log.configure(&LogSettings::of(config));
        }
    }

    /// Leaves UTF-8 in later texts unchanged. They come from a configuration
    /// that cannot be used but has already made them printable by its own rule.
    pub fn pass_on_printable(&mut self) {
        self.utf8 = Utf8::PassedOn;
    }

    /// Opens maillog_file for messages that postlogd does not accept. For
    /// programs that change files after giving up their rights, so that their
    /// actions are recorded. Called as root before that and as the mail owner
    /// afterwards: see [`OpenedAs`].
    ///
    /// # Errors
    ///
    /// Messages will be lost: no postlogd is running, and the file cannot be
    /// opened.
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

    /// Whether times in the log are in the current time zone of this process,
    /// rather than in the one at its start, as with syslog(3). Observed with
    /// Postfix 3.7.11.
    pub fn stamps_in_new_zone(&self) -> bool {
        self.log.as_ref().is_some_and(Log::stamps_in_new_zone)
    }

    /// Applies the facility of a configuration that has an error in another
    /// setting.
    pub fn set_facility(&mut self, facility: u8) {
        if let Some(log) = &mut self.log {
            log.set_facility(facility);
        }
    }

    /// Applies the syslog_name of a configuration that has an error in another
    /// setting.
    pub fn set_tag(&mut self, tag: &[u8]) {
        if let Some(log) = &mut self.log {
            log.set_tag(tag);
        }
    }

    /// Reports an action.
    pub fn info(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Info, text.as_ref());
    }

    /// Reports something unexpected.
    pub fn warning(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Warning, text.as_ref());
    }

    /// Carries out work that collects warnings, and reports them. They precede the
    /// error if there is one, which is left to the caller.
    pub fn warned<T>(&mut self, work: impl FnOnce(&mut Vec<String>) -> T) -> T {
        let mut warnings = Vec::new();
        let done = work(&mut warnings);
        for warning in warnings {
            self.warning(warning);
        }
        done
    }

    /// Reports that a part of the work cannot be done.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Error, text.as_ref());
    }

    /// Reports a fatal error. The caller ends the program.
    pub fn fatal(&mut self, text: impl AsRef<[u8]>) {
        self.send(Severity::Fatal, text.as_ref());
    }

    /// Reports that Postfix's child process cannot run its program, as that child
    /// does.
    pub fn fatal_of_child(&mut self, text: impl AsRef<[u8]>) {
        self.report(Severity::Fatal, &text);
        let text = self.printable(text.as_ref());
        if let Some(log) = &mut self.log {
            log.send(Sender::FailedChild, [(Severity::Fatal, text.as_slice())]);
        }
    }

    /// Logs in the mail log only, in the name of the service whose work this
    /// program does itself: showq for listings.
    pub fn log_as(&mut self, service: &str, severity: Severity, text: impl AsRef<[u8]>) {
        let text = self.printable(text.as_ref());
        if let Some(log) = &mut self.log {
            log.send(Sender::Service(service), [(severity, text.as_slice())]);
        }
    }

    /// Reports on standard error only, for calls that change nothing.
    pub fn report(&mut self, severity: Severity, text: impl AsRef<[u8]>) {
        let text = self.printable(text.as_ref());
        let (program, prefix) = (self.program.as_bytes(), severity.prefix().as_bytes());
        self.write(&[program, b": ", prefix, &text, b"\n"].concat());
    }

    /// Prints an additional line on a terminal only, to help where a message of
    /// Postfix's does not. Programs that read standard error never see it.
    pub fn hint(&mut self, text: impl AsRef<[u8]>) {
        if std::io::stderr().is_terminal() {
            self.report(Severity::Info, text);
        }
    }

    /// Prints an option error of getopt(3), unchanged and on standard error
    /// only.
    pub fn option_error(&mut self, program: &[u8], text: &[u8]) {
        if self.option_error.is_empty() {
            self.option_error = text.to_vec();
        }
        self.write(&[program, b": ", text, b"\n"].concat());
    }

    /// Sends several messages in order, with as few system calls as possible
    /// without splitting lines. All of them are in memory at once.
    pub fn send_all(&mut self, entries: impl Iterator<Item = LogEntry>) {
        let mut lines = Vec::new();
        let mut logged = Vec::new();
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
            logged.push((severity, text));
        }
        self.write(&lines);
        if let Some(log) = &mut self.log
            && !logged.is_empty()
        {
            let logged = logged.iter();
            log.send(
                Sender::Program,
                logged.map(|(severity, text)| (*severity, text.as_slice())),
            );
        }
    }

    /// The text of the error that ends the program: an option error, since the
    /// usage message after it does not say what is wrong, or the last error. Empty
    /// if there was none.
    pub fn cause(&self) -> &[u8] {
        match self.option_error.as_slice() {
            [] => &self.last_error,
            option_error => option_error,
        }
    }

    fn send(&mut self, severity: Severity, text: &[u8]) {
        let text = self.printable(text);
        if matches!(severity, Severity::Error | Severity::Fatal) {
            self.last_error.clone_from(&text);
        }
        let (program, prefix) = (self.program.as_bytes(), severity.prefix().as_bytes());
        if self.console != Console::TerminalOnly || std::io::stderr().is_terminal() {
            self.write(&[program, b": ", prefix, &text, b"\n"].concat());
        }
        if let Some(log) = &mut self.log {
            log.send(Sender::Program, [(severity, text.as_slice())]);
        }
    }

    fn printable(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        self.utf8.make_printable(&mut text);
        text
    }

    /// Writes whole lines with one system call, so that lines of several
    /// programs are not mixed. If standard error is closed, the error cannot be
    /// reported anywhere.
    fn write(&mut self, line: &[u8]) {
        match self.console {
            _ if line.is_empty() => {}
            Console::Null => {}
            Console::Kept => {
                let room = KEPT_MAX.saturating_sub(self.kept.len());
                self.kept.extend(line.iter().take(room));
            }
            Console::StandardError | Console::TerminalOnly => {
                let _ = std::io::stderr().lock().write_all(line);
            }
        }
    }
}
