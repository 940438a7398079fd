//! A worker of the pipeline: opens, parses and formats the messages of a chunk of
//! file names.

use std::io;

use super::ListingError;
use super::admission::{Admission, Matching};
use super::formatter::Formatter;
use super::partial::PartialResult;
use super::piece::PIECE_SIZE;
use super::style::OutputOptions;
use super::totals::Totals;
use crate::queue_file::message_reader::MessageReader;
use crate::queue_file::message_text;
use crate::queue_file::message_text::{Next, TextPiece as Part};
use crate::queue_file::message_visitor::{
    MessageHead, MessageVisitor, ReadLevel, Recipient, Rules,
};
use crate::queue_file::read_error::{Location, ReadError};
use crate::queue_file::records::Buffers;
use crate::selection::{Matcher, Selection};
use crate::spool::message;
use crate::spool::message::{Message, NoMessage};
use crate::spool::name_batch;
use crate::spool::name_batch::NameBatch;
use crate::spool::{Layout, Queue, QueueId};
use crate::sys::dir::Dir;
use crate::sys::time::now;
use crate::text::SHORT_TEXT_MAX;
use crate::worker_pool::pool;
use crate::worker_pool::pool::{ConsumerGone, Results};

/// The requested listing.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// The hashed subdirectories to which queue IDs belong.
    pub layout: &'a Layout,
    /// Limits and display rules for reading messages.
    pub rules: &'a Rules,
    /// The output format and order.
    pub look: OutputOptions<'a>,
    /// The queues to list, in order.
    pub queues: &'a [Queue],
    /// Restricts the listing to messages that match; `None` lists all.
    pub selection: Option<&'a Selection>,
    /// Decides which messages are listed; `None` lists those that match.
    pub admission: Option<&'a dyn Admission>,
    /// The queues and IDs of the messages to list, without a walk of the queues;
    /// `None` walks.
    pub names: Option<&'a [(Queue, QueueId)]>,
    /// Largest number of reader threads.
    pub workers: usize,
}

/// A result of a worker.
pub enum OutputPiece {
    /// Formatted messages.
    Text(Vec<u8>),
    /// Totals of messages handed out before.
    Totals(Totals),
    /// Output that is collected and written at the end of the listing.
    PartialResult(PartialResult),
    /// A warning for the mail log.
    Warning(Vec<u8>),
    /// An error that ends the listing.
    Failed(ListingError),
}

/// File names of one directory of a queue. Without a directory, the names were
/// found in the wrong hashed directory, and the messages are looked up by the path
/// to which their IDs belong.
type ListingChunk<'a> = name_batch::Chunk<'a, Queue, OutputPiece>;

/// Why a worker stops in the middle of a chunk.
enum WorkerStop {
    /// The consumer no longer takes results.
    ConsumerGone,
    /// An error that ends the listing.
    Failed(ListingError),
}

impl WorkerStop {
    fn failed(error: impl Into<ListingError>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ConsumerGone> for WorkerStop {
    fn from(_: ConsumerGone) -> Self {
        Self::ConsumerGone
    }
}

/// Formats the messages of one chunk after the other.
pub struct ListingWorker<'a> {
    listing: Listing<'a>,
    matcher: Option<Matcher<'a>>,
    reader: MessageReader,
    buffers: Buffers,
    form: Formatter<'a>,
}

impl<'a> ListingWorker<'a> {
    /// Creates a worker.
    pub fn new(listing: Listing<'a>) -> Self {
        Self {
            listing,
            matcher: listing
                .selection
                .map(|selection| Matcher::new(selection, listing.rules)),
            reader: MessageReader::default(),
            buffers: Buffers::default(),
            form: Formatter::new(listing.look),
        }
    }

