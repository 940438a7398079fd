//! How many jobs and workers an action may have, by the number of files that
//! the process may open.

use crate::worker_pool::limits::PoolLimits;

/// Workers at most. Their number is for the disk, not for the processors.
///
/// Measured, deleting 25,000 messages with logs, ext4 with `discard` and
/// without a journal, where each removed file waits 45 us for the disk: 1
/// worker 3.3 s, 4: 1.5 s, 16: 1.1 s, 32: 1.0 s, 64: 0.9 s, and then the
/// disk is always busy. With a journal and all in memory: 1 worker 0.89 s,
/// 2: 0.55 s, 64: 0.57 s, so more of them do no harm either.
const WORKERS_MAX: usize = 64;
/// Messages in a job at most.
pub const JOB_MAX: usize = 64;

/// What an action may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionLimits {
    /// Jobs that wait. Each may keep a directory open.
    jobs: usize,
    /// Workers at most. Each has a few descriptors of its own.
    workers: usize,
    /// A quarter of the files that can be opened.
    quarter: usize,
}

impl ActionLimits {
    /// Two jobs for each worker, if `open_files` more files allow it.
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

    /// Messages in a job, if each keeps a file open until it is done.
    pub fn files_in_a_job(self) -> usize {
        (self.quarter / self.workers).clamp(1, JOB_MAX)
    }

    /// Workers at most.
    pub(super) fn workers(self) -> usize {
        self.workers
    }

    /// Names that are remembered at most: twice as many as there are in the
    /// jobs that wait.
    pub(super) fn names(self) -> usize {
        self.jobs.saturating_mul(2 * JOB_MAX)
    }

    /// The limits of the pool. Each job has one result.
    pub(super) fn pool(self) -> PoolLimits {
        PoolLimits {
            workers: self.workers,
            jobs: self.jobs,
            results_per_job: 1,
        }
    }
}
