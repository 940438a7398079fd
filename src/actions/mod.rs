//! Acting on the messages that a selection means, in one process: the look
//! and the act are on the same file (spec page 12, "Acting").
//!
//! `by_selection` finds and acts, `results` is what a program reads of it. What an
//! action does to a message is `spool::actions`' business.

pub mod bulk;
pub mod by_selection;
pub mod executor;
pub mod id_stream;
pub mod queue_scan;
pub mod rate_limit;
pub mod repair;
pub mod report;
pub mod results;
pub mod spool_ops;
