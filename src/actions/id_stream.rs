//! Queue IDs from a stream, one a line or separated by NUL, acted on as they
//! arrive.
//!
//! Owns what a line is: all bytes up to the newline, and of those what a C
//! string would hold, as Postfix has it. Memory depends neither on the number
//! of lines nor on their length.

use std::fs::File;
use std::io::{ErrorKind, Read};

use nix::errno::Errno;

use super::action::Action;
use super::context::SpoolContext;
use super::error::WorkError;
use super::executor::{Executor, LocatedMessage};
use super::limits::ActionLimits;
use super::rate_limit::RateLimit;
use super::report::{ActionLog, ActionObserver, Counters, Outcome};
use super::retention::Removal;
use super::scheduler;
use super::scheduler::{ActionFeed, Concurrency, Done, StopReason, Work};
use super::warning::Warning;
use crate::spool::{Layout, Queue, QueueId};
use crate::sys::error_text::is;
use crate::sys::signals::{Interrupts, Wake};
use crate::worker_pool::job_queue::DirectoryKey;

/// Bytes read at a time.
const READ_SIZE: usize = 64 * 1024;
/// Bytes of a line that are kept; longer ones are no IDs anyway, and more of
/// them is not shown.
const LINE_MAX: usize = 64 * 1024;

/// What ends an ID in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    /// A newline. What comes after a NUL in the line does not count, as in
    /// Postfix.
    #[default]
    Newline,
    /// A NUL byte, as `postqueue --ids --null` writes it.
    Nul,
}

impl Separator {
    fn byte(self) -> u8 {
        match self {
            Self::Newline => b'\n',
            Self::Nul => 0,
        }
    }
}

/// Acts on every ID in `input`, to its end.
pub fn run(
    context: SpoolContext<'_>,
    action: Action,
    (input, separator): (File, Separator),
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let ops = context.ops();
    let worker = || IdWorker {
        executor: Executor::new(ops.clone(), context.selected, context.removal),
        action,
        context,
    };
    let produce = |feed: &mut ActionFeed<'_, '_, Vec<IdRequest>>| {
        let mut jobs = Jobs {
            feed,
            layout: context.layout,
            job: Vec::new(),
            job_max: if context.rate_limit.is_set() {
                // What was done is reported at once.
                1
            } else {
                context.removal.job_max()
            },
        };
        read_ids((&input, separator), context.interrupts, &mut jobs)
    };
    let concurrency = concurrency_of(action, context.removal, context.rate_limit);
    let schedule = (concurrency, ActionLimits::near(context.open_files));
    scheduler::run(schedule, context.interrupts, worker, produce, observer)
}

/// How workers share actions on single messages.
pub fn concurrency_of(action: Action, removal: Removal<'_>, rate_limit: &RateLimit) -> Concurrency {
    match (action, removal) {
        _ if rate_limit.is_set() => Concurrency::InOrder,
        (Action::Delete, Removal::Retain(_)) => Concurrency::Serialized,
        _ if action.moves() => Concurrency::Serialized,
        _ => Concurrency::Parallel,
    }
}

/// Acts on one ID.
pub fn one(
    context: SpoolContext<'_>,
    action: Action,
    text: &[u8],
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let mut worker = IdWorker {
        executor: Executor::new(context.ops(), context.selected, context.removal),
        action,
        context,
    };
    let mut action_log = ActionLog::default();
    let ended = worker.one(&IdRequest::parse(text), None, &mut action_log);
    observer.lines(&action_log.lines);
    observer.passed(1);
    observer.pause();
    (action_log.counters, ended)
}

/// What a line asks for.
pub enum IdRequest {
    /// A message.
    Id(QueueId),
    /// Nothing that can be one.
    NoId(Vec<u8>),
    /// Nothing: the line of this number goes on after a NUL, and that part
    /// does not count.
    CutAtNul(u64),
}

