//! Workers that do numbered pieces of work, and results that come in order.
//!
//! One thread cuts the work into jobs, workers do them, the calling thread
//! hears of the results in the order of the jobs. Memory is bounded: as many
//! jobs wait as their feed may run ahead. A job is looked at first and acted on then:
//! looks go on at the same time, acts only where the kernel lets them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::job_queue::{DirectoryKey, JobQueue};
use crate::actions::WorkError;
use crate::actions::report::{ActionLog, ActionObserver, Counters};
use crate::sys::process::{AbortOnPanic, waits};
use crate::sys::signals::Interrupts;

/// Workers at most. Their number is for the disk, not for the processors.
///
/// Measured, deleting 25,000 messages with logs, ext4 with `discard` and
/// without a journal, where each removed file waits 45 us for the disk: 1
/// worker 3.3 s, 4: 1.5 s, 16: 1.1 s, 32: 1.0 s, 64: 0.9 s, and then the
/// disk is busy all the time. With a journal and all in memory: 1 worker
/// 0.89 s, 2: 0.55 s, 64: 0.57 s, so that many do no harm either.
const WORKERS_MAX: usize = 64;
/// Pieces of work that one worker does alone.
const ALONE: usize = 256;
/// A job that waits so often is a slow one.
const SLOW_JOB: i64 = 16;
/// Jobs for which nobody looks ahead after one of them was slow.
const LOOKING_DOWN: usize = 64;
/// Pieces of work in a job at most.
pub const JOB_MAX: usize = 64;

/// Whether work has to end early.
#[derive(Debug)]
pub struct StopReason<'a> {
    failed: AtomicBool,
    interrupts: &'a Interrupts,
}

impl StopReason<'_> {
    /// Fails if somebody else failed or a signal came.
    pub fn check(&self) -> Result<(), WorkError> {
        match self.failed.load(Ordering::SeqCst) || self.interrupts.caught().is_some() {
            true => Err(WorkError::Interrupted),
            false => Ok(()),
        }
    }
}

/// What came of a job: what there is to tell, and whether it was finished.
#[derive(Debug)]
pub struct Done {
    /// What there is to tell.
    pub action_log: ActionLog,
    /// Why it ended early.
    pub ended: Result<(), WorkError>,
}

/// What a run may take up at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Jobs that wait. Each may keep a directory open.
    jobs: usize,
    /// Workers at most. Each has a few descriptors of its own.
    workers: usize,
    /// A quarter of the files that can be opened.
    quarter: usize,
}

impl PoolLimits {
    /// Two jobs for each worker, where so many files more can be opened.
    pub fn near(open_files: u64) -> Self {
        Self::within(open_files, 2 * WORKERS_MAX)
    }

    /// As many more as it takes to be in several directories at once. What it
    /// costs is memory.
    pub fn far(open_files: u64) -> Self {
        Self::within(open_files, 16 * WORKERS_MAX)
    }

    /// A quarter of the files is for jobs that wait, another for those that
    /// workers have open; the rest is for directories they keep and for all
    /// else.
    fn within(open_files: u64, jobs_max: usize) -> Self {
        let quarter = usize::try_from(open_files / 4).unwrap_or(usize::MAX);
        Self {
            jobs: quarter.clamp(2, jobs_max),
            workers: (quarter / 4).clamp(1, WORKERS_MAX),
            quarter,
        }
    }

    /// Pieces of work in a job, if each keeps a file open until it is done.
    pub fn files_in_a_job(self) -> usize {
        (self.quarter / self.workers).clamp(1, JOB_MAX)
    }

    /// Names remembered at most, see [`Feed::first_of_its_name`]: twice as
    /// many as there are in those jobs.
    fn names(self) -> usize {
        self.jobs.saturating_mul(2 * JOB_MAX)
    }
}

/// Whether several workers may act at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// They may.
    Parallel,
    /// Only one at a time, as the kernel would have it in any case: one
    /// rename from directory to directory on a file system at a time. Another
    /// looks at what comes next, unless that makes both wait.
    ///
    /// Measured, -H - on 30,000 messages: with all in memory looking ahead is
    /// twice as fast as not; with nothing in memory each look has to wait for
    /// the directory in which a file is moved, and the other way round: 58,000
    /// waits, and half as fast.
    Serialized,
    /// There is nothing to look at, so one does it.
    SingleWorker,
    /// Strictly one after the other, in the order of the jobs.
    InOrder,
}

