//! A worker of the pipeline: opens, parses and formats the messages of one
//! chunk after the other.

use super::ListingError;
use super::form::{Form, Style, Totals};
use super::sink::PIECE_SIZE;
use crate::spool::message::{self, NoMessage};
use crate::spool::readers::{self, Look, NotWanted};
use crate::spool::report::{Head, Recipient, Report, Rules};
use crate::spool::reporter::{Location, Reporter};
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::time::now;

/// What is listed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
    /// What counts and what may be shown.
    pub rules: &'a Rules,
    /// What it looks like.
    pub style: Style,
    /// How many threads read, at most.
    pub workers: usize,
}

/// What a worker hands out.
pub enum Piece {
    /// Formatted messages.
    Text(Vec<u8>),
    /// Totals of messages handed out before.
    Totals(Totals),
    /// Something for the mail log.
    Warning(Vec<u8>),
    /// The listing ends here.
    Failed(ListingError),
}

/// Names of one queue's directory; without a directory they were met where
/// they do not belong: their message is looked for at its place.
type Chunk = readers::Chunk<Queue, Piece>;

/// Why a worker stops in the middle of a chunk.
enum Stop {
    /// Nobody takes what it hands out.
    NotWanted,
    /// The listing cannot go on.
    Failed(ListingError),
}

impl From<NotWanted> for Stop {
    fn from(_: NotWanted) -> Self {
        Self::NotWanted
    }
}

/// Looks at the messages of one chunk after the other.
pub struct Worker<'a> {
    listing: Listing<'a>,
    reporter: Reporter,
    form: Form,
}

impl<'a> Worker<'a> {
    /// A worker that has not begun.
    pub fn new(listing: Listing<'a>) -> Self {
        Self {
            listing,
            reporter: Reporter::default(),
            form: Form::new(listing.style),
        }
    }

    /// Lists one name, if it is a message.
    fn message(&mut self, chunk: &Chunk, name: &[u8]) -> Result<(), Stop> {
        let path = self.listing.layout.path(chunk.label, name);
        let path = path.to_string_lossy().into_owned();
        let (dir, file) = match &chunk.place {
            Some(place) => (&place.dir, name),
            None => (self.listing.spool, path.as_bytes()),
        };
        let found = match message::open(dir, file, chunk.label, &path) {
            Ok(found) => found,
            Err(NoMessage::NotThere) => return Ok(()),
            Err(other) if other.is_exhaustion() => return Err(Stop::Failed(other.into())),
            Err(other) => return Ok(self.warn(chunk, other.to_string().into_bytes())?),
        };
        if let Some(warning) = found.link_warning(&path, now()) {
            self.warn(chunk, warning.into_bytes())?;
        }
        let at = Location {
            spool: self.listing.spool,
            layout: self.listing.layout,
            queue: chunk.label,
            id: name,
            path: &path,
        };
        let whole = self.form.out().len();
        let mut pieces = Pieces {
            form: &mut self.form,
            chunk,
            sent: Sent::Nothing,
        };
        let done = self
            .reporter
            .report(found, &at, self.listing.rules, &mut pieces);
        match pieces.sent {
            Sent::Closed => return Err(Stop::NotWanted),
            Sent::Nothing if done.is_err() => {
                self.form.out().truncate(whole);
                self.hand_out(chunk)?;
            }
            _ => {}
        }
        done.map_err(|error| Stop::Failed(error.into()))
    }

    fn warn(&mut self, chunk: &Chunk, text: Vec<u8>) -> Result<(), NotWanted> {
        chunk.hand_out(Piece::Warning(text))
    }

    fn hand_out(&mut self, chunk: &Chunk) -> Result<(), NotWanted> {
        let text = std::mem::take(self.form.out());
        match text.is_empty() {
            true => Ok(()),
            false => chunk.hand_out(Piece::Text(text)),
        }
    }
}

impl Look<Queue, Piece> for Worker<'_> {
    fn chunk(&mut self, chunk: &Chunk) -> Result<(), NotWanted> {
        for name in chunk.names() {
            match self.message(chunk, name) {
                Ok(()) => {}
                Err(Stop::NotWanted) => return Err(NotWanted),
                Err(Stop::Failed(error)) => return chunk.hand_out(Piece::Failed(error)),
            }
        }
        self.hand_out(chunk)?;
        chunk.hand_out(Piece::Totals(self.form.take_totals()))
    }
}

/// Hands out pieces of a message while it is reported, so that a message with
/// a million recipients needs no more memory than others.
struct Pieces<'a> {
    form: &'a mut Form,
    chunk: &'a Chunk,
    sent: Sent,
}

/// What became of the pieces of a message.
enum Sent {
    Nothing,
    Some,
    Closed,
}

impl Pieces<'_> {
    /// Hands out what was formatted, if it is enough for a piece.
    fn hand_out(&mut self) {
        if self.form.out().len() > PIECE_SIZE {
            let text = std::mem::take(self.form.out());
            self.send(Piece::Text(text));
        }
    }

    /// Once nobody listens, pieces are dropped.
    fn send(&mut self, piece: Piece) {
        if matches!(self.sent, Sent::Closed) {
            return;
        }
        let is_text = matches!(piece, Piece::Text(_));
        match self.chunk.hand_out(piece) {
            Ok(()) if is_text => self.sent = Sent::Some,
            Ok(()) => {}
            Err(NotWanted) => self.sent = Sent::Closed,
        }
    }
}

impl Report for Pieces<'_> {
    fn message(&mut self, head: &Head<'_>) {
        self.form.message(head);
        self.hand_out();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.form.recipient(recipient);
        self.hand_out();
    }

    fn end(&mut self) {
        self.form.end();
        self.hand_out();
    }

    fn warning(&mut self, text: Vec<u8>) {
        self.send(Piece::Warning(text));
    }
}
