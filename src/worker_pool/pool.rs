//! The ordered, bounded pool: one thread produces jobs, workers perform them,
//! and the calling thread consumes the results in job order.
//!
//! Memory use is bounded by the limits on waiting jobs and on results per job.
//! The pool cannot deadlock: results are consumed in job order, so the job
//! whose results are next always has a worker or is the next one taken.
//! Independent of what the jobs are and of what is done with the results.

use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SendError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::thread::ScopedJoinHandle;

use super::job_queue::{DirectoryKey, JobQueue, lock};
use super::limits::PoolLimits;
use super::turns::{NoMoreTurns, Turn, Turns};
use crate::sys::process::AbortOnPanic;

/// The stack size of a thread in bytes. A small one suffices because nothing in
/// a worker is recursive.
const STACK: usize = 512 * 1024;

/// The consumer takes no more results, so the work can stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerGone;

impl<T> From<SendError<T>> for ConsumerGone {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

/// Performs jobs one at a time. Each worker thread has its own value.
pub trait Worker<J, R> {
    /// Performs one job and sends its results.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    fn work(&mut self, job: J, results: &Results<'_, R>) -> Result<(), ConsumerGone>;
}

/// Takes the results in job order, on the calling thread.
pub trait Consumer<R> {
    /// Takes the next result. Returning `Break` ends the pool.
    fn take(&mut self, result: R) -> ControlFlow<()>;

    /// Called when no result is ready. Output that was buffered so far should
    /// be written.
    fn idle(&mut self) {}
}

/// The destination of the results of one job.
pub struct Results<'a, R> {
    send: &'a dyn Fn(R) -> Result<(), ConsumerGone>,
    /// `None` if the calling thread performs the job.
    turn: Option<&'a Turn>,
}

impl<R> Results<'_, R> {
    /// Sends a result. Waits while the largest allowed number of results is
    /// waiting.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn send(&self, result: R) -> Result<(), ConsumerGone> {
        (self.send)(result)
    }

    /// Waits until the results of this job are the ones that are consumed,
    /// before work that only one worker at a time may do.
    pub fn await_turn(&self) {
        if let Some(turn) = self.turn {
            turn.wait();
        }
    }
}

