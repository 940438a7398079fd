//! The flush client: asks the flush daemon to have one message, or the mail
//! for one site, delivered now.
//!
//! Knows the conversation and what can go wrong with it. Which sites may be
//! asked for, and what an answer means to the user, is decided by the applets.

use std::io;
use std::io::{BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use thiserror::Error;

use super::attributes::{AttributeError, AttributeReader, ReadFailure, list};
use crate::release::{Feature, Installed};
use crate::spool::QueueId;
use crate::sys::error_text::error_text;
use crate::sys::poll::{Readiness, poll_for};
use crate::sys::socket::{Wait, connect_stream};

/// What the daemon says first.
const PROTOCOL: &str = "queue_flush_protocol";
/// The attribute of an answer.
const STATUS: &[u8] = b"status";
/// What stands for the cause when the daemon said something it should not.
const APPLICATION_ERROR: &str = "Application error";
/// How long a greeting is waited for before the request is sent. The daemon
/// may be older than the release that is installed, and never greet.
const GREETING_WAIT: Duration = Duration::from_secs(1);
/// Attributes of a wrong greeting that are passed over at most: a list could
/// be without end.
const GREETING_ATTRIBUTES_MAX: usize = 16;

/// What the daemon is asked to send.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// One message.
    File(&'a QueueId),
    /// All mail for a site: a host name, or an address in brackets.
    Site(&'a [u8]),
}

/// What the daemon answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushStatus {
    /// It will be done.
    Done,
    /// The daemon does not understand the request.
    BadRequest,
    /// The daemon keeps no list for the site.
    NotConfigured,
    /// The daemon could not do it.
    Failed,
    /// No answer that is known.
    Other(i32),
}

impl FlushStatus {
    /// The number that was sent.
    pub fn number(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::BadRequest => 3,
            Self::NotConfigured => 4,
            Self::Failed => -1,
            Self::Other(number) => number,
        }
    }
}

impl From<i32> for FlushStatus {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Done,
            3 => Self::BadRequest,
            4 => Self::NotConfigured,
            -1 => Self::Failed,
            other => Self::Other(other),
        }
    }
}

/// What comes first in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSpeaker {
    /// The daemon's greeting, which is at hand: the order of Postfix since
    /// 3.6.
    Greeting,
    /// The request: the order of Postfix before 3.6, whose daemon sends
    /// nothing until it is asked. A later daemon accepts it.
    Request,
}

/// Why there is no answer. Display is Postfix's warning.
#[derive(Debug, Error)]
pub enum FlushError {
    /// Nobody listens.
    #[error("connect to {path}: {}", error_text(.cause))]
    Connect {
        /// The daemon's socket, below the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The conversation broke off.
    #[error("{step} {path} socket: {cause}")]
    Conversation {
        /// What was being done.
        step: FlushStep,
        /// The daemon's socket, below the queue directory.
        path: String,
        /// What the kernel said, or that the daemon is to blame.
        cause: String,
    },
}

/// Where a conversation can break off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushStep {
    /// Before the daemon said what it speaks.
    Write,
    /// While it said so.
    Read,
    /// While it was asked, or answered.
    WriteRead,
}

impl std::fmt::Display for FlushStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FlushStep::Write => "write",
            FlushStep::Read => "read",
            FlushStep::WriteRead => "write/read",
        })
    }
}

/// A connection to a flush daemon, ready for one request.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    /// The daemon's socket, as messages name it.
    path: String,
}

/// Connects to the daemon whose socket is at `path`, which has `timeout` at
/// most to take the connection and for each thing it says.
pub fn connect(path: &Path, timeout: Duration) -> Result<Connection, FlushError> {
    let shown = path.to_string_lossy().into_owned();
    match open(path, timeout) {
        Ok(stream) => Ok(Connection {
            stream,
            path: shown,
        }),
        Err(cause) => Err(FlushError::Connect { path: shown, cause }),
    }
}

impl Connection {
    /// Asks the daemon. What is odd in its words goes to `warnings`.
    ///
    /// # Errors
    ///
    /// The daemon gave no answer.
    pub fn ask(
        self,
        request: Request<'_>,
        installed: &Installed,
        warnings: &mut Vec<String>,
    ) -> Result<FlushStatus, FlushError> {
        let order = self.order(installed);
        let (stream, path) = (&self.stream, &self.path);
        converse(stream, path, request, order, installed, warnings)
    }