/// Does jobs.
pub trait Work<J> {
    /// What was seen of a job.
    type Seen;

    /// Looks at what a job is about. Changes nothing.
    fn look(&mut self, job: J) -> Self::Seen;

    /// Acts on what was seen, unless it has changed since; asks `stop` before
    /// each piece of it.
    fn act(&mut self, seen: Self::Seen, stop: &StopReason<'_>) -> Done;
}

/// Runs `produce` and lets workers do the jobs it feeds. Returns the counts,
/// and the first failure in the order of the work. Where no thread is to be
/// had, the calling one does all of it.
pub fn run<J: Send, W: Work<J>>(
    (manner, room): (Concurrency, PoolLimits),
    interrupts: &Interrupts,
    new_worker: impl Fn() -> W + Sync,
    produce: impl FnOnce(&mut Feed<'_, J>) -> Result<(), WorkError> + Send,
    journal: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let stop = StopReason {
        failed: AtomicBool::new(false),
        interrupts,
    };
    let open = Open::default();
    let job_queue = JobQueue::default();
    let (order, in_order) = sync_channel(room.jobs);
    // Taken by the thread that feeds.
    let produce = Mutex::new(Some(produce));
    let produce_with = |feed: &mut Feed<'_, J>| {
        let produce = lock(&produce).take();
        produce.map_or(Ok(()), |produce| produce(feed))
    };
    let mut heard = Heard::new(journal);
    let produced = thread::scope(|scope| {
        let (stop, open, job_queue) = (&stop, &open, &job_queue);
        let (new_worker, produce_with) = (&new_worker, &produce_with);
        let life = move || {
            let start = move || {
                let life = move || worker_loop(&mut new_worker(), manner, job_queue, stop, open);
                let started = thread::Builder::new().spawn_scoped(scope, life);
                started.map(drop)
            };
            let workers = Workers {
                start: Box::new(start),
                alone: Box::new(move |job| do_job(&mut new_worker(), job, stop)),
                count: 0,
                most: room.workers,
                order,
                job_queue,
                open,
            };
            produce_with(&mut Feed::new(
                JobRunners::Workers(workers),
                manner,
                room,
                stop,
            ))
        };
        let producer = thread::Builder::new().spawn_scoped(scope, life).ok()?;
        heard.all(&in_order);
        Some(producer.join().unwrap_or(Err(WorkError::Interrupted)))
    });
    let produced = produced.unwrap_or_else(|| {
        let mut worker = new_worker();
        let mut work = |job, pieces| heard.take(do_job(&mut worker, job, &stop), pieces);
        let hands = JobRunners::Caller(&mut work);
        produce_with(&mut Feed::new(hands, manner, room, &stop))
    });
    let (counters, heard) = heard.end();
    (counters, first_failure(heard, produced))
}

/// Does a job on the thread that has it.
fn do_job<J>(worker: &mut impl Work<J>, job: J, stop: &StopReason<'_>) -> Done {
    let seen = worker.look(job);
    let done = worker.act(seen, stop);
    if done.ended.is_err() {
        stop.failed.store(true, Ordering::SeqCst);
    }
    done
}

/// The failure that came first in the order of the work; that it made others
/// stop is no failure of theirs.
fn first_failure(
    heard: Result<(), WorkError>,
    produced: Result<(), WorkError>,
) -> Result<(), WorkError> {
    match (heard, produced) {
        (Ok(()) | Err(WorkError::Interrupted), produced @ Err(_)) => produced,
        (heard, _) => heard,
    }
}

/// A job that was given out: where its result comes, and of how many pieces
/// it is.
type SentJob = (Receiver<Done>, usize);

/// A job, and where its result goes.
type Waiting<J> = (J, SyncSender<Done>);

/// Passes the results on in order.
struct Heard<'a> {
    journal: &'a mut dyn ActionObserver,
    counters: Counters,
    ended: Result<(), WorkError>,
}

impl<'a> Heard<'a> {
    fn new(journal: &'a mut dyn ActionObserver) -> Self {
        Self {
            journal,
            counters: Counters::default(),
            ended: Ok(()),
        }
    }

