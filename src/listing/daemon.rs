//! A listing from the showq daemon: copied as it comes, without holding back
//! what is complete while the daemon thinks.

use super::ListingError;
use super::form::{Form, Style};
use super::output::Ending;
use super::sink::{PIECE_SIZE, Sink};
use crate::ipc::showq::Showq;
use crate::ipc::{AttributeError, Buffered};
use crate::spool::report::{Head, Recipient, Report};

/// Copies a daemon's listing into `sink`. Of a listing that breaks off, the
/// complete messages are handed out before the error is returned.
pub fn copy<R: std::io::BufRead + Buffered>(
    mut showq: Showq<R>,
    style: Style,
    sink: &mut impl Sink,
) -> Result<Ending, ListingError> {
    let mut copier = Copier {
        form: Form::new(style),
        sink,
        complete: 0,
        state: Ok(Ending::Complete),
    };
    loop {
        let next = showq.next(&mut copier);
        copier.message_read(&next);
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
struct Copier<'a, S> {
    form: Form,
    sink: &'a mut S,
    /// How much of what was formatted belongs to complete messages.
    complete: usize,
    state: Result<Ending, ListingError>,
}

impl<S: Sink> Copier<'_, S> {
    /// Takes note that a message is complete, or that it never will be.
    fn message_read(&mut self, next: &Result<bool, AttributeError>) {
        match next {
            Ok(_) => self.complete = self.form.out().len(),
            Err(_) => self.form.out().truncate(self.complete),
        }
    }

    fn hand_out_if_large(&mut self) {
        if self.form.out().len() > PIECE_SIZE {
            self.hand_out();
        }
    }

    fn hand_out(&mut self) {
        if matches!(self.state, Ok(Ending::Complete)) && !self.form.out().is_empty() {
            self.state = self.sink.piece(self.form.out());
        }
        self.form.out().clear();
        self.complete = 0;
    }
}

impl<S: Sink> Report for Copier<'_, S> {
    fn message(&mut self, head: &Head<'_>) {
        self.form.message(head);
        self.hand_out_if_large();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.form.recipient(recipient);
        self.hand_out_if_large();
    }

    fn end(&mut self) {
        self.form.end();
        self.hand_out_if_large();
    }

    fn warning(&mut self, text: Vec<u8>) {
        self.sink.warning(&text);
    }
}
