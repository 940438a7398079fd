//! The threads that read the queue and act on it while the screen answers to
//! keys: one for the whole queue and for acts, one for single messages.
//!
//! Results are limited in number until the screen has taken them. A job on the
//! queue ends early when another pass is requested.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::super::listing;
use super::super::listing::CountSummary;
use super::acts;
use super::acts::{ActOutcome, ActRequest};
use super::arguments::PROGRAM;
use super::context::{BrowseContext, Route, SpoolAccess, Wanted};
use super::details;
use super::details::{Detail, MessageDetails};
use super::filter::ListFilter;
use super::model::ListedMessage;
use super::row_sink::{RowSink, Unwanted};
use crate::listing::{CountBy, CountKeys, CountPlan, Style};
use crate::logging::Logger;
use crate::spool::{Queue, QueueId};
use crate::sys::process::lower_thread_priority;
use crate::sys::time;

/// The number of results that wait for the screen. A piece of a listing takes
/// about 0.1 MB.
const WAITING_MAX: usize = 8;
/// The number of threads.
const THREADS: usize = 2;
/// The number of the pass that no job belongs to.
const NO_PASS: u32 = u32::MAX;

/// The groupings of the overview.
pub const OVERVIEW: [CountBy; 4] = [
    CountBy::Queue,
    CountBy::From,
    CountBy::ToDomain,
    CountBy::Reason,
];

/// Work on the whole queue.
#[derive(Debug)]
enum QueueJob {
    List(u32, ListFilter),
    Count(ListFilter),
    Act(ActRequest),
}

/// Work on single messages.
#[derive(Debug)]
enum DetailJob {
    Rows(Vec<(Queue, QueueId)>),
    Message(QueueId),
}

/// A result.
#[derive(Debug)]
pub enum BackgroundAnswer {
    /// Messages that a pass has found.
    Rows(u32, Vec<ListedMessage>),
    /// A pass has ended after this time, with a problem or without.
    PassEnded(u32, Duration, Result<(), String>),
    /// The counts of the overview.
    Counts(Box<Result<CountSummary, String>>),
    /// The columns of the list that are not in the rows.
    Details(Vec<Detail>),
    /// The text of a message; `None` if it has left the queue.
    Message(Box<Option<MessageDetails>>),
    /// An act has ended.
    Acted(ActOutcome),
}

/// The threads, as the screen sees them.
#[derive(Debug)]
pub struct Background {
    queue_jobs: Sender<QueueJob>,
    detail_jobs: Sender<DetailJob>,
    answers: Receiver<BackgroundAnswer>,
    wanted_pass: Arc<AtomicU32>,
    /// Each thread has one of these until it ends.
    running: Arc<()>,
}

impl Background {
    /// Starts the threads. `logger` reports acts.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        context: BrowseContext<'scope>,
        logger: Logger,
    ) -> Self {
        let (queue_jobs, queue_receiver) = channel();
        let (detail_jobs, detail_receiver) = channel();
        let (sender, answers) = sync_channel(WAITING_MAX);
        let wanted_pass = Arc::new(AtomicU32::new(NO_PASS));
        let worker = QueueWorker {
            context,
            wanted_pass: Arc::clone(&wanted_pass),
            answers: sender.clone(),
            listing_logger: kept_logger(),
            act_logger: logger,
        };
        let running = Arc::new(());
        let (of_queue, of_details) = (Arc::clone(&running), Arc::clone(&running));
        scope.spawn(move || {
            let _running = of_queue;
            // A key would otherwise wait for all threads that read messages.
            lower_thread_priority();
            worker.run(&queue_receiver);
        });
        scope.spawn(move || {
            let _running = of_details;
            look_at_messages(&context, &detail_receiver, &sender);
        });
        Self {
            queue_jobs,
            detail_jobs,
            answers,
            wanted_pass,
            running,
        }
    }

    /// Whether all threads are running. One that has ended has panicked; the terminal
    /// is then no longer a full screen.
    pub fn is_running(&self) -> bool {
        Arc::strong_count(&self.running) > THREADS
    }

    /// Begins a pass over the queue; other passes end.
    pub fn list(&self, pass: u32, filter: &ListFilter) {
        self.wanted_pass.store(pass, Ordering::SeqCst);
        self.send(QueueJob::List(pass, filter.clone()));
    }

    /// Counts for the overview.
    pub fn count(&self, filter: &ListFilter) {
        self.send(QueueJob::Count(filter.clone()));
    }

    /// Acts on messages; passes end.
    pub fn act(&self, request: ActRequest) {
        self.wanted_pass.store(NO_PASS, Ordering::SeqCst);
        self.send(QueueJob::Act(request));
    }

    /// Reads what the list shows of these messages besides the rows.
    pub fn details(&self, names: Vec<(Queue, QueueId)>) {
        // If the thread has ended, the program ends too.
        let _ = self.detail_jobs.send(DetailJob::Rows(names));
    }

    /// Reads a message.
    pub fn message(&self, id: QueueId) {
        let _ = self.detail_jobs.send(DetailJob::Message(id));
    }

    /// Returns a result, if there is one.
    pub fn answer(&self) -> Option<BackgroundAnswer> {
        self.answers.try_recv().ok()
    }

    fn send(&self, job: QueueJob) {
        let _ = self.queue_jobs.send(job);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.wanted_pass.store(NO_PASS, Ordering::SeqCst);
    }
}