impl IdRequest {
    /// The message, if it can be one.
    fn id(&self) -> Option<&QueueId> {
        match self {
            Self::Id(id) => Some(id),
            Self::NoId(_) | Self::CutAtNul(_) => None,
        }
    }

    /// What a line, or an argument, asks for.
    pub fn parse(text: &[u8]) -> Self {
        let text = text.split(|&b| b == 0).next().unwrap_or_default();
        match QueueId::parse(text) {
            Some(id) => Self::Id(id),
            None => Self::NoId(text.to_vec()),
        }
    }
}

/// Takes what the lines of a stream ask for.
pub trait IdConsumer {
    /// Takes it; an error ends the reading.
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError>;
    /// More may be long in coming.
    fn pause(&mut self) -> Result<(), WorkError>;
}

/// Reads IDs to the end of `input`.
pub fn read_ids(
    (input, separator): (&File, Separator),
    interrupts: &Interrupts,
    to: &mut impl IdConsumer,
) -> Result<(), WorkError> {
    let mut reader = LineReader {
        to,
        separator,
        line: Vec::new(),
        number: 0,
        has_warned: false,
    };
    reader.read_all(input, interrupts)
}

/// Cuts the stream into lines.
struct LineReader<'a, T> {
    to: &'a mut T,
    separator: Separator,
    line: Vec<u8>,
    /// Lines that came before this one.
    number: u64,
    /// Whether a NUL was warned of: once is enough.
    has_warned: bool,
}

impl<T: IdConsumer> LineReader<'_, T> {
    fn read_all(&mut self, mut input: &File, interrupts: &Interrupts) -> Result<(), WorkError> {
        let mut buffer = vec![0; READ_SIZE];
        let separator = self.separator.byte();
        loop {
            let length = next_read(&mut input, &mut buffer, interrupts)?;
            if length == 0 {
                break;
            }
            for piece in buffer
                .get(..length)
                .unwrap_or_default()
                .split_inclusive(|&b| b == separator)
            {
                self.piece(piece)?;
            }
            // More may be long in coming: what is here is acted on now.
            self.to.pause()?;
        }
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.to.pause()
    }

    /// Takes a part of a line, with its separator if that is its end.
    fn piece(&mut self, piece: &[u8]) -> Result<(), WorkError> {
        let (text, is_whole) = match piece.split_last() {
            Some((last, text)) if *last == self.separator.byte() => (text, true),
            _ => (piece, false),
        };
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line
            .extend_from_slice(text.get(..room).unwrap_or(text));
        if is_whole { self.end_line() } else { Ok(()) }
    }

    fn end_line(&mut self) -> Result<(), WorkError> {
        self.number = self.number.saturating_add(1);
        let mut parts = self.line.splitn(2, |&b| b == 0).skip(1);
        if !self.has_warned && parts.any(|rest| !rest.is_empty()) {
            self.has_warned = true;
            self.to.take(IdRequest::CutAtNul(self.number))?;
        }
        let asked = IdRequest::parse(&self.line);
        self.line.clear();
        self.to.take(asked)
    }
}

/// Makes jobs of what is asked for.
struct Jobs<'a, 'f, 'scope> {
    feed: &'a mut ActionFeed<'f, 'scope, Vec<IdRequest>>,
    layout: &'a Layout,
    job: Vec<IdRequest>,
    job_max: usize,
}

impl Jobs<'_, '_, '_> {
    /// Where the job is: a listing of a queue has one directory after the
    /// other, so that it is where its first message is.
    fn directory_key(&self) -> DirectoryKey {
        let id = self.job.iter().find_map(IdRequest::id);
        DirectoryKey::of(id.map(|id| self.layout.directory(Queue::Deferred, id.as_bytes())))
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        match self.job.len() {
            0 => Ok(()),
            pieces => {
                let directory_key = self.directory_key();
                self.feed
                    .send(std::mem::take(&mut self.job), pieces, directory_key)
            }
        }
    }
}

