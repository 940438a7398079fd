//! Everything that knows what a queue is (spec page 03).
//!
//! Values and typed errors; nothing in here prints.

pub mod actions;
pub mod backlog;
pub mod brake;
pub mod crew;
pub mod envelope;
pub mod gatherer;
pub mod id;
mod layout;
mod logged;
pub mod mass;
pub mod message;
pub mod message_text;
pub mod moves;
pub mod note;
pub mod origin;
mod queue;
pub mod readers;
mod reasons;
pub mod repair;
pub mod report;
pub mod reporter;
pub mod stream;
mod sweep;
pub mod system;
pub mod trash;
pub mod tree;
mod turns;
pub mod wake;
mod walk;

pub use id::QueueId;
pub use layout::Layout;
pub use queue::Queue;
pub use reasons::{Reason, ReasonReader};
pub use walk::{Found, Place, Step, Walk, WalkError};