    /// Lists the message with this file name, if there is one and it matches.
    fn message(&mut self, chunk: &ListingChunk, name: &[u8]) -> Result<(), WorkerStop> {
        let path = self.listing.layout.path(chunk.label, name);
        let path = path
            .into_string()
            .unwrap_or_else(|path| path.to_string_lossy().into_owned());
        let (dir, file) = match &chunk.place {
            Some(place) => (&place.dir, name),
            None => (self.listing.spool, path.as_bytes()),
        };
        let found = match message::open(dir, file, chunk.label, &path) {
            Ok(found) => found,
            Err(NoMessage::NotThere) => return Ok(()),
            Err(other) if other.is_exhaustion() => return Err(WorkerStop::Failed(other.into())),
            Err(other) => return Ok(self.warn(chunk, other.to_string().into_bytes())?),
        };
        let at = Location {
            spool: self.listing.spool,
            layout: self.listing.layout,
            queue: chunk.label,
            id: name,
            path: &path,
        };
        match self.is_listed(&found, &at) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            // Postfix's listing would end with this error; an extension of ours
            // goes on.
            Err(error @ ReadError::Seek { .. }) => {
                return Ok(self.warn(chunk, error.to_string().into_bytes())?);
            }
            Err(error) => return self.report_unread(chunk, error),
        }
        if let Some(warning) = found.link_warning(&path, now) {
            self.warn(chunk, warning.into_bytes())?;
        }
        if let Err(cause) = self.store_file_facts(&found, &path) {
            self.report_unread(chunk, ReadError::unread(&at, cause))?;
        }
        self.report(chunk, &found, &at)
    }

    /// Whether a message matches, and is admitted.
    fn is_listed(&mut self, found: &Message, at: &Location<'_>) -> Result<bool, ReadError> {
        let matches = match &mut self.matcher {
            Some(matcher) => matcher.matches(found, at)?,
            None => true,
        };
        match self.listing.admission {
            Some(admission) if matches => admission.admits(found, at, Matching::Yes),
            Some(admission) => admission.admits(found, at, Matching::No),
            None => Ok(matches),
        }
    }

    /// Reports a message that cannot be read as a warning, and goes on unless it
    /// makes the listing wrong.
    fn report_unread(&mut self, chunk: &ListingChunk, error: ReadError) -> Result<(), WorkerStop> {
        if error.ends_listing() {
            Err(WorkerStop::failed(error))
        } else {
            Ok(self.warn(chunk, error.to_string().into_bytes())?)
        }
    }

    /// Stores what the output shows of the queue file itself.
    fn store_file_facts(&mut self, found: &Message, path: &str) -> io::Result<()> {
        let needs_headers = self.form.needs_headers();
        let Some(facts) = self.form.file_facts() else {
            return Ok(());
        };
        facts.path.clear();
        facts.path.push_str(path);
        facts.modified = found.stat.st_mtime;
        facts.inode = found.stat.st_ino;
        facts.clear_headers();
        if !needs_headers {
            return Ok(());
        }
        let (buffers, stop) = (&mut self.buffers, self.listing.rules.stop);
        message_text::read(found, buffers, stop, |part| {
            if let Part::Header(name, value) = part {
                facts.note_header(name, value);
            }
            if facts.has_headers() {
                Next::Stop
            } else {
                Next::Headers
            }
        })
    }

    fn report(
        &mut self,
        chunk: &ListingChunk,
        found: &Message,
        at: &Location<'_>,
    ) -> Result<(), WorkerStop> {
        let whole = self.form.out().len();
        let mut pieces = Pieces {
            form: &mut self.form,
            chunk,
            sent: PieceSent::Nothing,
        };
        let done = self
            .reader
            .report(found, at, self.listing.rules, &mut pieces);
        match pieces.sent {
            PieceSent::Closed => return Err(WorkerStop::ConsumerGone),
            PieceSent::Nothing if done.as_ref().is_err_and(ReadError::ends_listing) => {
                self.form.out().truncate(whole);
                self.hand_out(chunk)?;
            }
            _ => {}
        }
        if let Some(error) = self.form.take_failure() {
            return Err(WorkerStop::failed(ListingError::Sort(error)));
        }
        done.or_else(|error| self.report_unread(chunk, error))
    }