    /// The results of all jobs, as they come.
    fn all(&mut self, in_order: &Receiver<SentJob>) {
        while let Some((results, pieces)) = receive(in_order, self.journal) {
            if let Some(done) = receive(&results, self.journal) {
                self.pass_on(done, pieces);
            }
        }
    }

    /// The result of a job that the calling thread did. What comes next may
    /// keep it waiting, so nothing is held back.
    fn take(&mut self, done: Done, pieces: usize) {
        self.pass_on(done, pieces);
        self.journal.pause();
    }

    fn pass_on(&mut self, done: Done, pieces: usize) {
        self.journal.lines(&done.action_log.lines);
        self.journal.passed(pieces);
        self.counters += done.action_log.counters;
        if matches!(self.ended, Ok(()) | Err(WorkError::Interrupted)) && done.ended.is_err() {
            self.ended = done.ended;
        }
    }

    fn end(self) -> (Counters, Result<(), WorkError>) {
        self.journal.pause();
        (self.counters, self.ended)
    }
}

/// The next of a channel. Whoever has to wait says so to the journal.
fn receive<T>(from: &Receiver<T>, journal: &mut dyn ActionObserver) -> Option<T> {
    match from.try_recv() {
        Ok(next) => Some(next),
        Err(TryRecvError::Disconnected) => None,
        Err(TryRecvError::Empty) => {
            journal.pause();
            from.recv().ok()
        }
    }
}

/// One worker's life.
fn worker_loop<J, W: Work<J>>(
    worker: &mut W,
    manner: Concurrency,
    job_queue: &JobQueue<Waiting<J>>,
    stop: &StopReason<'_>,
    open: &Open,
) {
    let _guard = AbortOnPanic;
    while let Some((directory_key, (job, result))) = job_queue.take() {
        let _closing = Closing(open);
        let before = waits();
        let takes_turns = manner == Concurrency::Serialized;
        let early = takes_turns && open.slow.load(Ordering::Relaxed) > 0;
        let early = early.then(|| lock(&open.turn));
        let seen = worker.look(job);
        let turn = early.or_else(|| takes_turns.then(|| lock(&open.turn)));
        let done = worker.act(seen, stop);
        drop(turn);
        open.record_waits(manner, waits().saturating_sub(before));
        if done.ended.is_err() {
            stop.failed.store(true, Ordering::SeqCst);
        }
        // Nobody listens only if all of it has ended.
        let _ = result.send(done);
        job_queue.leave(directory_key);
    }
}

/// Counts the jobs that are not done.
#[derive(Debug, Default)]
struct Open {
    jobs: Mutex<usize>,
    none: Condvar,
    /// Jobs that were slow of late, see [`Open::record_waits`].
    slow: AtomicUsize,
    /// Held by the worker whose turn it is.
    turn: Mutex<()>,
}

impl Open {
    /// A slow job wants one more worker who waits at the same time, or that
    /// nobody looks ahead for a while.
    fn record_waits(&self, manner: Concurrency, waits: i64) {
        let change = |slow: usize| match (waits >= SLOW_JOB, manner) {
            (true, Concurrency::Serialized) => LOOKING_DOWN,
            (true, _) => slow.saturating_add(1).min(WORKERS_MAX),
            (false, _) => slow.saturating_sub(1),
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self
            .slow
            .fetch_update(set, fetch, |slow| Some(change(slow)));
    }

    fn add_one(&self) {
        let mut jobs = lock(&self.jobs);
        *jobs = jobs.saturating_add(1);
    }

    fn close_one(&self) {
        let mut jobs = lock(&self.jobs);
        *jobs = jobs.saturating_sub(1);
        if *jobs == 0 {
            self.none.notify_all();
        }
    }

    fn wait(&self) {
        let jobs = lock(&self.jobs);
        let waited = self.none.wait_while(jobs, |jobs| *jobs > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Counts a job as done whatever becomes of its worker.
struct Closing<'a>(&'a Open);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close_one();
    }
}

/// Locks what cannot be left half changed: a worker that panicked changes
/// nothing about that.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes jobs for the workers.
pub struct Feed<'scope, J> {
    hands: JobRunners<'scope, J>,
    manner: Concurrency,
    pieces: usize,
    stop: &'scope StopReason<'scope>,
    names: HashSet<u64>,
    names_max: usize,
}

