//! The flush client: asks the flush daemon to have one message, or the mail
//! for one site, delivered now (spec page 08, "The flush service").
//!
//! Knows the conversation and what can go wrong with it. Which sites may be
//! asked for, and what an answer means to the user, is the applets' business.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use thiserror::Error;

use super::attributes::{AttributeError, AttributeReader, Silence, list};
use crate::spool::QueueId;
use crate::sys::error_text::error_text;
use crate::sys::socket::{Wait, connect_stream};

/// What the daemon says first.
const PROTOCOL: &str = "queue_flush_protocol";
/// What stands for the cause when the daemon said something it should not.
const APPLICATION_ERROR: &str = "Application error";

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
pub enum Status {
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

impl Status {
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

impl From<i32> for Status {
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
        step: Step,
        /// The daemon's socket, below the queue directory.
        path: String,
        /// What the kernel said, or that the daemon is to blame.
        cause: String,
    },
}

/// Where a conversation can break off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Before the daemon said what it speaks: nothing was sent.
    Write,
    /// While it said so.
    Read,
    /// While it was asked, or answered.
    WriteRead,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Write => "write",
            Step::Read => "read",
            Step::WriteRead => "write/read",
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
    pub fn ask(
        self,
        request: Request<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Status, FlushError> {
        converse(&self.stream, &self.path, request, warnings)
    }
}

/// The conversation with a daemon that listens at `path`, over a stream that
/// is open.
pub fn converse<S>(
    stream: &S,
    path: &str,
    request: Request<'_>,
    warnings: &mut Vec<String>,
) -> Result<Status, FlushError>
where
    for<'s> &'s S: Read + Write,
{
    let mut conversation = Conversation {
        stream,
        path,
        warnings,
    };
    conversation.greeting()?;
    conversation.send(request)?;
    conversation.answer()
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
}

impl<'a, S> Conversation<'a, S>
where
    for<'s> &'s S: Read + Write,
{
    /// Reads what the daemon speaks. One that has gone already is noticed
    /// when it is asked.
    fn greeting(&mut self) -> Result<(), FlushError> {
        // What the daemon says too early is lost with this reader: so it is
        // in Postfix.
        let mut reader = self.reader();
        match reader.greeting(PROTOCOL) {
            Ok(fault) => self.warn(fault.as_ref()),
            Err(error) => {
                self.warn(Some(&error));
                match (error.is_gone(), error.silence()) {
                    (true, Some(Silence::TimedOut)) => {
                        return Err(self.broken(Step::Write, &error));
                    }
                    (true, _) => {}
                    (false, _) => return Err(self.broken(Step::Read, &error)),
                }
            }
        }
        Ok(())
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
            self.failed(Step::WriteRead, cause)
        })
    }

    fn answer(&mut self) -> Result<Status, FlushError> {
        match self.read_answer() {
            Ok((number, fault)) => {
                self.warn(fault.as_ref());
                Ok(number.into())
            }
            Err(error) => {
                self.warn(Some(&error));
                Err(self.broken(Step::WriteRead, &error))
            }
        }
    }

    /// The status, and what was odd behind it.
    fn read_answer(&self) -> Result<(i32, Option<AttributeError>), AttributeError> {
        let mut reader = self.reader();
        let mut text = Vec::new();
        match reader.first_name(&mut text)? {
            true => reader.expect(&text, "status")?,
            false => return Err(reader.missing("status")),
        }
        reader.value(&mut text)?;
        let number = reader.number(&text)?;
        let fault = reader.end_of_list()?;
        Ok((as_int(number), fault))
    }

    fn reader(&self) -> AttributeReader<BufReader<&'a S>> {
        AttributeReader::new(BufReader::new(self.stream), self.path)
    }

    fn warn(&mut self, fault: Option<&AttributeError>) {
        self.warnings
            .extend(fault.and_then(AttributeError::warning));
    }

    fn broken(&self, step: Step, error: &AttributeError) -> FlushError {
        let cause = match error.silence() {
            Some(Silence::TimedOut) => error_text(&Errno::ETIMEDOUT.into()),
            Some(Silence::Failed(cause)) => error_text(cause),
            Some(Silence::Closed) | None => APPLICATION_ERROR.to_owned(),
        };
        self.failed(step, cause)
    }

    fn failed(&self, step: Step, cause: String) -> FlushError {
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
