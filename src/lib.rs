//! Spoolbox: Postfix's queue tools again, as one binary.
//!
//! The layers, each may use those below it and none above:
//!
//! - [`spool`]: what a queue is
//! - [`record`]: what a queue file is made of
//! - [`config`][]: main.cf
#![deny(unsafe_code)]

pub mod config;
pub mod record;
pub mod spool;
