//! A worker of the pipeline: opens, parses and formats the messages of one
//! chunk after the other.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SendError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use super::ListingError;
use super::form::{Form, Gathered, Totals};
use super::sink::PIECE_SIZE;
use super::style::Look;
use crate::record::Buffers;
use crate::selection::{Matcher, Selection};
use crate::spool::message::{self, Message, NoMessage};
use crate::spool::message_text::{self, Next, Piece as Part};
use crate::spool::report::{Head, Recipient, Report, Rules, Wanted};
use crate::spool::reporter::{Location, Reporter};
use crate::spool::{Layout, Place, Queue};
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

/// Names of one directory, to be looked at by one worker.
pub struct Chunk {
    /// The queue they are in.
    pub queue: Queue,
    /// The open directory the names lie in; `None` for names that were met
    /// where they do not belong: their message is looked for at its place.
    pub place: Option<Arc<Place>>,
    /// The names, one behind the other.
    pub names: Vec<u8>,
    /// Where each of them stands in `names`.
    pub ranges: Vec<Range<usize>>,
    /// Where the pieces go.
    pub pieces: SyncSender<Piece>,
}

impl Chunk {
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges
            .iter()
            .filter_map(|range| self.names.get(range.clone()))
    }
}

/// Why a worker stops in the middle of a chunk.
enum Stop {
    /// Nobody takes what it hands out.
    NotWanted(SendError<Piece>),
    /// The listing cannot go on.
    Failed(ListingError),
}

impl Stop {
    fn failed(error: impl Into<ListingError>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SendError<Piece>> for Stop {
    fn from(error: SendError<Piece>) -> Self {
        Self::NotWanted(error)
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

    /// Takes chunks until there are no more, or nobody wants the result.
    pub fn run(mut self, waiting: &Mutex<Receiver<Chunk>>) {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(chunk) = next else { return };
            if self.chunk(&chunk).is_err() {
                return;
            }
        }
    }

    /// Looks at one chunk. An error is that nobody wants the result.
    pub fn chunk(&mut self, chunk: &Chunk) -> Result<(), SendError<Piece>> {
        for name in chunk.names() {
            match self.message(chunk, name) {
                Ok(()) => {}
                Err(Stop::NotWanted(error)) => return Err(error),
                Err(Stop::Failed(error)) => return chunk.pieces.send(Piece::Failed(error)),
            }
        }
        self.hand_out(chunk)?;
        if let Some(gathered) = self.form.take_gathered() {
            chunk.pieces.send(Piece::Gathered(gathered))?;
        }
        chunk.pieces.send(Piece::Totals(self.form.take_totals()))
    }

    /// Lists one name, if it is a message that is meant.
    fn message(&mut self, chunk: &Chunk, name: &[u8]) -> Result<(), Stop> {
        let path = self.listing.layout.path(chunk.queue, name);
        let path = path.to_string_lossy().into_owned();
        let (dir, file) = match &chunk.place {
            Some(place) => (&place.dir, name),
            None => (self.listing.spool, path.as_bytes()),
        };
        let found = match message::open(dir, file, chunk.queue, &path) {
            Ok(found) => found,
            Err(NoMessage::NotThere) => return Ok(()),
            Err(other) if other.is_exhaustion() => return Err(Stop::Failed(other.into())),
            Err(other) => return Ok(self.warn(chunk, other.to_string().into_bytes())?),
        };
        let at = Location {
            spool: self.listing.spool,
            layout: self.listing.layout,
            queue: chunk.queue,
            id: name,
            path: &path,
        };
        if let Some(matcher) = &mut self.matcher
            && !matcher.is_meant(&found, &at).map_err(Stop::failed)?
        {
            return Ok(());
        }
        if let Some(warning) = found.link_warning(&path, now()) {
            self.warn(chunk, warning.into_bytes())?;
        }
        self.note_file(&found, &path);
        self.report(chunk, &found, &at)
    }

    /// Keeps what the form shows of the file itself.
    fn note_file(&mut self, found: &Message, path: &str) {
        let needs_headers = self.form.needs_headers();
        let Some(facts) = self.form.file_facts() else {
            return;
        };
        facts.path.clear();
        facts.path.push_str(path);
        facts.modified = found.stat.st_mtime;
        facts.subject.clear();
        facts.message_id.clear();
        if !needs_headers {
            return;
        }
        message_text::read(found, &mut self.buffers, |part| {
            if let Part::Header(name, value) = part {
                facts.note_header(name, value);
            }
            match facts.has_headers() {
                true => Next::Stop,
                false => Next::Headers,
            }
        });
    }

    fn report(&mut self, chunk: &Chunk, found: &Message, at: &Location<'_>) -> Result<(), Stop> {
        let whole = self.form.out().len();
        let mut pieces = Pieces {
            form: &mut self.form,
            to: &chunk.pieces,
            sent: Sent::Nothing,
        };
        let done = self
            .reporter
            .report(found, at, self.listing.rules, &mut pieces);
        match pieces.sent {
            Sent::Closed(error) => return Err(Stop::NotWanted(error)),
            Sent::Nothing if done.is_err() => {
                self.form.out().truncate(whole);
                self.hand_out(chunk)?;
            }
            _ => {}
        }
        done.map_err(Stop::failed)
    }

    fn warn(&mut self, chunk: &Chunk, text: Vec<u8>) -> Result<(), SendError<Piece>> {
        chunk.pieces.send(Piece::Warning(text))
    }

    fn hand_out(&mut self, chunk: &Chunk) -> Result<(), SendError<Piece>> {
        let text = std::mem::take(self.form.out());
        match text.is_empty() {
            true => Ok(()),
            false => chunk.pieces.send(Piece::Text(text)),
        }
    }
}

/// Hands out pieces of a message while it is reported, so that a message with
/// a million recipients needs no more memory than others.
struct Pieces<'a, 'f> {
    form: &'a mut Form<'f>,
    to: &'a SyncSender<Piece>,
    sent: Sent,
}

/// What became of the pieces of a message.
enum Sent {
    Nothing,
    Some,
    Closed(SendError<Piece>),
}

impl Pieces<'_, '_> {
    /// Hands out what was formatted, if it is enough for a piece.
    fn hand_out(&mut self) {
        if self.form.out().len() > PIECE_SIZE && self.form.is_continuous() {
            let text = std::mem::take(self.form.out());
            self.send(Piece::Text(text));
        }
    }

    /// Once nobody listens, pieces are dropped.
    fn send(&mut self, piece: Piece) {
        if let Sent::Closed(_) = self.sent {
            return;
        }
        let is_text = matches!(piece, Piece::Text(_));
        match self.to.send(piece) {
            Ok(()) if is_text => self.sent = Sent::Some,
            Ok(()) => {}
            Err(error) => self.sent = Sent::Closed(error),
        }
    }
}

impl Report for Pieces<'_, '_> {
    fn begin(&mut self) {
        self.form.begin();
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
