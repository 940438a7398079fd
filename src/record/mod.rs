//! Queue file records: what a queue file is made of (spec page 04).
//!
//! Knows bytes and offsets, not queues, logs or output.

mod types;
pub mod writer;

pub use types::RecordType;
