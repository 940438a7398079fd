//! Reads queue IDs from a stream, separated by newlines or NUL bytes, and acts
//! on each as it arrives.
//!
//! As in Postfix, a line consists of all bytes up to the newline, and the ID is
//! the part before the first NUL byte. Memory use depends neither on the number
//! of lines nor on their length.

use std::fs::File;
use std::io::{ErrorKind, Read};

use nix::errno::Errno;

use super::action::Action;
use super::context::SpoolContext;
use super::effects::Effects;
use super::error::WorkError;
use super::executor::Executor;
use super::limits::ActionLimits;
use super::message_lookup::LocatedMessage;
use super::rate_limit::RateLimit;
use super::report::{ActionLog, ActionObserver, Counters, Outcome};
use super::scheduler;
use super::scheduler::{ActionFeed, Concurrency, Done, StopReason, Work};
use super::warning::Warning;
use crate::spool::{Layout, Queue, QueueId};
use crate::sys::error_text::is;
use crate::sys::signals::{Interrupts, Wake};
use crate::worker_pool::job_queue::DirectoryKey;

/// The number of bytes read at a time.
const READ_SIZE: usize = 64 * 1024;
/// The number of bytes kept of a line. A longer line cannot be a queue ID, and
/// no more than this is shown of it.
const LINE_MAX: usize = 64 * 1024;

/// The separator between IDs in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    /// A newline. As in Postfix, text after a NUL in a line is ignored.
    #[default]
    Newline,
    /// A NUL byte, as printed by `postqueue --ids --null`.
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

/// Acts on every ID in `input` until its end.
pub fn run(
    context: SpoolContext<'_>,
    action: Action,
    (input, separator): (File, Separator),
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let ops = context.ops();
    let worker = || IdWorker {
        executor: Executor::new(ops.clone(), context.selected, context.effects)
            .changing(context.recipients),
        action,
        context,
    };
    let produce = |feed: &mut ActionFeed<'_, '_, Vec<IdRequest>>| {
        let mut jobs = Jobs {
            feed,
            layout: context.layout,
            job: Vec::new(),
            job_max: if context.rate_limit.is_set() {
                // Each result must be reported immediately.
                1
            } else {
                context.effects.job_max()
            },
        };
        read_ids((&input, separator), context.interrupts, &mut jobs)
    };
    let concurrency = concurrency_of(action, context.effects, context.rate_limit);
    let schedule = (concurrency, ActionLimits::near(context.open_files));
    scheduler::run(schedule, context.interrupts, worker, produce, observer)
}

/// Returns how workers may share actions on single messages.
pub fn concurrency_of(action: Action, effects: Effects<'_>, rate_limit: &RateLimit) -> Concurrency {
    match effects.journal {
        _ if rate_limit.is_set() => Concurrency::InOrder,
        Some(_) => Concurrency::Serialized,
        None if action.moves() => Concurrency::Serialized,
        None => Concurrency::Parallel,
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
        executor: Executor::new(context.ops(), context.selected, context.effects)
            .changing(context.recipients),
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

/// A request read from one line or argument.
pub enum IdRequest {
    /// A valid queue ID.
    Id(QueueId),
    /// Text that is not a valid queue ID.
    NoId(Vec<u8>),
    /// A warning only: the line of this number has text after a NUL, which is
    /// ignored.
    CutAtNul(u64),
}

impl IdRequest {
    /// Returns the queue ID, if there is one.
    fn id(&self) -> Option<&QueueId> {
        match self {
            Self::Id(id) => Some(id),
            Self::NoId(_) | Self::CutAtNul(_) => None,
        }
    }

    /// Parses a line or an argument.
    pub fn parse(text: &[u8]) -> Self {
        let text = text.split(|&b| b == 0).next().unwrap_or_default();
        match QueueId::parse(text) {
            Some(id) => Self::Id(id),
            None => Self::NoId(text.to_vec()),
        }
    }
}

/// Handles the requests in a stream.
pub trait IdConsumer {
    /// Handles one request. An error ends the reading.
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError>;
    /// Called when no more input is available at the moment.
    fn pause(&mut self) -> Result<(), WorkError>;
}

/// Reads requests until the end of `input`.
///
/// # Errors
///
/// `input` cannot be read, a signal was caught, or `to` returned an error.
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

/// Splits the stream into lines.
struct LineReader<'a, T> {
    to: &'a mut T,
    separator: Separator,
    line: Vec<u8>,
    /// The number of lines read before this one.
    number: u64,
    /// Whether text after a NUL has been reported. Only the first case is.
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
            // Acts on what has arrived, because more input may take long to
            // arrive.
            self.to.pause()?;
        }
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.to.pause()
    }

    /// Adds a part of a line, which includes the separator if the line ends
    /// there.
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

/// Groups requests into jobs.
struct Jobs<'a, 'f, 'scope> {
    feed: &'a mut ActionFeed<'f, 'scope, Vec<IdRequest>>,
    layout: &'a Layout,
    job: Vec<IdRequest>,
    job_max: usize,
}

impl Jobs<'_, '_, '_> {
    /// The directory key of the job. A listing of a queue visits one directory
    /// after the other, so the directory of the first message stands for all.
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

/// Waits for input or a signal, and reads the available input. Returns 0 at the
/// end.
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
            // Observed with Postfix 3.7.11: input that cannot be read as a
            // stream counts as empty.
            Err(error) if is(&error, Errno::EISDIR) || is(&error, Errno::EBADF) => return Ok(0),
            other => return other.map_err(WorkError::Input),
        }
    }
}

/// Acts on IDs one at a time.
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
        // The announcement locks the journal, which must not happen during a
        // wait; each message is announced after it.
        let _announced = if self.context.rate_limit.is_set() {
            None
        } else {
            self.executor.announce(self.action, messages)?
        };
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
                    // Observed with Postfix 3.7.11: both steps of the action
                    // report the invalid ID.
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
            if let (Action::Postpone, Some(queue)) = (self.action, there) {
                let id = id.to_string();
                action_log.warn(&Warning::NotDeferred { id, queue });
            }
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
    type Findings = Vec<(IdRequest, Option<LocatedMessage>)>;

    fn look(&mut self, job: Vec<IdRequest>) -> Self::Findings {
        let look = |asked| {
            let seen = match &asked {
                IdRequest::Id(id) => self.executor.look(self.action, id),
                IdRequest::NoId(_) | IdRequest::CutAtNul(_) => None,
            };
            (asked, seen)
        };
        job.into_iter().map(look).collect()
    }

    fn act(&mut self, seen: Self::Findings, stop: &StopReason<'_>) -> Done {
        let mut action_log = ActionLog::default();
        let ended = self.all(seen, stop, &mut action_log);
        Done { action_log, ended }
    }
}
