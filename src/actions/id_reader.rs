//! Reads queue IDs from a stream, separated by newlines or NUL bytes.
//!
//! As in Postfix, a line consists of all bytes up to the newline, and the ID is
//! the part before the first NUL byte. Memory use depends neither on the number
//! of lines nor on their length.

use std::fs::File;
use std::io::{ErrorKind, Read};

use nix::errno::Errno;

use super::error::WorkError;
use crate::spool::QueueId;
use crate::sys::error_text::is;
use crate::sys::signals::{Interrupts, Wake};

/// The number of bytes read at a time.
const READ_SIZE: usize = 64 * 1024;
/// The number of bytes kept of a line. A longer line cannot be a queue ID, and
/// no more than this is shown of it.
const LINE_MAX: usize = 64 * 1024;

/// The separator between IDs in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    /// A newline. As in Postfix, text after a NUL in a line is ignored.
    #[default]
    Newline,
    /// A NUL byte, as printed by `postqueue --ids --null`.
    Nul,
}

impl Separator {
    fn byte(self) -> u8 {
        match self {
            Self::Newline => b'\n',
            Self::Nul => 0,
        }
    }
}

/// A request read from one line or argument.
pub enum IdRequest {
    /// A valid queue ID.
    Id(QueueId),
    /// Text that is not a valid queue ID.
    NoId(Vec<u8>),
    /// A warning only: the line of this number has text after a NUL, which is
    /// ignored.
    CutAtNul(u64),
}

impl IdRequest {
    /// Returns the queue ID, if there is one.
    pub(super) fn id(&self) -> Option<&QueueId> {
        match self {
            Self::Id(id) => Some(id),
            Self::NoId(_) | Self::CutAtNul(_) => None,
        }
    }

    /// Parses a line or an argument.
    pub fn parse(text: &[u8]) -> Self {
        let text = text.split(|&b| b == 0).next().unwrap_or_default();
        match QueueId::parse(text) {
            Some(id) => Self::Id(id),
            None => Self::NoId(text.to_vec()),
        }
    }
}

/// Handles the requests in a stream.
pub trait IdConsumer {
    /// Handles one request. An error ends the reading.
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError>;
    /// Called when no more input is available at the moment.
    fn pause(&mut self) -> Result<(), WorkError>;
}

/// Reads requests until the end of `input`.
///
/// # Errors
///
/// `input` cannot be read, a signal was caught, or `to` returned an error.
pub fn read_ids(
    (input, separator): (&File, Separator),
    interrupts: &Interrupts,
    to: &mut impl IdConsumer,
) -> Result<(), WorkError> {
    let mut reader = LineReader {
        to,
        separator,
        line: Vec::new(),
        number: 0,
        has_warned: false,
    };
    reader.read_all(input, interrupts)
}

/// Splits the stream into lines.
struct LineReader<'a, T> {
    to: &'a mut T,
    separator: Separator,
    line: Vec<u8>,
    /// The number of lines read before this one.
    number: u64,
    /// Whether text after a NUL has been reported. Only the first case is.
    has_warned: bool,
}

impl<T: IdConsumer> LineReader<'_, T> {
    fn read_all(&mut self, mut input: &File, interrupts: &Interrupts) -> Result<(), WorkError> {
        let mut buffer = vec![0; READ_SIZE];
        let separator = self.separator.byte();
        loop {
            let length = next_read(&mut input, &mut buffer, interrupts)?;
            if length == 0 {
                break;
            }
            for piece in buffer
                .get(..length)
                .unwrap_or_default()
                .split_inclusive(|&b| b == separator)
            {
                self.piece(piece)?;
            }
            // Acts on what has arrived, because more input may take long to
            // arrive.
            self.to.pause()?;
        }
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.to.pause()
    }

    /// Adds a part of a line, which includes the separator if the line ends
    /// there.
    fn piece(&mut self, piece: &[u8]) -> Result<(), WorkError> {
        let (text, is_whole) = match piece.split_last() {
            Some((last, text)) if *last == self.separator.byte() => (text, true),
            _ => (piece, false),
        };
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line
            .extend_from_slice(text.get(..room).unwrap_or(text));
        if is_whole { self.end_line() } else { Ok(()) }
    }

    fn end_line(&mut self) -> Result<(), WorkError> {
        self.number = self.number.saturating_add(1);
        let mut parts = self.line.splitn(2, |&b| b == 0).skip(1);
        if !self.has_warned && parts.any(|rest| !rest.is_empty()) {
            self.has_warned = true;
            self.to.take(IdRequest::CutAtNul(self.number))?;
        }
        let asked = IdRequest::parse(&self.line);
        self.line.clear();
        self.to.take(asked)
    }
}

/// Waits for input or a signal, and reads the available input. Returns 0 at the
/// end.
fn next_read(
    input: &mut &File,
    buffer: &mut [u8],
    interrupts: &Interrupts,
) -> Result<usize, WorkError> {
    loop {
        match interrupts.wait_for(*input).map_err(WorkError::Input)? {
            Wake::Interrupted => return Err(WorkError::Interrupted),
            Wake::Readable => {}
        }
        match input.read(buffer) {
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            // Observed with Postfix 3.7.11: input that cannot be read as a
            // stream counts as empty.
            Err(error) if is(&error, Errno::EISDIR) || is(&error, Errno::EBADF) => return Ok(0),
            other => return other.map_err(WorkError::Input),
        }
    }
}
