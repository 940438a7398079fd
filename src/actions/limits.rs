//! The largest numbers of jobs and workers of an action, derived from the
//! number of files that the process may open.

use crate::worker_pool::limits::PoolLimits;

/// The largest number of workers. It is chosen to keep the disk busy, not the
/// processors.
///
/// Measured, deleting 25,000 messages with logs, ext4 with `discard` and
/// without a journal, where each removed file waits 45 us for the disk: 1
/// worker 3.3 s, 4: 1.5 s, 16: 1.1 s, 32: 1.0 s, 64: 0.9 s, with which the disk
/// is always busy. With a journal and everything in memory: 1 worker 0.89 s, 2:
/// 0.55 s, 64: 0.57 s, so additional workers do no harm.
const WORKERS_MAX: usize = 64;
/// The largest number of messages in a job.
pub const JOB_MAX: usize = 64;

/// The limits of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionLimits {
    /// The largest number of waiting jobs. Each may keep a directory open.
    jobs: usize,
    /// The largest number of workers. Each has a few descriptors of its own.
    workers: usize,
    /// A quarter of the number of files that can be opened.
    quarter: usize,
}

impl ActionLimits {
    /// Returns limits with two jobs per worker, if `open_files`, the number of
    /// files that the process may still open, allows it.
    pub fn near(open_files: u64) -> Self {
        Self::within(open_files, 2 * WORKERS_MAX)
    }

    /// Returns limits with enough jobs for workers to be in several directories
    /// at a time, if `open_files` allows it. The price is memory.
    pub fn far(open_files: u64) -> Self {
        Self::within(open_files, 16 * WORKERS_MAX)
    }

    /// Reserves a quarter of the files for waiting jobs and another quarter for
    /// files that workers have open; the rest is for the directories that
    /// workers keep open and everything else.
    fn within(open_files: u64, jobs_max: usize) -> Self {
        let quarter = usize::try_from(open_files / 4).unwrap_or(usize::MAX);
        Self {
            jobs: quarter.clamp(2, jobs_max),
            workers: (quarter / 4).clamp(1, WORKERS_MAX),
            quarter,
        }
    }

    /// Returns the largest number of messages in a job if each of them keeps a
    /// file open until the job is done.
    pub fn files_in_a_job(self) -> usize {
        (self.quarter / self.workers).clamp(1, JOB_MAX)
    }

    /// Returns the largest number of workers.
    pub(super) fn workers(self) -> usize {
        self.workers
    }

    /// Returns the largest number of names that are remembered: twice as many
    /// as the waiting jobs can contain.
    pub(super) fn names(self) -> usize {
        self.jobs.saturating_mul(2 * JOB_MAX)
    }

    /// Returns the limits of the worker pool. Each job has one result.
    pub(super) fn pool(self) -> PoolLimits {
        PoolLimits {
            workers: self.workers,
            jobs: self.jobs,
            results_per_job: 1,
        }
    }
}
