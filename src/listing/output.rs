//! Writes a listing to standard output, with heading and footer.

use std::io;
use std::io::Write;

use super::piece::Ending;
use super::style::Style;
use super::totals::Totals;

/// Writes pieces of formatted messages as they come.
#[derive(Debug)]
pub struct Output<'a, W> {
    to: W,
    style: Style<'a>,
    state: WriterState,
    totals: Totals,
}

#[derive(Debug, PartialEq, Eq)]
enum WriterState {
    NothingYet,
    Begun,
    ReaderGone,
}

impl<'a, W: Write> Output<'a, W> {
    /// Creates an output to which nothing has been written.
    pub fn new(to: W, style: Style<'a>) -> Self {
        Self {
            to,
            style,
            state: WriterState::NothingYet,
            totals: Totals::default(),
        }
    }

    /// Writes a piece. Returns [`Ending::ReaderGone`] if the reader has closed the
    /// pipe.
    ///
    /// # Errors
    ///
    /// The write error, unless the reader has closed its end.
    pub fn piece(&mut self, piece: &[u8]) -> io::Result<Ending> {
        let mut piece = piece;
        if self.state == WriterState::NothingYet && !piece.is_empty() {
            self.state = WriterState::Begun;
            self.write(self.style.heading().as_bytes())?;
            piece = piece.strip_prefix(self.style.separator()).unwrap_or(piece);
        }
        self.write(piece)
    }

    /// Adds the totals of messages whose pieces were written.
    pub fn count(&mut self, totals: Totals) {
        self.totals.add(totals);
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Writes the footer of a complete listing.
    ///
    /// # Errors
    ///
    /// As [`Output::piece`].
    pub fn finish(mut self) -> io::Result<Ending> {
        let footer = self.style.footer(self.totals);
        self.write(&footer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Ending> {
        if self.state == WriterState::ReaderGone {
            return Ok(Ending::ReaderGone);
        }
        match self.to.write_all(bytes).and_then(|()| self.to.flush()) {
            Ok(()) => Ok(Ending::Complete),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.state = WriterState::ReaderGone;
                Ok(Ending::ReaderGone)
            }
            Err(error) => Err(error),
        }
    }
}
