//! An ordered, bounded pool of worker threads, for listings and for actions.
//!
//! Independent of what the jobs are: `spool` batches the names of a walk into
//! jobs, `actions` decides how many workers may change the spool at a time.

pub mod job_queue;
pub mod limits;
pub mod pool;
mod turns;
