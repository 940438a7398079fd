//! Acts on each queue ID in a stream as it arrives, or on a single one.
//!
//! Groups the IDs that `id_reader` reads into jobs, which workers share.

use std::fs::File;

use super::action::Action;
use super::context::SpoolContext;
use super::effects::Effects;
use super::error::WorkError;
use super::executor::Executor;
use super::id_reader::{IdConsumer, IdRequest, Separator, read_ids};
use super::limits::ActionLimits;
use super::message_finder::MessageFinder;
use super::message_lookup::LocatedMessage;
use super::rate_limit::RateLimit;
use super::report::{ActionLog, ActionObserver, Counters, Outcome};
use super::scheduler;
use super::scheduler::{ActionFeed, Concurrency, Done, StopReason, Work};
use super::warning::Warning;
use crate::spool::{Layout, Queue, QueueId};
use crate::worker_pool::job_queue::DirectoryKey;

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
        finder: MessageFinder::new(ops.clone(), context.selected),
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
    let ops = context.ops();
    let mut worker = IdWorker {
        executor: Executor::new(ops.clone(), context.selected, context.effects)
            .changing(context.recipients),
        action,
        context,
        finder: MessageFinder::new(ops, context.selected),
    };
    let mut action_log = ActionLog::default();
    let ended = worker.one(&IdRequest::parse(text), None, &mut action_log);
    observer.lines(&action_log.lines);
    observer.passed(1);
    observer.pause();
    (action_log.counters, ended)
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

/// Acts on IDs one at a time.
struct IdWorker<'a> {
    executor: Executor<'a>,
    action: Action,
    context: SpoolContext<'a>,
    finder: MessageFinder<'a>,
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
        self.finder.prepare(self.action, job.len());
        let look = |asked| {
            let seen = match &asked {
                IdRequest::Id(id) => self.finder.find(self.action, id),
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
