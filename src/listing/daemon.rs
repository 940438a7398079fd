//! A listing from showq(8), formatted and passed on while the daemon is still
//! sending: text of complete messages is not held back while waiting for more.
//!
//! A message is held back only until it is known whether it matches the selection,
//! because the daemon sends each message only once.

use std::cell::Cell;

use super::ListingError;
use super::formatter::Formatter;
use super::piece::{Ending, PIECE_SIZE};
use super::sink::Sink;
use super::spill::{Spill, SpilledText};
use super::style::OutputOptions;
use crate::ipc::showq::Showq;
use crate::ipc::{AttributeError, Buffered};
use crate::queue_file::message_visitor::{MessageHead, MessageVisitor, Recipient};
use crate::selection::{Evaluator, Match, Selection};

/// Options of a listing that is read from the daemon.
#[derive(Clone, Copy, Debug)]
pub struct DaemonRequest<'a> {
    /// Counts all messages that the daemon sends, matching or not.
    pub seen: &'a Cell<u64>,
    /// The output format and order.
    pub look: OutputOptions<'a>,
    /// Restricts the listing to messages that match; `None` lists all.
    pub selection: Option<&'a Selection>,
    /// The text by which the daemon represents the null address.
    pub null_shown: &'a [u8],
}

/// Copies a daemon's listing into `sink`. If the listing breaks off, the complete
/// messages are passed on before the error is returned.
///
/// # Errors
///
/// The daemon's reply is malformed or incomplete, or the output or a temporary file
/// cannot be written.
pub fn copy<R: std::io::BufRead + Buffered>(
    mut showq: Showq<R>,
    request: &DaemonRequest<'_>,
    sink: &mut impl Sink,
) -> Result<Ending, ListingError> {
    let mut copier = DaemonListing {
        request,
        form: Formatter::new(request.look),
        evaluator: None,
        sink,
        complete: 0,
        spill: Spill::default(),
        kept: Vec::new(),
        state: Ok(Ending::Complete),
    };
    loop {
        let next = showq.next(&mut copier);
        copier.message_read(&next);
        if let Some(error) = copier.form.take_failure() {
            return Err(ListingError::Sort(error));
        }
        if !matches!(next, Ok(true)) || !showq.has_more() {
            copier.hand_out();
        }
        match &copier.state {
            Ok(Ending::Complete) => {}
            _ => return copier.state,
        }
        if !next? {
            let totals = copier.form.take_totals();
            copier.sink.totals(totals);
            return Ok(Ending::Complete);
        }
    }
}

/// Formats what the daemon sends and passes it to the sink in pieces.
struct DaemonListing<'a, S> {
    request: &'a DaemonRequest<'a>,
    form: Formatter<'a>,
    /// Evaluates the selection for the current message.
    evaluator: Option<Evaluator<'a>>,
    sink: &'a mut S,
    /// Number of bytes of the formatted text that belong to complete messages.
    complete: usize,
    /// Holds the text of a message that is not yet known to match, if it is too
    /// large for memory.
    spill: Spill,
    kept: Vec<SpilledText>,
    state: Result<Ending, ListingError>,
}

impl<S: Sink> DaemonListing<'_, S> {
    /// Records the end of the complete messages in the formatted text, and discards
    /// an incomplete message after an error.
    fn message_read(&mut self, next: &Result<bool, AttributeError>) {
        match next {
            Ok(_) => self.complete = self.form.out().len(),
            Err(_) => self.form.out().truncate(self.complete),
        }
    }

    fn verdict(&self) -> Match {
        self.evaluator
            .as_ref()
            .map_or(Match::Yes, Evaluator::verdict)
    }

    fn hand_out_if_large(&mut self) {
        if self.form.partial_size() > PIECE_SIZE {
            self.hand_out_partial();
        }
        if !self.form.is_continuous() || self.form.out().len() <= PIECE_SIZE {
            return;
        }
        match self.verdict() {
            Match::Yes => self.hand_out(),
            Match::Open => self.spill_message(),
            Match::No => {}
        }
    }

    /// Moves the text of a message that is not yet known to match to the spill.
    fn spill_message(&mut self) {
        let end = std::mem::take(&mut self.complete).min(self.form.out().len());
        let complete: Vec<u8> = self.form.out().drain(..end).collect();
        self.hand_out_piece(&complete);
        match self.spill.keep(self.form.out()) {
            Ok(kept) => self.kept.push(kept),
            Err(error) => self.state = Err(ListingError::Sort(error)),
        }
        self.form.out().clear();
    }

    /// Passes on the spilled text of the current message, which matches.
    fn hand_out_spilled(&mut self) {
        for kept in std::mem::take(&mut self.kept) {
            if matches!(self.state, Ok(Ending::Complete)) {
                let sink = &mut *self.sink;
                self.state = self.spill.read(kept, |piece| sink.piece(piece));
            }
        }
        self.spill.clear();
    }

    fn hand_out_piece(&mut self, piece: &[u8]) {
        if matches!(self.state, Ok(Ending::Complete)) && !piece.is_empty() {
            self.state = self.sink.piece(piece);
        }
    }

    /// Releases, holds back or drops the current message, as far as it has been
    /// evaluated.
    fn apply_verdict(&mut self) {
        match self.verdict() {
            Match::Yes => {
                self.form.release();
                if !self.kept.is_empty() {
                    self.hand_out_spilled();
                }
            }
            Match::Open => self.form.hold_back(),
            Match::No => {
                self.form.drop_message();
                if !self.kept.is_empty() {
                    self.kept.clear();
                    self.spill.clear();
                }
            }
        }
    }

    fn hand_out(&mut self) {
        let text = std::mem::take(self.form.out());
        self.hand_out_piece(&text);
        self.complete = 0;
        self.hand_out_partial();
    }

    fn hand_out_partial(&mut self) {
        if let Some(partial) = self.form.take_partial()
            && matches!(self.state, Ok(Ending::Complete))
        {
            self.state = self.sink.partial(partial);
        }
    }
}

impl<S: Sink> MessageVisitor for DaemonListing<'_, S> {
    fn message(&mut self, head: &MessageHead<'_>) {
        let request = self.request;
        request.seen.set(request.seen.get().saturating_add(1));
        self.evaluator = request
            .selection
            .map(|selection| Evaluator::new(selection, request.null_shown));
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.message(head);
        }
        self.form.begin();
        self.apply_verdict();
        self.form.message(head);
        self.hand_out_if_large();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.recipient(recipient);
        }
        self.apply_verdict();
        if self.verdict() != Match::No {
            self.form.recipient(recipient);
            self.hand_out_if_large();
        }
    }

    fn end(&mut self) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.end();
        }
        self.apply_verdict();
        match self.verdict() {
            Match::Yes => self.form.end(),
            Match::Open | Match::No => self.form.out().truncate(self.complete),
        }
        self.hand_out_if_large();
    }

    fn warning(&mut self, text: Vec<u8>) {
        self.sink.warning(&text);
    }
}
