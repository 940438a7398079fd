//! An ordered, bounded pool of worker threads, for listings and for actions.
//!
//! Independent of what the jobs are: `spool` groups the names of a walk into
//! jobs, and `actions` decides how many workers may change the spool at a time.

pub mod job_queue;
pub mod limits;
pub mod pool;
mod turns;