/// Runs the pool: `produce` sends jobs to the workers, and `consumer` takes
/// their results. Returns the value that `produce` returned. If no thread can
/// be started, the calling thread does all the work.
pub fn run<J, R, W, T>(
    limits: PoolLimits,
    new_worker: impl Fn() -> W + Sync,
    produce: impl Fn(&mut Feed<'_, J, R>) -> T + Sync,
    consumer: &mut impl Consumer<R>,
) -> T
where
    J: Send,
    R: Send,
    W: Worker<J, R>,
    T: Send,
{
    let (queue, unfinished) = (JobQueue::default(), Unfinished::default());
    let turns = Arc::new(Turns::default());
    let (order, in_order) = sync_channel(limits.jobs);
    let produced = thread::scope(|scope| {
        let (new_worker, produce) = (&new_worker, &produce);
        let (queue, unfinished) = (&queue, &unfinished);
        let all_turns = Arc::clone(&turns);
        let producer = move || {
            let _guard = AbortOnPanic;
            let start = move || {
                let worker = move || worker_loop(&mut new_worker(), queue, unfinished);
                builder().spawn_scoped(scope, worker).map(drop)
            };
            let threads = Threads {
                limits,
                start: Box::new(start),
                alone: Box::new(move |job| job.run(&mut new_worker())),
                started: 0,
                order,
                sent: 0,
                turns: all_turns,
                queue,
                unfinished,
            };
            produce(&mut Feed(Runner::Threads(threads)))
        };
        let producer = builder().spawn_scoped(scope, producer).ok()?;
        consume(in_order, &turns, consumer);
        Some(joined(producer))
    });
    produced.unwrap_or_else(|| run_on_caller(&mut new_worker(), produce, consumer))
}

/// Waits for a thread, and panics if it did.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Does all the work on the calling thread, one job after the other. Returns the
/// value that `produce` returned.
pub fn run_on_caller<J, R, T>(
    worker: &mut impl Worker<J, R>,
    produce: impl Fn(&mut Feed<'_, J, R>) -> T,
    consumer: &mut impl Consumer<R>,
) -> T {
    let consumer = RefCell::new((consumer, ControlFlow::Continue(())));
    let send = |result| {
        let (consumer, flow) = &mut *consumer.borrow_mut();
        if flow.is_continue() {
            *flow = consumer.take(result);
        }
        match flow {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ConsumerGone),
        }
    };
    let mut work = |job| {
        let results = Results {
            send: &send,
            turn: None,
        };
        let done = worker.work(job, &results);
        // The next job may take long to arrive.
        consumer.borrow_mut().0.idle();
        done
    };
    produce(&mut Feed(Runner::Caller {
        work: &mut work,
        send: &send,
    }))
}

fn builder() -> thread::Builder {
    thread::Builder::new().stack_size(STACK)
}

/// Passes all results to the consumer in job order. Returning drops the
/// receivers, which ends all other threads.
fn consume<R>(in_order: Receiver<Receiver<R>>, turns: &Turns, consumer: &mut impl Consumer<R>) {
    let _no_more_turns = NoMoreTurns(turns);
    let mut number = 0_u64;
    while let Some(results) = receive(&in_order, consumer) {
        number = number.saturating_add(1);
        turns.set(number);
        while let Some(result) = receive(&results, consumer) {
            if consumer.take(result).is_break() {
                return;
            }
        }
    }
}

/// Receives the next value from a channel; `None` at its end. Calls
/// [`Consumer::idle`] before waiting.
fn receive<T, R>(from: &Receiver<T>, consumer: &mut impl Consumer<R>) -> Option<T> {
    match from.try_recv() {
        Ok(next) => Some(next),
        Err(TryRecvError::Disconnected) => None,
        Err(TryRecvError::Empty) => {
            consumer.idle();
            from.recv().ok()
        }
    }
}

/// A job, the destination of its results, and its turn.
struct QueuedJob<J, R> {
    job: J,
    results: SyncSender<R>,
    turn: Turn,
}

impl<J, R> QueuedJob<J, R> {
    fn run(self, worker: &mut impl Worker<J, R>) -> Result<(), ConsumerGone> {
        let results = Results {
            send: &|result| Ok(self.results.send(result)?),
            turn: Some(&self.turn),
        };
        worker.work(self.job, &results)
    }
}

/// Performs jobs until there are no more. Once the consumer takes no more
/// results, the remaining jobs are dropped.
fn worker_loop<J, R>(
    worker: &mut impl Worker<J, R>,
    queue: &JobQueue<QueuedJob<J, R>>,
    unfinished: &Unfinished,
) {
    let _guard = AbortOnPanic;
    let mut state = Ok(());
    while let Some((directory, job)) = queue.take() {
        state = state.and_then(|()| job.run(worker));
        queue.leave(directory);
        unfinished.remove_one();
    }
}

/// Counts the jobs that are not yet done.
#[derive(Debug, Default)]
struct Unfinished {
    jobs: Mutex<usize>,
    none: Condvar,
}

impl Unfinished {
    fn add_one(&self) {
        let mut jobs = lock(&self.jobs);
        *jobs = jobs.saturating_add(1);
    }

    fn remove_one(&self) {
        let mut jobs = lock(&self.jobs);
        *jobs = jobs.saturating_sub(1);
        if *jobs == 0 {
            self.none.notify_all();
        }
    }

    fn wait_for_none(&self) {
        let waited = self.none.wait_while(lock(&self.jobs), |jobs| *jobs > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Accepts jobs from the producer.
pub struct Feed<'scope, J, R>(Runner<'scope, J, R>);

/// Where jobs are performed.
enum Runner<'scope, J, R> {
    Threads(Threads<'scope, J, R>),
    /// On the calling thread, because no other can be started.
    Caller {
        work: &'scope mut dyn FnMut(J) -> Result<(), ConsumerGone>,
        send: &'scope dyn Fn(R) -> Result<(), ConsumerGone>,
    },
}

/// Performs a job without a worker thread.
type Alone<'scope, J, R> = Box<dyn Fn(QueuedJob<J, R>) -> Result<(), ConsumerGone> + 'scope>;

/// The worker threads, some of which may not have been started yet.
struct Threads<'scope, J, R> {
    limits: PoolLimits,
    /// Starts a worker.
    start: Box<dyn Fn() -> io::Result<()> + 'scope>,
    alone: Alone<'scope, J, R>,
    started: usize,
    /// The results of each job, in job order.
    order: SyncSender<Receiver<R>>,
    /// The number of jobs and producer results sent so far.
    sent: u64,
    turns: Arc<Turns>,
    queue: &'scope JobQueue<QueuedJob<J, R>>,
    unfinished: &'scope Unfinished,
}

impl<J, R> Feed<'_, J, R> {
    /// Sends a job in a directory to the workers. Starts another worker if
    /// there are fewer than `workers` and the limit allows it.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn send(
        &mut self,
        job: J,
        directory: DirectoryKey,
        workers: usize,
    ) -> Result<(), ConsumerGone> {
        match &mut self.0 {
            Runner::Caller { work, .. } => work(job),
            Runner::Threads(threads) => threads.send(job, directory, workers),
        }
    }

    /// Sends a result of the producer itself to the consumer, after those of
    /// all jobs sent so far.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn send_result(&mut self, result: R) -> Result<(), ConsumerGone> {
        match &mut self.0 {
            Runner::Caller { send, .. } => send(result),
            Runner::Threads(threads) => Ok(threads.reserve()?.0.send(result)?),
        }
    }

    /// Waits until every job is done. Their results may still be waiting to be
    /// consumed.
    pub fn drain(&self) {
        if let Runner::Threads(threads) = &self.0 {
            threads.unfinished.wait_for_none();
        }
    }
}

impl<J, R> Threads<'_, J, R> {
    /// Reserves the next place in the order of results.
    fn reserve(&mut self) -> Result<(SyncSender<R>, Turn), ConsumerGone> {
        let (results, receiver) = sync_channel(self.limits.results_per_job);
        self.order.send(receiver)?;
        self.sent = self.sent.saturating_add(1);
        let turn = Turn {
            number: self.sent,
            turns: Arc::clone(&self.turns),
        };
        Ok((results, turn))
    }

    fn send(
        &mut self,
        job: J,
        directory: DirectoryKey,
        workers: usize,
    ) -> Result<(), ConsumerGone> {
        let (results, turn) = self.reserve()?;
        let job = QueuedJob { job, results, turn };
        let workers = workers.min(self.limits.workers);
        if self.started < workers && (self.start)().is_ok() {
            self.started = self.started.saturating_add(1);
        }
        if self.started == 0 {
            // No worker thread can be started, so the producer performs the
            // job.
            return (self.alone)(job);
        }
        self.unfinished.add_one();
        self.queue.add(directory, job);
        Ok(())
    }
}

impl<J, R> Drop for Threads<'_, J, R> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