impl IdConsumer for Jobs<'_, '_, '_> {
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError> {
        if let IdRequest::Id(id) = &asked
            && !self.feed.is_new_name(id.as_bytes())
        {
            self.flush()?;
            self.feed.drain()?;
            self.feed.is_new_name(id.as_bytes());
        }
        self.job.push(asked);
        if self.job.len() >= self.job_max {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn pause(&mut self) -> Result<(), WorkError> {
        self.flush()
    }
}

/// Reads what there is; waits for it, or for a signal. None at the end.
fn next_read(
    input: &mut &File,
    buffer: &mut [u8],
    interrupts: &Interrupts,
) -> Result<usize, WorkError> {
    loop {
        match interrupts.wait_for(*input).map_err(WorkError::Input)? {
            Wake::Interrupted => return Err(WorkError::Interrupted),
            Wake::Readable => {}
        }
        match input.read(buffer) {
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            // Observed: what is no stream has ended.
            Err(error) if is(&error, Errno::EISDIR) || is(&error, Errno::EBADF) => return Ok(0),
            other => return other.map_err(WorkError::Input),
        }
    }
}

/// Acts on one ID after the other.
struct IdWorker<'a> {
    executor: Executor<'a>,
    action: Action,
    context: SpoolContext<'a>,
}

impl IdWorker<'_> {
    fn all(
        &mut self,
        seen: Vec<(IdRequest, Option<LocatedMessage>)>,
        stop: &StopReason<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        stop.check()?;
        let messages = seen.iter();
        let messages = messages.filter_map(|(asked, seen)| Some((asked.id()?, seen.as_ref()?)));
        let _announced = self.executor.announce(self.action, messages)?;
        for (asked, seen) in seen {
            stop.check()?;
            self.one(&asked, seen, action_log)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        asked: &IdRequest,
        seen: Option<LocatedMessage>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        match asked {
            IdRequest::Id(id) => self.act(id, seen, action_log),
            IdRequest::CutAtNul(line) => {
                action_log.warn(&Warning::CutAtNul(*line));
                Ok(())
            }
            IdRequest::NoId(text) => {
                action_log.not_done(text, Outcome::Invalid);
                action_log.warn(&Warning::InvalidId(text.clone()));
                if self.action == Action::ExpireAndRelease {
                    // Observed: either half of the action finds it invalid.
                    action_log.warn(&Warning::InvalidId(text.clone()));
                }
                Ok(())
            }
        }
    }
}

impl IdWorker<'_> {
    fn act(
        &mut self,
        id: &QueueId,
        seen: Option<LocatedMessage>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        self.context.rate_limit.wait(self.context.interrupts)?;
        let before = action_log.lines.len();
        self.executor.act(self.action, id, seen, action_log)?;
        if !action_log.has_result_since(before) {
            let there = self.executor.find_unchanged(self.action, id);
            let outcome = there.map_or(Outcome::NotFound, Outcome::Unchanged);
            action_log.not_done(id.as_bytes(), outcome);
        }
        if action_log.has_action_since(before) {
            self.context.rate_limit.acted(self.context.interrupts);
        }
        Ok(())
    }
}

impl Work<Vec<IdRequest>> for IdWorker<'_> {
    type Seen = Vec<(IdRequest, Option<LocatedMessage>)>;

    fn look(&mut self, job: Vec<IdRequest>) -> Self::Seen {
        let look = |asked| {
            let seen = match &asked {
                IdRequest::Id(id) => self.executor.look(self.action, id),
                IdRequest::NoId(_) | IdRequest::CutAtNul(_) => None,
            };
            (asked, seen)
        };
        job.into_iter().map(look).collect()
    }

    fn act(&mut self, seen: Self::Seen, stop: &StopReason<'_>) -> Done {
        let mut action_log = ActionLog::default();
        let ended = self.all(seen, stop, &mut action_log);
        Done { action_log, ended }
    }
}
