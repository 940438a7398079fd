//! Everything that knows what a queue is (spec page 03).
//!
//! Values and typed errors; nothing in here prints.

pub mod id;
mod layout;
mod logged;
pub mod message;
mod queue;
mod reasons;
pub mod report;
pub mod reporter;
pub mod system;
mod walk;

pub use id::QueueId;
pub use layout::Layout;
pub use queue::Queue;
pub use reasons::{Reason, ReasonReader};
pub use walk::{Found, Place, Walk, WalkError};