fn kept_logger() -> Logger {
    let mut logger = Logger::without_log(PROGRAM);
    logger.keep();
    logger
}

/// The last line that a logger kept, without the name of the program.
pub fn problem(logger: &mut Logger) -> String {
    let kept = logger.take_kept();
    let text = String::from_utf8_lossy(&kept);
    let line = text
        .lines()
        .next_back()
        .unwrap_or("the queue cannot be read");
    let line = line.strip_prefix(PROGRAM).unwrap_or(line);
    line.trim_start_matches(": ")
        .trim_start_matches("fatal: ")
        .to_owned()
}

struct QueueWorker<'a> {
    context: BrowseContext<'a>,
    wanted_pass: Arc<AtomicU32>,
    answers: SyncSender<BackgroundAnswer>,
    listing_logger: Logger,
    act_logger: Logger,
}

impl QueueWorker<'_> {
    fn run(mut self, jobs: &Receiver<QueueJob>) {
        while let Ok(job) = jobs.recv() {
            let answer = match job {
                QueueJob::List(pass, filter) => self.list(pass, &filter),
                QueueJob::Count(filter) => BackgroundAnswer::Counts(Box::new(self.count(&filter))),
                QueueJob::Act(request) => {
                    let outcome = acts::run(&self.context, &request, &mut self.act_logger);
                    BackgroundAnswer::Acted(outcome)
                }
            };
            if self.answers.send(answer).is_err() {
                return;
            }
        }
    }

    fn list(&mut self, pass: u32, filter: &ListFilter) -> BackgroundAnswer {
        let start = Instant::now();
        let filter = &self.context.prepared(filter);
        let wanted = Arc::clone(&self.wanted_pass);
        let answers = self.answers.clone();
        let mut is_stopped = false;
        let mut send = |rows: Vec<ListedMessage>| {
            let is_wanted = wanted.load(Ordering::SeqCst) == pass;
            match answers.send(BackgroundAnswer::Rows(pass, rows)) {
                Ok(()) if is_wanted => Ok(()),
                _ => {
                    is_stopped = true;
                    Err(Unwanted)
                }
            }
        };
        let mut sink = RowSink::new(&filter.needle, &mut send);
        let mut format = self.context.columns().to_owned();
        if !filter.needle.is_empty() {
            format.push_str("\\t%{recipients}");
            if self.context.access() == SpoolAccess::Full {
                format.push_str("\\t%{subject}");
            }
        }
        let (wanted, logger) = (Wanted::matching(filter), &mut self.listing_logger);
        let ended = self.context.lines(&format, wanted, logger, &mut sink);
        // The remaining results are dropped only if another pass was requested.
        let _ = sink.finish();
        let ended = ended.map_err(|_| problem(&mut self.listing_logger));
        self.listing_logger.take_kept();
        if is_stopped {
            return BackgroundAnswer::Rows(pass, Vec::new());
        }
        BackgroundAnswer::PassEnded(pass, start.elapsed(), ended)
    }

    fn count(&mut self, filter: &ListFilter) -> Result<CountSummary, String> {
        if matches!(self.context.route, Route::Program(_)) {
            let text =
                "postqueue --count=BY shows counts: this user cannot reach the daemon itself";
            return Err(text.to_owned());
        }
        let filter = &self.context.prepared(filter);
        let plan = CountPlan {
            by: OVERVIEW.map(CountKeys::from).to_vec(),
            ages_at: Some(time::now()),
            needs_sizes: true,
            forecast: None,
        };
        let request = self.context.request(Style::Counts(&plan), filter);
        let session = self.context.session(&mut self.listing_logger);
        let counted = listing::count(session, &request, &plan);
        let counted = counted.map_err(|_| problem(&mut self.listing_logger));
        self.listing_logger.take_kept();
        counted
    }
}

/// Answers the jobs on single messages. Of several for rows, only the last one
/// counts.
fn look_at_messages(
    context: &BrowseContext<'_>,
    jobs: &Receiver<DetailJob>,
    answers: &SyncSender<BackgroundAnswer>,
) {
    let mut logger = Logger::unheard(PROGRAM);
    while let Ok(mut job) = jobs.recv() {
        while let (DetailJob::Rows(_), Ok(newer)) = (&job, jobs.try_recv()) {
            job = newer;
        }
        let answer = match job {
            DetailJob::Rows(names) => {
                BackgroundAnswer::Details(details::of_rows(context, &names, &mut logger))
            }
            DetailJob::Message(id) => {
                BackgroundAnswer::Message(Box::new(details::message(context, &id, &mut logger)))
            }
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_noticed() {
        let (queue_jobs, _queue) = channel();
        let (detail_jobs, _details) = channel();
        let (_sender, answers) = sync_channel(1);
        let running = Arc::new(());
        let (of_one, _of_another) = (Arc::clone(&running), Arc::clone(&running));
        let background = Background {
            queue_jobs,
            detail_jobs,
            answers,
            wanted_pass: Arc::default(),
            running,
        };
        assert!(background.is_running());
        let thread = std::thread::spawn(move || {
            let _running = of_one;
            panic!("for a test");
        });
        assert!(thread.join().is_err());
        assert!(!background.is_running());
    }
}