    /// The request comes first if no greeting can be expected, or none came
    /// in time.
    fn order(&self, installed: &Installed) -> FirstSpeaker {
        if !installed.has(Feature::DaemonsGreet) {
            return FirstSpeaker::Request;
        }
        let timeout = self.stream.read_timeout().ok().flatten();
        let limit = timeout.map_or(GREETING_WAIT, |timeout| timeout.min(GREETING_WAIT));
        match poll_for(&[self.stream.as_fd()], Readiness::Input, limit) {
            Ok(ready) if !ready.is_empty() => FirstSpeaker::Greeting,
            // A wait that fails is no reason to wait longer.
            Ok(_) | Err(_) => FirstSpeaker::Request,
        }
    }
}

/// The conversation with a daemon that listens at `path`, over a stream that
/// is open. `installed` is asked only if the order and what the daemon says
/// do not show whether it greets. What is odd goes to `warnings`.
///
/// # Errors
///
/// The daemon gave no answer.
pub fn converse<S>(
    stream: &S,
    path: &str,
    request: Request<'_>,
    order: FirstSpeaker,
    installed: &Installed,
    warnings: &mut Vec<String>,
) -> Result<FlushStatus, FlushError>
where
    for<'s> &'s S: Read + Write,
{
    let mut conversation = Conversation {
        stream,
        path,
        warnings,
        reader: AttributeReader::new(BufReader::new(stream), path),
    };
    match order {
        FirstSpeaker::Greeting => conversation.greeting_first(request),
        FirstSpeaker::Request => conversation.request_first(request, installed),
    }
}

fn open(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let stream = connect_stream(path, Wait::AtMost(timeout))?;
    // A zero timeout means none to us and an error to the call.
    let limit = Some(timeout).filter(|limit| !limit.is_zero());
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    Ok(stream)
}

struct Conversation<'a, S> {
    stream: &'a S,
    path: &'a str,
    warnings: &'a mut Vec<String>,
    reader: AttributeReader<BufReader<&'a S>>,
}

/// How a daemon begins.
enum Opening {
    /// With its greeting, which was read.
    Greeting,
    /// With its answer, of which the first name was read.
    Answer,
}

