//! Finds the messages that match a selection in the requested queues, and acts
//! on each where it was found.
//!
//! Between the examination and the action, the name can pass to another
//! message. Therefore the examined file is kept open, so that its inode number
//! cannot be reused, and its sender is read a second time: the action applies
//! to that inode with that sender, or to nothing. The remaining window is the
//! time between the lstat(2) of the name and the rename(2) or unlink(2) that
//! follows it.

use std::os::unix::ffi::OsStrExt;

use super::action::{Action, Selected};
use super::context::SpoolContext;
use super::error::WorkError;
use super::executor::Executor;
use super::id_stream::concurrency_of;
use super::interrupted_change::{InterruptedChanges, SelectedMessages};
use super::limits::ActionLimits;
use super::message_lookup::LocatedMessage;
use super::name_jobs::{Job, NameJobs};
use super::report::{ActionLog, ActionObserver, Counters, Outcome};
use super::scheduler;
use super::scheduler::{ActionFeed, Done, StopReason, Work};
use super::warning::Warning;
use crate::queue_file::read_error::{Location, ReadError};
use crate::selection::{FileIdentity, Matcher, Selection};
use crate::spool::id;
use crate::spool::message;
use crate::spool::message::{Message, NoMessage};
use crate::spool::{OpenDir, Queue, QueueId, Walk};

/// Acts on every message that matches the selection.
pub fn run(
    context: SpoolContext<'_>,
    action: Action,
    matching: SelectedMessages<'_>,
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let ops = context.ops();
    let worker = || MatchWorker {
        executor: Executor::new(ops.clone(), context.selected, context.effects)
            .changing(context.recipients),
        matcher: Matcher::new(matching.selection, matching.rules),
        interrupted: context
            .recipients
            .map(|_| InterruptedChanges::new(matching, context.selected)),
        searched: queues(context.selected, action, matching.selection)
            .flatten()
            .collect(),
        action,
        context,
    };
    let limits = ActionLimits::near(context.open_files);
    let job_max = if context.rate_limit.is_set() {
        // Each message must be examined immediately before the action and
        // reported immediately after it.
        1
    } else {
        limits.files_in_a_job()
    };
    let produce = |feed: &mut ActionFeed<'_, '_, Job>| {
        let mut jobs = NameJobs::new(feed, job_max);
        let partial = add_names(&mut jobs, &context, action, matching.selection);
        // Messages found before a failure are still handled.
        jobs.flush().and(partial)
    };
    let concurrency = concurrency_of(action, context.effects, context.rate_limit);
    let schedule = (concurrency, limits);
    scheduler::run(schedule, context.interrupts, worker, produce, observer)
}

/// Returns the queues in which an action looks for matching messages, in the
/// order of the operands. An operand that is not a queue yields an error when
/// it is reached.
pub fn queues<'a>(
    selected: &'a [Selected],
    action: Action,
    selection: &'a Selection,
) -> impl Iterator<Item = Result<Queue, WorkError>> + 'a {
    let is_searched = move |queue: &Result<Queue, WorkError>| match queue {
        Ok(queue) => action.looks_into(*queue) && selection.admits_queue(*queue),
        Err(_) => true,
    };
    selected.iter().map(Selected::queue).filter(is_searched)
}

/// Returns hold, if it is not one of the queues of [`queues`], but a killed call of
/// the same action may have left messages there that belong in one of them.
pub fn queue_of_interrupted(
    selected: &[Selected],
    action: Action,
    selection: &Selection,
) -> Option<Queue> {
    let searched: Vec<Queue> = queues(selected, action, selection).flatten().collect();
    let comes_back = |queue: &Queue| matches!(queue, Queue::Deferred | Queue::Incoming);
    let is_extra = action.is_one_by_one()
        && searched.iter().any(comes_back)
        && !searched.contains(&Queue::Hold);
    is_extra.then_some(Queue::Hold)
}

/// Returns the selection of those messages that the action would change in
/// `queue`; `None` if that is the whole selection.
pub fn narrowed(selection: &Selection, action: Action, queue: Queue) -> Option<Selection> {
    match action {
        Action::Expire => Some(selection.without_expired()),
        Action::ExpireAndRelease if queue != Queue::Hold => Some(selection.without_expired()),
        _ => None,
    }
}

