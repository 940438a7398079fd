//! The limits of a pool, derived from the number of files that the process may
//! open.

/// The number of descriptors that a reading worker may need: its message, a
/// log with its directory, and the directories of the jobs that wait for it.
const FILES_PER_READER: u64 = 8;
/// The number of descriptors that a walk needs for each directory level.
const FILES_PER_LEVEL: u64 = 2;
/// The number of waiting jobs per reading worker.
const JOBS_PER_READER: usize = 2;
/// The number of results that may wait for each job of a reading worker.
const RESULTS_PER_JOB: usize = 2;

/// The limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// The largest number of worker threads.
    pub workers: usize,
    /// The largest number of jobs that wait for a worker or whose results wait
    /// to be consumed.
    pub jobs: usize,
    /// The largest number of results of one job that wait to be consumed. A job
    /// with more results blocks its worker, so all jobs must then have the same
    /// `DirectoryKey`.
    pub results_per_job: usize,
}

impl PoolLimits {
    /// Returns the limits of a pool of this many workers that only read.
    pub fn for_readers(workers: usize) -> Self {
        Self {
            workers,
            jobs: workers.saturating_mul(JOBS_PER_READER),
            results_per_job: RESULTS_PER_JOB,
        }
    }
}

/// Returns the number of reading workers, at least one and at most `most`, for
/// a process that may open `open_files` more files, some of which are needed
/// for a walk that is `depth` directories deep.
pub fn readers_for(most: usize, open_files: u64, depth: u32) -> usize {
    let walk = u64::from(depth)
        .saturating_add(2)
        .saturating_mul(FILES_PER_LEVEL);
    let left = open_files.saturating_sub(walk);
    let affordable = usize::try_from(left / FILES_PER_READER).unwrap_or(usize::MAX);
    affordable.clamp(1, most.max(1))
}
