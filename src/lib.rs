//! Spoolbox: Postfix's queue tools again, as one binary.
//!
//! The layers, each may use those below it and none above:
//!
//! - [`spool`]: what a queue is
//! - [`record`]: what a queue file is made of
//! - [`config`]: main.cf
//! - [`text`]: bytes made fit to show
//! - [`sys`]: the operating system
#![deny(unsafe_code)]

pub mod cli;
pub mod config;
pub mod diag;
pub mod ipc;
pub mod listing;
pub mod record;
pub mod spool;
pub mod sys;
pub mod text;
