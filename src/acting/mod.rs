//! Acting on the messages that a selection means, in one process: the look
//! and the act are on the same file (spec page 12, "Acting").
//!
//! `matched` finds and acts, `results` is what a program reads of it. What an
//! action does to a message is `spool::actions`' business.

pub mod matched;
pub mod results;