/// Walks the queues and groups their names into jobs.
fn add_names(
    jobs: &mut NameJobs<'_, '_, '_>,
    context: &SpoolContext<'_>,
    action: Action,
    selection: &Selection,
) -> Result<(), WorkError> {
    let interrupted = queue_of_interrupted(context.selected, action, selection);
    let all = queues(context.selected, action, selection);
    for queue in all.chain(interrupted.map(Ok)) {
        let queue = queue?;
        let admits = |name: &[u8]| {
            interrupted == Some(queue) || selection.admits_name(queue.name().as_bytes(), name)
        };
        let mut walk = Walk::new(context.spool, queue)?;
        while let Some(found) = walk.next_name()? {
            if context.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let is_home = context.layout.is_home(queue, &found.place.path, found.name);
            if is_home && admits(found.name) && id::is_valid(found.name) {
                jobs.add(queue, &found)?;
            }
        }
        // A message that moves to the next queue is found there; the jobs for
        // this queue must be done before.
        jobs.settle()?;
    }
    Ok(())
}

/// The result of examining a message.
enum ScanResult {
    Message(MatchCandidate),
    Warning(Warning),
    Failed(WorkError),
}

impl ScanResult {
    /// Returns the message on which to act, if there is one.
    fn located(&self) -> Option<(&QueueId, LocatedMessage)> {
        match self {
            Self::Message(candidate) => {
                let located = LocatedMessage::of(candidate.queue, &candidate.open);
                Some((&candidate.id, located))
            }
            Self::Warning(_) | Self::Failed(_) => None,
        }
    }
}

/// A matching message.
struct MatchCandidate {
    id: QueueId,
    queue: Queue,
    file_identity: FileIdentity,
    /// Keeps the inode number from being reused.
    open: Message,
}

/// Examines messages, and acts on those that match.
struct MatchWorker<'a> {
    executor: Executor<'a>,
    matcher: Matcher<'a>,
    /// The changes that a killed call has left incomplete, for actions on recipients.
    interrupted: Option<InterruptedChanges<'a>>,
    /// The queues whose messages can match.
    searched: Vec<Queue>,
    action: Action,
    context: SpoolContext<'a>,
}

