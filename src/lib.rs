//! Spoolbox: Postfix's queue tools again, as one binary.
//!
//! The layers, each may use those below it and none above:
//!
//! - [`applets`]: one room per name that people type; dispatch, exit statuses
//! - [`listing`]: what a listing looks like, the pipeline · [`contents`]: what
//!   a queue file looks like · [`shape`]: how much of what is how old ·
//!   [`diag`]: the words that go out
//! - [`acting`]: acting on what a selection means
//! - [`selection`]: which messages are meant
//! - [`cli`]: options · [`spool`]: what a queue is · [`ipc`]: Postfix's daemons
//! - [`record`]: what a queue file is made of · [`config`]: main.cf
//! - [`release`]: which Postfix behaves how
//! - [`text`]: bytes made fit to show
//! - [`sys`]: the operating system, and the only unsafe code
#![deny(unsafe_code)]

pub mod acting;
pub mod applets;
pub mod cli;
pub mod config;
pub mod contents;
pub mod diag;
pub mod ipc;
pub mod listing;
pub mod record;
pub mod release;
pub mod selection;
pub mod shape;
pub mod spool;
pub mod sys;
pub mod text;
