//! Actions that change a spool: on single messages, on a stream of queue IDs,
//! on whole queues, and on the messages that match a selection; and repairs of
//! the queue structure.
//!
//! Results are returned as values; nothing in this module prints. It is
//! independent of the trash, which an applet passes in as a [`Retention`].

mod action;
pub mod bulk;
pub mod by_selection;
mod context;
mod error;
pub mod executor;
mod expiry;
pub mod id_stream;
mod limits;
mod name_jobs;
pub mod queue_scan;
pub mod rate_limit;
pub mod repair;
pub mod report;
pub mod results;
mod retention;
mod scheduler;
pub mod spool_ops;
mod warning;

pub use action::{Action, Selected};
pub use context::SpoolContext;
pub use error::WorkError;
pub use retention::{Announced, Announcement, Removal, Retention, RetentionOutcome};
pub use warning::Warning;
