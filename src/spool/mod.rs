//! Everything that knows what a queue is (spec page 03).
//!
//! Values and typed errors; nothing in here prints.

pub mod defer_log;
pub mod id;
mod layout;
pub mod master_status;
pub mod message;
pub mod name_batch;
mod queue;
pub mod tree;
pub mod trigger;
mod walk;

pub use defer_log::ReasonReader;
pub use id::QueueId;
pub use layout::Layout;
pub use queue::Queue;
pub use walk::{DirEntry, OpenDir, Step, Walk, WalkError};
