//! An ordered, bounded pool of worker threads.

pub mod batcher;
pub mod job_queue;
pub mod pool;
pub mod readers;
pub mod turns;