impl<S> Conversation<'_, S>
where
    for<'s> &'s S: Read + Write,
{
    /// Reads the greeting, then asks, as Postfix since 3.6 does.
    fn greeting_first(&mut self, request: Request<'_>) -> Result<FlushStatus, FlushError> {
        let mut name = Vec::new();
        let first = self.reader.first_name(&mut name);
        let read = first.and_then(|_| self.reader.greeting(&name, PROTOCOL));
        self.greeted(read)?;
        // Observed with Postfix 3.7.11: what comes with the greeting is lost.
        self.reader = AttributeReader::new(BufReader::new(self.stream), self.path);
        self.send(request)?;
        self.answer()
    }

    /// Asks, then reads a greeting if the daemon sends one. The result is that
    /// of the other order: a request that no daemon takes is reported only if the
    /// daemon has not said what is wrong.
    fn request_first(
        &mut self,
        request: Request<'_>,
        installed: &Installed,
    ) -> Result<FlushStatus, FlushError> {
        let sent = self.send(request);
        match self.opening(installed)? {
            Opening::Greeting => {
                sent?;
                self.answer()
            }
            Opening::Answer => self.rest_of_answer(),
        }
    }

    /// Reads the first list up to where it shows what it is.
    fn opening(&mut self, installed: &Installed) -> Result<Opening, FlushError> {
        let mut name = Vec::new();
        let first = self.reader.first_name(&mut name);
        if matches!(first, Ok(true)) && name == STATUS {
            return Ok(Opening::Answer);
        }
        let is_greeting = matches!(first, Ok(true)) && name == b"protocol";
        if !is_greeting && !installed.has(Feature::DaemonsGreet) {
            let fault = first.and_then(|has_name| self.expect_status(has_name, &name));
            return fault.map(|()| Opening::Answer).map_err(|error| {
                self.warn(Some(&error));
                self.broken(FlushStep::WriteRead, &error)
            });
        }
        let read = first.and_then(|_| self.reader.greeting(&name, PROTOCOL));
        if read.as_ref().is_err_and(|e| e.is_gone() && e.is_reset()) {
            // A request that is sent after the greeting finds no daemon.
            return Err(self.failed(FlushStep::WriteRead, error_text(&Errno::EPIPE.into())));
        }
        let is_unfinished = matches!(&read, Ok(Some(fault)) if fault.is_unexpected());
        self.greeted(read)?;
        if is_unfinished {
            self.pass_over_list()?;
        }
        Ok(Opening::Greeting)
    }

    /// What comes of a greeting. A daemon that has gone already is noticed
    /// when it is asked.
    fn greeted(
        &mut self,
        read: Result<Option<AttributeError>, AttributeError>,
    ) -> Result<(), FlushError> {
        let error = match read {
            Ok(fault) => {
                self.warn(fault.as_ref());
                return Ok(());
            }
            Err(error) => error,
        };
        self.warn(Some(&error));
        match (error.is_gone(), error.silence()) {
            (true, Some(ReadFailure::TimedOut)) => Err(self.broken(FlushStep::Write, &error)),
            (true, _) => Ok(()),
            // It went with the request unread: to Postfix, which had not sent
            // it yet, that is the end of the input.
            (false, _) if error.is_reset() => {
                Err(self.failed(FlushStep::Read, APPLICATION_ERROR.to_owned()))
            }
            (false, _) => Err(self.broken(FlushStep::Read, &error)),
        }
    }

    /// Reads the rest of a wrong greeting, of which a name was read: the
    /// answer comes after it.
    fn pass_over_list(&mut self) -> Result<(), FlushError> {
        let mut text = Vec::new();
        for _ in 0..GREETING_ATTRIBUTES_MAX {
            let value = self.reader.value(&mut text);
            match value.and_then(|()| self.reader.name(&mut text)) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // No warning: Postfix would say this of an answer.
                Err(error) => return Err(self.broken(FlushStep::WriteRead, &error)),
            }
        }
        Err(self.failed(FlushStep::WriteRead, APPLICATION_ERROR.to_owned()))
    }

    fn expect_status(&self, has_name: bool, name: &[u8]) -> Result<(), AttributeError> {
        if has_name {
            self.reader.expect(name, "status")
        } else {
            Err(self.reader.missing("status"))
        }
    }

    fn send(&mut self, request: Request<'_>) -> Result<(), FlushError> {
        let bytes = match request {
            Request::File(id) => list(&[("request", b"send_file"), ("queue_id", id.as_bytes())]),
            Request::Site(site) => list(&[("request", b"send_site"), ("site", site)]),
        };
        let mut stream = self.stream;
        stream.write_all(&bytes).map_err(|cause| {
            let cause = match cause.kind() {
                io::ErrorKind::WouldBlock => error_text(&Errno::ETIMEDOUT.into()),
                _ => error_text(&cause),
            };
            self.failed(FlushStep::WriteRead, cause)
        })
    }

    fn answer(&mut self) -> Result<FlushStatus, FlushError> {
        let mut name = Vec::new();
        let first = self.reader.first_name(&mut name);
        match first.and_then(|has_name| self.expect_status(has_name, &name)) {
            Ok(()) => self.rest_of_answer(),
            Err(error) => {
                self.warn(Some(&error));
                Err(self.broken(FlushStep::WriteRead, &error))
            }
        }
    }

    /// Reads an answer of which the first name was read.
    fn rest_of_answer(&mut self) -> Result<FlushStatus, FlushError> {
        match self.read_status() {
            Ok((number, fault)) => {
                self.warn(fault.as_ref());
                Ok(number.into())
            }
            Err(error) => {
                self.warn(Some(&error));
                Err(self.broken(FlushStep::WriteRead, &error))
            }
        }
    }

    /// The status, and what was odd after it.
    fn read_status(&mut self) -> Result<(i32, Option<AttributeError>), AttributeError> {
        let mut text = Vec::new();
        self.reader.value(&mut text)?;
        let number = self.reader.number(&text)?;
        let fault = self.reader.end_of_list()?;
        Ok((as_int(number), fault))
    }

    fn warn(&mut self, fault: Option<&AttributeError>) {
        self.warnings
            .extend(fault.and_then(AttributeError::warning));
    }

    fn broken(&self, step: FlushStep, error: &AttributeError) -> FlushError {
        let cause = match error.silence() {
            Some(ReadFailure::TimedOut) => error_text(&Errno::ETIMEDOUT.into()),
            Some(ReadFailure::Failed(cause)) => error_text(cause),
            Some(ReadFailure::Closed) | None => APPLICATION_ERROR.to_owned(),
        };
        self.failed(step, cause)
    }

    fn failed(&self, step: FlushStep, cause: String) -> FlushError {
        FlushError::Conversation {
            step,
            path: self.path.to_owned(),
            cause,
        }
    }
}

/// A number as an int of C: what does not fit loses its upper bits.
fn as_int(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    // As Postfix 3.7.11 took them from a flush daemon of the test's own.
    #[test]
    fn numbers_that_are_too_large_are_cut_to_an_int() {
        for (number, expected) in [
            (0, 0),
            (-1, -1),
            (99_999_999_999, 1_215_752_191),
            (4_294_967_295, -1),
            (4_294_967_297, 1),
        ] {
            assert_eq!(as_int(number), expected);
        }
    }
}