    fn warn(&mut self, chunk: &ListingChunk, text: Vec<u8>) -> Result<(), ConsumerGone> {
        chunk.hand_out(OutputPiece::Warning(text))
    }

    fn hand_out_partial(&mut self, chunk: &ListingChunk) -> Result<(), ConsumerGone> {
        match self.form.take_partial() {
            Some(partial) => chunk.hand_out(OutputPiece::PartialResult(partial)),
            None => Ok(()),
        }
    }

    fn hand_out(&mut self, chunk: &ListingChunk) -> Result<(), ConsumerGone> {
        let out = self.form.out();
        if out.is_empty() {
            return Ok(());
        }
        // The next chunk will need about as much memory.
        let next = Vec::with_capacity(out.len().min(PIECE_SIZE));
        let text = std::mem::replace(out, next);
        chunk.hand_out(OutputPiece::Text(text))
    }
}

impl pool::Worker<NameBatch<Queue>, OutputPiece> for ListingWorker<'_> {
    fn work(
        &mut self,
        batch: NameBatch<Queue>,
        results: &Results<'_, OutputPiece>,
    ) -> Result<(), ConsumerGone> {
        let chunk = &ListingChunk::new(&batch, results);
        for name in chunk.names() {
            match self.message(chunk, name) {
                Ok(()) => {}
                Err(WorkerStop::ConsumerGone) => return Err(ConsumerGone),
                Err(WorkerStop::Failed(error)) => {
                    return chunk.hand_out(OutputPiece::Failed(error));
                }
            }
            // Limit what each worker holds, because there are many workers.
            if self.form.partial_size() > PIECE_SIZE {
                self.hand_out_partial(chunk)?;
            }
        }
        self.hand_out(chunk)?;
        self.hand_out_partial(chunk)?;
        chunk.hand_out(OutputPiece::Totals(self.form.take_totals()))
    }
}

/// Passes on pieces of a message while it is being read, so that a message with a
/// million recipients needs no more memory than others.
struct Pieces<'a, 'f> {
    form: &'a mut Formatter<'f>,
    chunk: &'a ListingChunk<'a>,
    sent: PieceSent,
}

/// Whether pieces of the current message have been passed on.
enum PieceSent {
    Nothing,
    Some,
    Closed,
}

impl Pieces<'_, '_> {
    /// Passes on the formatted text if it is large enough for a piece.
    fn hand_out(&mut self) {
        if self.form.partial_size() > PIECE_SIZE
            && let Some(partial) = self.form.take_partial()
        {
            self.send(OutputPiece::PartialResult(partial));
        }
        if !self.form.is_continuous() || self.form.out().len() <= PIECE_SIZE {
            return;
        }
        let text = std::mem::take(self.form.out());
        if text.len() <= 2 * PIECE_SIZE {
            self.send(OutputPiece::Text(text));
            return;
        }
        // Each thread may hold one long text, but the queue of results may not.
        for piece in text.chunks(PIECE_SIZE) {
            self.send(OutputPiece::Text(piece.to_vec()));
        }
    }

    /// Passes on a piece. Once the consumer is gone, pieces are dropped.
    fn send(&mut self, piece: OutputPiece) {
        if matches!(self.sent, PieceSent::Closed) {
            return;
        }
        let is_text = matches!(piece, OutputPiece::Text(_) | OutputPiece::PartialResult(_));
        match self.chunk.hand_out(piece) {
            Ok(()) if is_text => self.sent = PieceSent::Some,
            Ok(()) => {}
            Err(ConsumerGone) => self.sent = PieceSent::Closed,
        }
    }
}

impl MessageVisitor for Pieces<'_, '_> {
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

    fn wanted(&self) -> ReadLevel {
        self.form.wanted()
    }

    fn message(&mut self, head: &MessageHead<'_>) {
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
        self.send(OutputPiece::Warning(text));
    }
}
