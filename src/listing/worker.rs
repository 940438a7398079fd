//! A worker of the pipeline: opens, parses and formats the messages of one
//! chunk after the other.

use std::io;

use super::ListingError;
use super::form::{Form, Gathered, Totals};
use super::sink::PIECE_SIZE;
use super::style::Look;
use crate::record::{Buffers, SHORT_TEXT_MAX};
use crate::selection::{Matcher, Selection};
use crate::spool::message::{self, Message, NoMessage};
use crate::spool::message_text::{self, Next, Piece as Part};
use crate::spool::readers::{self, NotWanted};
use crate::spool::report::{Head, Recipient, Report, Rules, Wanted};
use crate::spool::reporter::{Location, ReportError, Reporter};
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
    pub look: Look<'a>,
    /// The queues, in order.
    pub queues: &'a [Queue],
    /// Which messages are meant; all without one.
    pub selection: Option<&'a Selection>,
    /// How many threads read, at most.
    pub workers: usize,
}

/// What a worker hands out.
pub enum Piece {
    /// Formatted messages.
    Text(Vec<u8>),
    /// Totals of messages handed out before.
    Totals(Totals),
    /// What is not to be written yet.
    Gathered(Gathered),
    /// Something for the mail log.
    Warning(Vec<u8>),
    /// The listing ends here.
    Failed(ListingError),
}

/// Names of one queue's directory; without a directory they were met where
/// they do not belong: their message is looked for at its place.
type Chunk<'a> = readers::Chunk<'a, Queue, Piece>;

/// Why a worker stops in the middle of a chunk.
enum Stop {
    /// Nobody takes what it hands out.
    NotWanted,
    /// The listing cannot go on.
    Failed(ListingError),
}

impl Stop {
    fn failed(error: impl Into<ListingError>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotWanted> for Stop {
    fn from(_: NotWanted) -> Self {
        Self::NotWanted
    }
}

/// Looks at the messages of one chunk after the other.
pub struct Worker<'a> {
    listing: Listing<'a>,
    matcher: Option<Matcher<'a>>,
    reporter: Reporter,
    buffers: Buffers,
    form: Form<'a>,
}

impl<'a> Worker<'a> {
    /// A worker that has not begun.
    pub fn new(listing: Listing<'a>) -> Self {
        Self {
            listing,
            matcher: listing
                .selection
                .map(|selection| Matcher::new(selection, listing.rules)),
            reporter: Reporter::default(),
            buffers: Buffers::default(),
            form: Form::new(listing.look),
        }
    }

    /// Lists one name, if it is a message that is meant.
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
        let at = Location {
            spool: self.listing.spool,
            layout: self.listing.layout,
            queue: chunk.label,
            id: name,
            path: &path,
        };
        if let Some(matcher) = &mut self.matcher {
            match matcher.is_meant(&found, &at) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // Postfix's listing ends there; what it has not goes on.
                Err(error @ ReportError::Seek { .. }) => {
                    return Ok(self.warn(chunk, error.to_string().into_bytes())?);
                }
                Err(error) => return self.not_read(chunk, error),
            }
        }
        if let Some(warning) = found.link_warning(&path, now()) {
            self.warn(chunk, warning.into_bytes())?;
        }
        if let Err(cause) = self.note_file(&found, &path) {
            self.not_read(chunk, ReportError::unread(&at, cause))?;
        }
        self.report(chunk, &found, &at)
    }

    /// What cannot be read is told of, and the listing goes on without it.
    fn not_read(&mut self, chunk: &Chunk, error: ReportError) -> Result<(), Stop> {
        match error.ends_listing() {
            true => Err(Stop::failed(error)),
            false => Ok(self.warn(chunk, error.to_string().into_bytes())?),
        }
    }

    /// Keeps what the form shows of the file itself.
    fn note_file(&mut self, found: &Message, path: &str) -> io::Result<()> {
        let needs_headers = self.form.needs_headers();
        let Some(facts) = self.form.file_facts() else {
            return Ok(());
        };
        facts.path.clear();
        facts.path.push_str(path);
        facts.modified = found.stat.st_mtime;
        facts.subject.clear();
        facts.message_id.clear();
        if !needs_headers {
            return Ok(());
        }
        let (buffers, stop) = (&mut self.buffers, self.listing.rules.stop);
        message_text::read(found, buffers, stop, |part| {
            if let Part::Header(name, value) = part {
                facts.note_header(name, value);
            }
            match facts.has_headers() {
                true => Next::Stop,
                false => Next::Headers,
            }
        })
    }

    fn report(&mut self, chunk: &Chunk, found: &Message, at: &Location<'_>) -> Result<(), Stop> {
        let whole = self.form.out().len();
        let mut pieces = Pieces {
            form: &mut self.form,
            chunk,
            sent: Sent::Nothing,
        };
        let done = self
            .reporter
            .report(found, at, self.listing.rules, &mut pieces);
        match pieces.sent {
            Sent::Closed => return Err(Stop::NotWanted),
            Sent::Nothing if done.as_ref().is_err_and(ReportError::ends_listing) => {
                self.form.out().truncate(whole);
                self.hand_out(chunk)?;
            }
            _ => {}
        }
        if let Some(error) = self.form.take_failure() {
            return Err(Stop::failed(ListingError::Sort(error)));
        }
        done.or_else(|error| self.not_read(chunk, error))
    }

    fn warn(&mut self, chunk: &Chunk, text: Vec<u8>) -> Result<(), NotWanted> {
        chunk.hand_out(Piece::Warning(text))
    }

    fn hand_out_gathered(&mut self, chunk: &Chunk) -> Result<(), NotWanted> {
        match self.form.take_gathered() {
            Some(gathered) => chunk.hand_out(Piece::Gathered(gathered)),
            None => Ok(()),
        }
    }

    fn hand_out(&mut self, chunk: &Chunk) -> Result<(), NotWanted> {
        let text = std::mem::take(self.form.out());
        match text.is_empty() {
            true => Ok(()),
            false => chunk.hand_out(Piece::Text(text)),
        }
    }
}

