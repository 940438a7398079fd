//! Everything that knows what a queue is (spec page 03).

pub mod id;
mod queue;

pub use id::QueueId;
pub use queue::Queue;
