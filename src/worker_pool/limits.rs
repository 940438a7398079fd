//! How many threads, jobs and results a pool may have, by the number of files
//! that the process may open.

/// Descriptors that a reading worker can need: its message, a log, and the
/// directories of the jobs that wait for it.
const FILES_PER_READER: u64 = 8;
/// Descriptors that a walk needs for each directory on its way down.
const FILES_PER_LEVEL: u64 = 2;
/// Jobs that wait, for each reading worker.
const JOBS_PER_READER: usize = 2;
/// Results of a reading worker's job that wait to be consumed.
const RESULTS_PER_JOB: usize = 2;

/// What a pool may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Threads that do jobs.
    pub workers: usize,
    /// Jobs that wait for a worker or whose results wait to be consumed.
    pub jobs: usize,
    /// Results of one job that wait to be consumed. A job with more of them
    /// waits, so all jobs need the same `DirectoryKey` then.
    pub results_per_job: usize,
}

impl PoolLimits {
    /// The limits of a pool that only reads, with this many workers.
    pub fn for_readers(workers: usize) -> Self {
        Self {
            workers,
            jobs: workers.saturating_mul(JOBS_PER_READER),
            results_per_job: RESULTS_PER_JOB,
        }
    }
}

/// How many reading workers, at most `most` and at least one, a process can
/// have that may open `open_files` more files, besides those for a walk that
/// is `depth` directories deep.
pub fn readers_for(most: usize, open_files: u64, depth: u32) -> usize {
    let walk = u64::from(depth)
        .saturating_add(2)
        .saturating_mul(FILES_PER_LEVEL);
    let left = open_files.saturating_sub(walk);
    let affordable = usize::try_from(left / FILES_PER_READER).unwrap_or(usize::MAX);
    affordable.clamp(1, most.max(1))
}