/// Who does the jobs.
enum JobRunners<'scope, J> {
    /// Threads.
    Workers(Workers<'scope, J>),
    /// The calling thread, because there is no other: it does each job, of so
    /// many pieces, when it is fed.
    Caller(&'scope mut dyn FnMut(J, usize)),
}

/// Threads that do jobs, some of them not yet started.
struct Workers<'scope, J> {
    start: Box<dyn Fn() -> io::Result<()> + 'scope>,
    /// Does a job without a thread of its own.
    alone: Box<dyn Fn(J) -> Done + 'scope>,
    count: usize,
    most: usize,
    order: SyncSender<SentJob>,
    job_queue: &'scope JobQueue<Waiting<J>>,
    open: &'scope Open,
}

impl<J> Drop for Workers<'_, J> {
    fn drop(&mut self) {
        self.job_queue.close();
    }
}

impl<'scope, J> Feed<'scope, J> {
    fn new(
        hands: JobRunners<'scope, J>,
        manner: Concurrency,
        room: PoolLimits,
        stop: &'scope StopReason<'_>,
    ) -> Self {
        Self {
            hands,
            manner,
            pieces: 0,
            stop,
            names: HashSet::new(),
            names_max: room.names(),
        }
    }

    /// Whether a name was not met since the last [`Feed::drain`]. Two pieces
    /// of work on the same name have to wait for each other.
    ///
    /// Remembers hashes: two names that share one only cost a wait.
    pub fn first_of_its_name(&mut self, name: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.names.len() < self.names_max && self.names.insert(hasher.finish())
    }

    /// Gives a job of so many pieces, all at one spot, to the workers.
    pub fn send(
        &mut self,
        job: J,
        pieces: usize,
        directory_key: DirectoryKey,
    ) -> Result<(), WorkError> {
        self.stop.check()?;
        let before = self.pieces;
        self.pieces = before.saturating_add(pieces);
        match &mut self.hands {
            JobRunners::Caller(work) => {
                work(job, pieces);
                Ok(())
            }
            JobRunners::Workers(workers) => {
                workers.start_another(self.manner, before);
                let directory_key = match self.manner {
                    Concurrency::Parallel => directory_key,
                    // Those who work alone or by turns keep to the order.
                    Concurrency::Serialized | Concurrency::SingleWorker | Concurrency::InOrder => {
                        DirectoryKey::of(())
                    }
                };
                workers.give(job, pieces, directory_key)
            }
        }
    }

    /// Waits until every job is done.
    pub fn drain(&mut self) -> Result<(), WorkError> {
        if let JobRunners::Workers(workers) = &self.hands {
            workers.open.wait();
        }
        self.names.clear();
        self.stop.check()
    }
}

impl<J> Workers<'_, J> {
    /// One more worker, if there should be more after so many pieces. If none
    /// is to be had, those that are there do the work.
    fn start_another(&mut self, manner: Concurrency, pieces: usize) {
        if self.count < self.wanted(manner, pieces) && (self.start)().is_ok() {
            self.count = self.count.saturating_add(1);
        }
    }

    /// How many workers there should be.
    fn wanted(&self, manner: Concurrency, pieces: usize) -> usize {
        match manner {
            _ if pieces <= ALONE => 1,
            Concurrency::SingleWorker | Concurrency::InOrder => 1,
            Concurrency::Serialized => self.most.min(2),
            Concurrency::Parallel => {
                let slow = self.open.slow.load(Ordering::Relaxed);
                slow.max(2).min(self.most)
            }
        }
    }

    fn give(
        &mut self,
        job: J,
        pieces: usize,
        directory_key: DirectoryKey,
    ) -> Result<(), WorkError> {
        let (result, results) = sync_channel(1);
        let sent = self.order.send((results, pieces));
        sent.map_err(|_| WorkError::Interrupted)?;
        if self.count == 0 {
            // Not one more thread is to be had. Nobody listens only if all of
            // it has ended.
            let _ = result.send((self.alone)(job));
            return Ok(());
        }
        self.open.add_one();
        self.job_queue.add(directory_key, (job, result));
        Ok(())
    }
}