impl MatchWorker<'_> {
    /// Examines a message where it was found or, if it has moved since, where
    /// it is now.
    fn examine(&mut self, queue: Queue, place: &OpenDir, id: &QueueId) -> Option<ScanResult> {
        let path = self.context.layout.path(queue, id.as_bytes());
        let path = path.to_string_lossy();
        match message::open(&place.dir, id.as_bytes(), queue, &path) {
            Err(NoMessage::NotThere) => self.elsewhere(queue, id),
            opened => self.evaluate(opened, queue, id, &path),
        }
    }

    fn elsewhere(&mut self, left: Queue, id: &QueueId) -> Option<ScanResult> {
        let (context, action) = (self.context, self.action);
        let others = context.selected.iter().filter_map(|s| s.queue().ok());
        for queue in others.filter(|queue| *queue != left && action.looks_into(*queue)) {
            let path = context.layout.path(queue, id.as_bytes());
            let name = path.to_string_lossy();
            match message::open(context.spool, path.as_bytes(), queue, &name) {
                Err(NoMessage::NotThere) => {}
                opened => return self.evaluate(opened, queue, id, &name),
            }
        }
        None
    }

    /// Evaluates the selection for an opened message.
    fn evaluate(
        &mut self,
        opened: Result<Message, NoMessage>,
        queue: Queue,
        id: &QueueId,
        path: &str,
    ) -> Option<ScanResult> {
        let message = match opened {
            Ok(message) => message,
            Err(error) if error.is_exhaustion() => {
                return Some(ScanResult::Failed(WorkError::Exhausted(error)));
            }
            Err(error) => return Some(ScanResult::Warning(error.into())),
        };
        let at = Location {
            spool: self.context.spool,
            layout: self.context.layout,
            queue,
            id: id.as_bytes(),
            path,
        };
        match self.identify(id, &message, &at) {
            Ok(file_identity) => Some(ScanResult::Message(MatchCandidate {
                file_identity: file_identity?,
                id: id.clone(),
                queue,
                open: message,
            })),
            // A message that cannot be read is not known to match, so it is
            // left alone.
            Err(error) if !error.ends_listing() => {
                Some(ScanResult::Warning(Warning::Unread(error)))
            }
            Err(error) => Some(ScanResult::Failed(error.into())),
        }
    }

    /// Returns the identity of a message if it matches, or did so before a killed
    /// call changed its recipients.
    fn identify(
        &mut self,
        id: &QueueId,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<FileIdentity>, ReadError> {
        if self.searched.contains(&at.queue)
            && let Some(found) = self.matcher.examine(message, at)?
        {
            return Ok(Some(found));
        }
        match &mut self.interrupted {
            Some(interrupted) => interrupted.examine(&mut self.executor, id, message, at),
            None => Ok(None),
        }
    }

    fn act_on_all(
        &mut self,
        seen: Vec<ScanResult>,
        stop: &StopReason<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        stop.check()?;
        let located = seen
            .iter()
            .filter_map(ScanResult::located)
            .collect::<Vec<_>>();
        let announced = located.iter().map(|(id, located)| (*id, located));
        // The announcement locks the journal, which must not happen during a
        // wait; each message is announced after it.
        let _announced = if self.context.rate_limit.is_set() {
            None
        } else {
            self.executor.announce(self.action, announced)?
        };
        for seen in seen {
            stop.check()?;
            self.act_on(seen, action_log)?;
        }
        Ok(())
    }

    fn act_on(&mut self, seen: ScanResult, action_log: &mut ActionLog) -> Result<(), WorkError> {
        let candidate = match seen {
            ScanResult::Message(candidate) => candidate,
            ScanResult::Warning(warning) => {
                action_log.warn(&warning);
                return Ok(());
            }
            ScanResult::Failed(error) => return Err(error),
        };
        self.context.rate_limit.wait(self.context.interrupts)?;
        match self.is_still_the_same(&candidate) {
            Ok(true) => {}
            Ok(false) => {
                action_log.not_done(candidate.id.as_bytes(), Outcome::Vanished);
                return Ok(());
            }
            // As in the examination: a message that cannot be read is left
            // alone.
            Err(error) if !error.ends_listing() => {
                action_log.warn(&Warning::Unread(error));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let before = action_log.lines.len();
        let examined = (candidate.queue, candidate.file_identity.identity());
        self.executor
            .act_on_same(self.action, &candidate.id, examined, action_log)?;
        if !action_log.has_result_since(before) {
            action_log.not_done(candidate.id.as_bytes(), Outcome::Vanished);
        }
        if action_log.has_action_since(before) {
            self.context.rate_limit.acted(self.context.interrupts);
        }
        Ok(())
    }
}

impl MatchWorker<'_> {
    /// Returns whether the examined file still has the same sender.
    ///
    /// # Errors
    ///
    /// The file can no longer be read, or a signal was caught.
    fn is_still_the_same(&mut self, candidate: &MatchCandidate) -> Result<bool, ReadError> {
        let (layout, id) = (self.context.layout, candidate.id.as_bytes());
        let path = layout.path(candidate.queue, id);
        let path = path.to_string_lossy();
        let at = Location {
            spool: self.context.spool,
            layout,
            queue: candidate.queue,
            id,
            path: &path,
        };
        let now = self.matcher.file_identity(&candidate.open, &at)?;
        Ok(now.is_some_and(|now| now == candidate.file_identity))
    }
}

impl Work<Job> for MatchWorker<'_> {
    type Findings = Vec<ScanResult>;

    fn look(&mut self, job: Job) -> Self::Findings {
        let Some(place) = &job.dir else {
            return Vec::new();
        };
        let ids = job.names().filter_map(QueueId::parse);
        ids.filter_map(|id| self.examine(job.label, place, &id))
            .collect()
    }

    fn act(&mut self, seen: Self::Findings, stop: &StopReason<'_>) -> Done {
        let mut action_log = ActionLog::default();
        let ended = self.act_on_all(seen, stop, &mut action_log);
        Done { action_log, ended }
    }
}
