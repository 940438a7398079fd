//! The conversation with a flush daemon: greeting, request and answer, in the
//! order of old and new releases.

use std::io;
use std::io::{BufReader, Read, Write};

use nix::errno::Errno;

use super::attribute_error::{AttributeError, ReadFailure};
use super::attributes::{AttributeReader, list};
use super::flush_protocol::{FlushError, FlushStatus, FlushStep, Request};
use crate::release::{Feature, Installed};
use crate::sys::error_text::error_text;

/// The protocol name in the daemon's greeting.
const PROTOCOL: &str = "queue_flush_protocol";
/// The attribute of an answer.
const STATUS: &[u8] = b"status";
/// The error text for a protocol error of the daemon.
const APPLICATION_ERROR: &str = "Application error";
/// The maximum number of attributes of a wrong greeting that are skipped, since
/// a list could be endless.
const GREETING_ATTRIBUTES_MAX: usize = 16;

/// The side that sends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSpeaker {
    /// The daemon, whose greeting can already be read: the order of Postfix
    /// since 3.6.
    Greeting,
    /// The client: the order of Postfix before 3.6, whose daemon sends nothing
    /// before the request. A later daemon accepts it too.
    Request,
}

/// The conversation over an open stream with a daemon that listens at `path`.
/// `installed` is used only if neither the order nor the daemon's data show
/// whether the daemon sends a greeting. Warnings are added to `warnings`.
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

struct Conversation<'a, S> {
    stream: &'a S,
    path: &'a str,
    warnings: &'a mut Vec<String>,
    reader: AttributeReader<BufReader<&'a S>>,
}

/// What the daemon sends first.
enum Opening {
    /// A greeting, which has been read.
    Greeting,
    /// An answer, whose first name has been read.
    Answer,
}

impl<S> Conversation<'_, S>
where
    for<'s> &'s S: Read + Write,
{
    /// Reads the greeting, then sends the request, as Postfix since 3.6 does.
    fn greeting_first(&mut self, request: Request<'_>) -> Result<FlushStatus, FlushError> {
        let mut name = Vec::new();
        let first = self.reader.first_name(&mut name);
        let read = first.and_then(|_| self.reader.greeting(&name, PROTOCOL));
        self.greeted(read)?;
        // Observed with Postfix 3.7.11: data received together with the
        // greeting is lost.
        self.reader = AttributeReader::new(BufReader::new(self.stream), self.path);
        self.send(request)?;
        self.answer()
    }

    /// Sends the request, then reads a greeting if the daemon sends one. The
    /// result is the same as in the other order: if the request cannot be sent,
    /// that is reported only if the daemon has not sent an error.
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

    /// Reads the first list until its type is known.
    fn opening(&mut self, installed: &Installed) -> Result<Opening, FlushError> {
        let mut name = Vec::new();
        let first = self.reader.first_name(&mut name);
        if matches!(first, Ok(true)) && name == STATUS {
            return Ok(Opening::Answer);
        }
        let is_greeting = matches!(first, Ok(true)) && name == b"protocol";
        if !is_greeting && !installed.has(Feature::DaemonsGreet) {
            let fault =
                first.and_then(|has_name| self.expect_status(has_name.then_some(name.as_slice())));
            return fault.map(|()| Opening::Answer).map_err(|error| {
                self.warn(Some(&error));
                self.broken(FlushStep::WriteRead, &error)
            });
        }
        let read = first.and_then(|_| self.reader.greeting(&name, PROTOCOL));
        if read.as_ref().is_err_and(|e| e.is_gone() && e.is_reset()) {
            // In the other order, the request would be sent after the greeting
            // and fail with this error.
            return Err(self.failed(FlushStep::WriteRead, error_text(&Errno::EPIPE.into())));
        }
        let is_unfinished = matches!(&read, Ok(Some(fault)) if fault.is_unexpected());
        self.greeted(read)?;
        if is_unfinished {
            self.pass_over_list()?;
        }
        Ok(Opening::Greeting)
    }

    /// Evaluates a greeting. If the daemon has closed the connection, the error
    /// is reported when the request is sent.
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
        match (error.is_gone(), error.read_failure()) {
            (true, Some(ReadFailure::TimedOut)) => Err(self.broken(FlushStep::Write, &error)),
            (true, _) => Ok(()),
            // The connection was reset because the request had not been read.
            // Postfix would not have sent the request yet and would read the
            // end of the input.
            (false, _) if error.is_reset() => {
                Err(self.failed(FlushStep::Read, APPLICATION_ERROR.to_owned()))
            }
            (false, _) => Err(self.broken(FlushStep::Read, &error)),
        }
    }

    /// Skips the rest of a wrong greeting after its first name. The answer
    /// follows it.
    fn pass_over_list(&mut self) -> Result<(), FlushError> {
        let mut text = Vec::new();
        for _ in 0..GREETING_ATTRIBUTES_MAX {
            let value = self.reader.value(&mut text);
            match value.and_then(|()| self.reader.name(&mut text)) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // No warning is added, since Postfix would report this error
                // for the answer.
                Err(error) => return Err(self.broken(FlushStep::WriteRead, &error)),
            }
        }
        Err(self.failed(FlushStep::WriteRead, APPLICATION_ERROR.to_owned()))
    }

    /// Checks the name of the first attribute; `None` if the list has ended.
    fn expect_status(&self, name: Option<&[u8]>) -> Result<(), AttributeError> {
        match name {
            Some(name) => self.reader.expect(name, "status"),
            None => Err(self.reader.missing("status")),
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
        match first.and_then(|has_name| self.expect_status(has_name.then_some(name.as_slice()))) {
            Ok(()) => self.rest_of_answer(),
            Err(error) => {
                self.warn(Some(&error));
                Err(self.broken(FlushStep::WriteRead, &error))
            }
        }
    }

    /// Reads the rest of an answer after its first name.
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

    /// Returns the status, and the fault that follows it, if any.
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
        let cause = match error.read_failure() {
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

/// Converts a number to a C int, discarding the upper bits.
fn as_int(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Observed with Postfix 3.7.11 and a flush service that the test provided.
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
