//! Runs the jobs of an action on the worker pool: determines the number of
//! workers, serializes changes to the spool, and stops the work after a failure
//! or a signal.
//!
//! Each job is examined first, then acted on. Workers examine jobs in parallel;
//! changes are serialized where the file system requires it; results reach the
//! observer in job order.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::error::WorkError;
use super::limits::ActionLimits;
use super::report::{ActionLog, ActionObserver, Counters};
use crate::sys::process::waits;
use crate::sys::signals::Interrupts;
use crate::worker_pool::job_queue::{DirectoryKey, lock};
use crate::worker_pool::pool;
use crate::worker_pool::pool::{Consumer, ConsumerGone, Feed, Results};

/// The number of messages that one worker handles before a second one is
/// started.
const SINGLE_WORKER_MAX: usize = 256;
/// The number of voluntary context switches from which a job counts as slow.
const SLOW_JOB: i64 = 16;
/// The number of jobs that are not examined ahead after a slow one.
const WITHOUT_EXAMINING_AHEAD: usize = 64;

/// How workers may share the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Several workers act at the same time.
    Parallel,
    /// One worker acts at a time, because the kernel serializes renames between
    /// directories of a file system. A second worker examines the next job
    /// meanwhile, unless this makes both wait.
    ///
    /// Measured, -H - on 30,000 messages: with everything in memory, examining
    /// ahead is twice as fast. With a cold cache, each examination waits for
    /// the directory in which a file is being moved, and vice versa: 58,000
    /// waits, and half the speed.
    Serialized,
    /// The calling thread does all the work, because there is nothing to examine
    /// ahead, and a walk in another thread would wait for the same directories.
    CallingThread,
    /// One job at a time, in order.
    InOrder,
}

/// Tells workers whether the work must end early.
#[derive(Debug)]
pub struct StopReason<'a> {
    failed: AtomicBool,
    interrupts: &'a Interrupts,
}

impl StopReason<'_> {
    /// Returns an error if the work must end early.
    ///
    /// # Errors
    ///
    /// Another job failed, or a signal was caught.
    pub fn check(&self) -> Result<(), WorkError> {
        if self.failed.load(Ordering::SeqCst) || self.interrupts.caught().is_some() {
            Err(WorkError::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// The result of a job.
#[derive(Debug)]
pub struct Done {
    /// The report of the job.
    pub action_log: ActionLog,
    /// The reason why the job ended early, if it did.
    pub ended: Result<(), WorkError>,
}

/// Performs jobs. Each worker thread has its own value.
pub trait Work<J> {
    /// The result of the examination.
    type Findings;

    /// Examines the messages of a job. Changes nothing.
    fn look(&mut self, job: J) -> Self::Findings;

    /// Acts on the examined messages, except those that have changed since.
    /// Checks `stop` before each message.
    fn act(&mut self, seen: Self::Findings, stop: &StopReason<'_>) -> Done;
}

/// Runs the jobs that `produce` sends, and reports to `observer`. Returns the
/// counters, and the first failure in job order.
pub fn run<J: Send, W: Work<J>>(
    (concurrency, limits): (Concurrency, ActionLimits),
    interrupts: &Interrupts,
    new_worker: impl Fn() -> W + Sync,
    produce: impl Fn(&mut ActionFeed<'_, '_, J>) -> Result<(), WorkError> + Sync,
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let schedule = Schedule {
        concurrency,
        limits,
        stop: StopReason {
            failed: AtomicBool::new(false),
            interrupts,
        },
        slow: AtomicUsize::new(0),
        acting: Mutex::new(()),
    };
    let mut reports = Reports {
        observer,
        counters: Counters::default(),
        ended: Ok(()),
    };
    let new_worker = || ScheduledWorker {
        worker: new_worker(),
        schedule: &schedule,
    };
    let produce = |feed: &mut Feed<'_, _, _>| produce(&mut ActionFeed::new(feed, &schedule));
    let produced = if concurrency == Concurrency::CallingThread {
        pool::run_on_caller(&mut new_worker(), produce, &mut reports)
    } else {
        pool::run(limits.pool(), new_worker, produce, &mut reports)
    };
    reports.observer.pause();
    (reports.counters, first_failure(reports.ended, produced))
}

/// Returns the failure that came first in job order. `Interrupted` counts only
/// if there is no other failure: a job also ends with it because another one
/// failed.
fn first_failure(
    ended: Result<(), WorkError>,
    produced: Result<(), WorkError>,
) -> Result<(), WorkError> {
    match (ended, produced) {
        (Ok(()) | Err(WorkError::Interrupted), produced @ Err(_)) => produced,
        (ended, _) => ended,
    }
}

/// The state that the workers and the producer of one action share.
#[derive(Debug)]
struct Schedule<'a> {
    concurrency: Concurrency,
    limits: ActionLimits,
    stop: StopReason<'a>,
    /// The current weight of slow jobs; see [`Schedule::record_waits`].
    slow: AtomicUsize,
    /// Held while a worker acts, if changes are serialized.
    acting: Mutex<()>,
}

impl Schedule<'_> {
    /// Records how often a job had to wait. After a slow job, one more worker
    /// is started so that they wait at the same time or, if changes are
    /// serialized, jobs are not examined ahead for a while.
    fn record_waits(&self, waits: i64) {
        let change = |slow: usize| match (waits >= SLOW_JOB, self.concurrency) {
            (true, Concurrency::Serialized) => WITHOUT_EXAMINING_AHEAD,
            (true, _) => slow.saturating_add(1).min(self.limits.workers()),
            (false, _) => slow.saturating_sub(1),
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self
            .slow
            .fetch_update(set, fetch, |slow| Some(change(slow)));
    }

    /// Returns the number of workers to use after this many messages.
    fn workers(&self, messages: usize) -> usize {
        match self.concurrency {
            _ if messages <= SINGLE_WORKER_MAX => 1,
            Concurrency::CallingThread | Concurrency::InOrder => 1,
            Concurrency::Serialized => 2,
            Concurrency::Parallel => self.slow.load(Ordering::Relaxed).max(2),
        }
    }
}

/// A job and the number of its messages.
type SizedJob<J> = (J, usize);

/// The result of a job and the number of its messages.
type SizedResult = (Done, usize);

/// A worker that follows the schedule.
struct ScheduledWorker<'a, W> {
    worker: W,
    schedule: &'a Schedule<'a>,
}

impl<J, W: Work<J>> pool::Worker<SizedJob<J>, SizedResult> for ScheduledWorker<'_, W> {
    fn work(
        &mut self,
        (job, messages): SizedJob<J>,
        results: &Results<'_, SizedResult>,
    ) -> Result<(), ConsumerGone> {
        let schedule = self.schedule;
        let before = waits();
        let is_serialized = schedule.concurrency == Concurrency::Serialized;
        let early = is_serialized && schedule.slow.load(Ordering::Relaxed) > 0;
        let early = early.then(|| lock(&schedule.acting));
        let seen = self.worker.look(job);
        let acting = early.or_else(|| is_serialized.then(|| lock(&schedule.acting)));
        let done = self.worker.act(seen, &schedule.stop);
        drop(acting);
        schedule.record_waits(waits().saturating_sub(before));
        if done.ended.is_err() {
            schedule.stop.failed.store(true, Ordering::SeqCst);
        }
        results.send((done, messages))
    }
}

/// Passes the results to the observer in job order.
struct Reports<'a> {
    observer: &'a mut dyn ActionObserver,
    counters: Counters,
    ended: Result<(), WorkError>,
}

