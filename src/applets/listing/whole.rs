//! A listing that is counted to its end even if its output is closed: the
//! output of `--dry-run`.

use std::fs::File;
use std::io;

use crate::listing::{Ending, ListingError, Output, PartialResult, Sink, Spill, Style, Totals};
use crate::sys::signals::Interrupts;

/// Edits the text of a message before it is written.
pub type Edit<'a> = Box<dyn Fn(Vec<u8>) -> Vec<u8> + 'a>;

/// Prints messages up to a limit and counts them. Requires output options with
/// a sort specification, so that messages arrive one by one.
pub struct Whole<'a> {
    output: Output<'a, File>,
    edit: Option<Edit<'a>>,
    interrupts: Option<&'a Interrupts>,
    spill: &'a Spill,
    left: u64,
    count: u64,
}

impl<'a> Whole<'a> {
    /// Prints at most `limit` messages to `stdout`, or all if it is `None`.
    /// `spill` must be the one of the output options.
    pub fn new(stdout: File, style: Style<'a>, limit: Option<u64>, spill: &'a Spill) -> Self {
        Self {
            output: Output::new(stdout, style),
            edit: None,
            interrupts: None,
            spill,
            left: limit.unwrap_or(u64::MAX),
            count: 0,
        }
    }

    /// Applies `edit` to each text before it is written.
    pub fn edited(self, edit: Option<Edit<'a>>) -> Self {
        Self { edit, ..self }
    }

    /// Ends the listing early when a signal arrives.
    pub fn interrupted_by(self, interrupts: &'a Interrupts) -> Self {
        Self {
            interrupts: Some(interrupts),
            ..self
        }
    }

    /// The number of messages counted so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the limit has been reached.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Counts a message and prints it unless the reader has gone. A part of a
    /// message counts as none.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn message(&mut self, text: Vec<u8>, totals: Totals) -> io::Result<()> {
        self.left = self.left.saturating_sub(totals.messages);
        self.count = self.count.saturating_add(totals.messages);
        self.output.count(totals);
        let text = match &self.edit {
            Some(edit) => edit(text),
            None => text,
        };
        self.text(&text)
    }

    /// Prints text that is not part of a message, unchanged.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        // The count goes on when the reader has gone.
        self.output.piece(text).map(drop)
    }

    /// Ends the listing. Returns the number of messages counted.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn finish(self) -> io::Result<u64> {
        self.output.finish()?;
        Ok(self.count)
    }
}

impl Sink for Whole<'_> {
    fn piece(&mut self, _: &[u8]) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        let PartialResult::Entries(entries) = partial else {
            return Ok(Ending::Complete);
        };
        if self.interrupts.is_some_and(|i| i.caught().is_some()) {
            return Ok(Ending::Enough);
        }
        for entry in entries {
            if self.is_full() {
                return Ok(Ending::Enough);
            }
            let (output, spill) = (&mut self.output, self.spill);
            for kept in entry.kept {
                spill.read(kept, |piece| {
                    let written = output.piece(piece);
                    written.map_err(ListingError::Output)
                })?;
            }
            let written = self.message(entry.text, entry.totals);
            written.map_err(ListingError::Output)?;
        }
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
