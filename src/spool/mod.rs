//! The queues: their names and IDs, their layout on disk, walking them, defer
//! and bounce logs, and the daemons' triggers.
//!
//! Returns values and typed errors; nothing in this module prints.

pub mod bounce_entry;
pub mod bounce_log;
pub mod defer_log;
mod descent;
pub mod id;
mod layout;
pub mod log_entry;
pub mod master_status;
pub mod message;
pub mod name_batch;
mod queue;
pub mod tree;
pub mod trigger;
mod walk;

pub use defer_log::{LogBuffers, ReasonReader};
pub use descent::{DirEntry, OpenDir, join};
pub use id::QueueId;
pub use layout::Layout;
pub use queue::Queue;
pub use walk::{Step, Walk, WalkError};
