//! A listing from the showq daemon: copied as it comes, without holding back
//! what is complete while the daemon thinks.
//!
//! A message is held back only while it is not known whether it matches: a
//! daemon cannot be asked twice.

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

/// What is wanted of a daemon's listing.
#[derive(Clone, Copy, Debug)]
pub struct DaemonRequest<'a> {
    /// Counts the messages that the daemon reports, whatever matches.
    pub seen: &'a Cell<u64>,
    /// What it looks like.
    pub look: OutputOptions<'a>,
    /// The messages that count; all without one.
    pub selection: Option<&'a Selection>,
    /// How the daemon shows the null address.
    pub null_shown: &'a [u8],
}

/// Copies a daemon's listing into `sink`. Of a listing that breaks off, the
/// complete messages are handed out before the error is returned.
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

/// Formats what the daemon reports and hands it out piece by piece.
struct DaemonListing<'a, S> {
    request: &'a DaemonRequest<'a>,
    form: Formatter<'a>,
    /// Who decides about the message that is read.
    evaluator: Option<Evaluator<'a>>,
    sink: &'a mut S,
    /// How much of what was formatted belongs to complete messages.
    complete: usize,
    /// What is too much for the memory of a message of which it is not known
    /// whether it is listed.
    spill: Spill,
    kept: Vec<SpilledText>,
    state: Result<Ending, ListingError>,
}

impl<S: Sink> DaemonListing<'_, S> {
    /// Takes note that a message is complete, or that it never will be.
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
            Match::Open => self.keep(),
            Match::No => {}
        }
    }

    /// Keeps what was written of the message that may not be listed.
    fn keep(&mut self) {
        let end = std::mem::take(&mut self.complete).min(self.form.out().len());
        let complete: Vec<u8> = self.form.out().drain(..end).collect();
        self.hand_out_piece(&complete);
        match self.spill.keep(self.form.out()) {
            Ok(kept) => self.kept.push(kept),
            Err(error) => self.state = Err(ListingError::Sort(error)),
        }
        self.form.out().clear();
    }

    /// Hands out what was kept of the message, which is listed.
    fn hand_out_kept(&mut self) {
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

    /// Acts on what is known of the message by now.
    fn follow_verdict(&mut self) {
        match self.verdict() {
            Match::Yes => {
                self.form.release();
                if !self.kept.is_empty() {
                    self.hand_out_kept();
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
        self.follow_verdict();
        self.form.message(head);
        self.hand_out_if_large();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.recipient(recipient);
        }
        self.follow_verdict();
        if self.verdict() != Match::No {
            self.form.recipient(recipient);
            self.hand_out_if_large();
        }
    }

    fn end(&mut self) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.end();
        }
        self.follow_verdict();
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