impl readers::Look<Queue, Piece> for Worker<'_> {
    fn chunk(&mut self, chunk: &Chunk) -> Result<(), NotWanted> {
        for name in chunk.names() {
            match self.message(chunk, name) {
                Ok(()) => {}
                Err(Stop::NotWanted) => return Err(NotWanted),
                Err(Stop::Failed(error)) => return chunk.hand_out(Piece::Failed(error)),
            }
            // There are many workers, and what all of them hold adds up.
            if self.form.gathered_size() > PIECE_SIZE {
                self.hand_out_gathered(chunk)?;
            }
        }
        self.hand_out(chunk)?;
        self.hand_out_gathered(chunk)?;
        chunk.hand_out(Piece::Totals(self.form.take_totals()))
    }
}

/// Hands out pieces of a message while it is reported, so that a message with
/// a million recipients needs no more memory than others.
struct Pieces<'a, 'f> {
    form: &'a mut Form<'f>,
    chunk: &'a Chunk<'a>,
    sent: Sent,
}

/// What became of the pieces of a message.
enum Sent {
    Nothing,
    Some,
    Closed,
}

impl Pieces<'_, '_> {
    /// Hands out what was formatted, if it is enough for a piece.
    fn hand_out(&mut self) {
        if self.form.gathered_size() > PIECE_SIZE
            && let Some(gathered) = self.form.take_gathered()
        {
            self.send(Piece::Gathered(gathered));
        }
        if !self.form.is_continuous() || self.form.out().len() <= PIECE_SIZE {
            return;
        }
        let text = std::mem::take(self.form.out());
        match text.len() <= 2 * PIECE_SIZE {
            true => self.send(Piece::Text(text)),
            // One text of many threads' may be long, not those that wait.
            false => {
                for piece in text.chunks(PIECE_SIZE) {
                    self.send(Piece::Text(piece.to_vec()));
                }
            }
        }
    }

    /// Once nobody listens, pieces are dropped.
    fn send(&mut self, piece: Piece) {
        if matches!(self.sent, Sent::Closed) {
            return;
        }
        let is_text = matches!(piece, Piece::Text(_) | Piece::Gathered(_));
        match self.chunk.hand_out(piece) {
            Ok(()) if is_text => self.sent = Sent::Some,
            Ok(()) => {}
            Err(NotWanted) => self.sent = Sent::Closed,
        }
    }
}

impl Report for Pieces<'_, '_> {
    fn begin(&mut self) {
        self.form.begin();
    }

    fn long_text_max(&self) -> usize {
        let most = self.form.long_text_max();
        if most > SHORT_TEXT_MAX {
            self.chunk.await_turn();
        }
        most
    }

    fn wants_attributes(&self) -> bool {
        self.form.wants_attributes()
    }

    fn attribute(&mut self, text: &[u8]) {
        self.form.attribute(text);
    }

    fn done_recipient(&mut self) {
        self.form.done_recipient();
    }

    fn wanted(&self) -> Wanted {
        self.form.wanted()
    }

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
