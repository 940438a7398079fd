//! Reads messages from the lines of a listing.
//!
//! The fields are separated by tabs, which printable text does not contain.

use super::model::{ListedMessage, start_of};
use crate::listing::{Ending, ListingError, PartialResult, Sink, Totals};
use crate::spool::Queue;

/// The number of bytes of a line that are kept. The longest fields come last.
const LINE_MAX: usize = 300 * 1024;
/// The number of bytes that are kept of a text.
const TEXT_MAX: usize = 400;

/// The columns of a line, from the spool.
pub const FROM_SPOOL: &str = "%{id}\\t%{queue}\\t%{status}\\t%{arrival}\\t%{size}\\t\
    %{recipient_count}\\t%{inode}\\t%{sender}\\t%{reason}";
/// The columns of a line, from a daemon.
pub const FROM_DAEMON: &str = "%{id}\\t%{queue}\\t%{status}\\t%{arrival}\\t%{size}\\t\
    %{recipient_count}\\t0\\t%{sender}\\t%{reason}";

/// Passes on the messages of a listing.
pub struct RowSink<'a> {
    /// The text that a line has to contain, in lower case.
    needle: &'a str,
    /// Receives messages; an error ends the listing.
    send: &'a mut dyn FnMut(Vec<ListedMessage>) -> Result<(), Unwanted>,
    line: Vec<u8>,
    batch: Vec<ListedMessage>,
}

/// The messages are no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwanted;

impl<'a> RowSink<'a> {
    /// A sink for lines that contain `needle`.
    pub fn new(
        needle: &'a str,
        send: &'a mut dyn FnMut(Vec<ListedMessage>) -> Result<(), Unwanted>,
    ) -> Self {
        Self {
            needle,
            send,
            line: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// Passes on the remaining messages.
    ///
    /// # Errors
    ///
    /// The messages are no longer needed.
    pub fn finish(mut self) -> Result<(), Unwanted> {
        self.send()
    }

    fn send(&mut self) -> Result<(), Unwanted> {
        (self.send)(std::mem::take(&mut self.batch))
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if (self.needle.is_empty() || line.to_lowercase().contains(self.needle))
            && let Some(message) = message(&line)
        {
            self.batch.push(message);
        }
        self.line.clear();
    }
}

impl Sink for RowSink<'_> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let room = LINE_MAX.saturating_sub(self.line.len());
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            self.line.extend(text.iter().take(room));
            if ended {
                self.end_line();
            }
        }
        // Each piece is passed on: the first ones are small, so that the screen
        // is filled at once.
        if self.batch.is_empty() || self.send() == Ok(()) {
            Ok(Ending::Complete)
        } else {
            Ok(Ending::Enough)
        }
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}

fn message(line: &str) -> Option<ListedMessage> {
    let mut fields = line.split('\t');
    let id = fields.next()?.as_bytes().to_vec();
    let queue = fields.next()?;
    let is_it = |known: &Queue| known.name() == queue;
    let place = Queue::LISTED.iter().position(is_it);
    let is_expired = fields.next()?.contains("expire");
    let arrival = fields.next()?.parse().unwrap_or(0);
    let mut number = || fields.next()?.parse().ok();
    let (size, recipients) = (number().unwrap_or(0), number().unwrap_or(0));
    let inode = number().unwrap_or(0);
    let text = |text: &str| start_of(text, TEXT_MAX).to_owned();
    Some(ListedMessage {
        id,
        queue: place.and_then(|p| u8::try_from(p).ok()).unwrap_or(u8::MAX),
        is_expired,
        arrival,
        size,
        inode,
        recipients,
        sender: text(fields.next()?),
        reason: text(fields.next().unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str], needle: &str) -> Vec<ListedMessage> {
        let mut all = Vec::new();
        let mut send = |batch: Vec<ListedMessage>| {
            all.extend(batch);
            Ok(())
        };
        let mut sink = RowSink::new(needle, &mut send);
        for piece in pieces {
            sink.piece(piece.as_bytes()).unwrap();
        }
        sink.finish().unwrap();
        all
    }

    #[test]
    fn lines_in_pieces_become_messages() {
        let pieces = [
            "A\tdeferred\thold expire\t17\t5\t2\t",
            "9\tme@a\tfull\nB\thold\t\t1\t2\t3\t4\t\t\n",
        ];
        let all = read(&pieces, "");
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].queue, all[0].is_expired, all[0].inode),
            (3, true, 9)
        );
        assert_eq!(
            (all[0].sender.as_str(), all[0].reason.as_str()),
            ("me@a", "full")
        );
        assert_eq!(all[1].queue, 4);
        assert_eq!(read(&pieces, "full").len(), 1);
    }
}
