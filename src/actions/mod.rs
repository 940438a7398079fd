//! Actions that change a spool: on single messages, on a stream of queue IDs,
//! on whole queues, and on the messages that match a selection; and repairs of
//! the queue structure.
//!
//! Results are returned as values; nothing in this module prints. It is
//! independent of the journal and the trash, which an applet passes in as an
//! [`ActJournal`].

mod action;
mod announcer;
mod bounce_log_file;
pub mod bulk;
mod bulk_walk;
pub mod by_selection;
mod context;
mod directory_cache;
mod edit_result;
mod effects;
mod error;
pub mod executor;
mod expiry;
mod held_message;
pub mod id_reader;
pub mod id_stream;
pub mod interrupted_change;
mod journal;
mod limits;
mod message_finder;
pub mod message_lookup;
mod message_steps;
mod name_jobs;
pub mod name_snapshot;
mod next_attempt;
mod postponement;
pub mod queue_scan;
pub mod rate_limit;
pub mod recipient_change;
mod recipient_editor;
pub mod repair;
pub mod repair_rules;
pub mod report;
pub mod results;
mod scheduler;
pub mod spool_ops;
mod warning;

pub use action::{Action, Selected};
pub use context::SpoolContext;
pub use effects::Effects;
pub use error::WorkError;
pub use held_message::{clear_held_mark, has_held_mark, set_held_mark};
pub use journal::{Act, ActJournal, AnnouncedAct, Announcement, DeletionReport, TakeOutcome};
pub use next_attempt::{Arrivals, NextAttempt, Spread};
pub use warning::Warning;