impl Consumer<SizedResult> for Reports<'_> {
    fn take(&mut self, (done, messages): SizedResult) -> ControlFlow<()> {
        self.observer.lines(&done.action_log.lines);
        self.observer.passed(messages);
        self.counters += done.action_log.counters;
        if matches!(self.ended, Ok(()) | Err(WorkError::Interrupted)) && done.ended.is_err() {
            self.ended = done.ended;
        }
        // Continue even after a failure: every action that was performed must
        // be reported.
        ControlFlow::Continue(())
    }

    fn idle(&mut self) {
        self.observer.pause();
    }
}

/// Accepts the jobs of an action from the producer.
pub struct ActionFeed<'a, 'scope, J> {
    feed: &'a mut Feed<'scope, SizedJob<J>, SizedResult>,
    schedule: &'a Schedule<'a>,
    /// The number of messages sent so far.
    messages: usize,
    /// Hashes of the names since the last [`ActionFeed::drain`].
    names: HashSet<u64>,
}

impl<'a, 'scope, J> ActionFeed<'a, 'scope, J> {
    fn new(
        feed: &'a mut Feed<'scope, SizedJob<J>, SizedResult>,
        schedule: &'a Schedule<'a>,
    ) -> Self {
        Self {
            feed,
            schedule,
            messages: 0,
            names: HashSet::new(),
        }
    }

    /// Records a name. Returns whether it is new since the last
    /// [`ActionFeed::drain`]; also returns false if too many names are
    /// recorded. Two actions on the same name must run one after the other.
    ///
    /// Only hashes are kept: if two names share a hash, the only effect is a
    /// wait.
    pub fn is_new_name(&mut self, name: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.names.len() < self.schedule.limits.names() && self.names.insert(hasher.finish())
    }

    /// Sends a job of this many messages, all in one directory, to the workers.
    ///
    /// # Errors
    ///
    /// Another job failed, or a signal was caught.
    pub fn send(
        &mut self,
        job: J,
        messages: usize,
        directory: DirectoryKey,
    ) -> Result<(), WorkError> {
        self.schedule.stop.check()?;
        let workers = self.schedule.workers(self.messages);
        self.messages = self.messages.saturating_add(messages);
        let directory = match self.schedule.concurrency {
            Concurrency::Parallel => directory,
            Concurrency::Serialized | Concurrency::CallingThread | Concurrency::InOrder => {
                DirectoryKey::in_order()
            }
        };
        let sent = self.feed.send((job, messages), directory, workers);
        sent.map_err(|ConsumerGone| WorkError::Interrupted)
    }

    /// Waits until every job is done.
    ///
    /// # Errors
    ///
    /// A job failed, or a signal was caught.
    pub fn drain(&mut self) -> Result<(), WorkError> {
        self.feed.drain();
        self.names.clear();
        self.schedule.stop.check()
    }
}
