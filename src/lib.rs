//! Spoolbox: Postfix's queue tools (`mailq`, `postqueue`, `postsuper`,
//! `postcat`, `qshape`) as one binary.
//!
//! The modules, from top to bottom. Each may use those below it and none above;
//! inside a module, the dependencies between files form no cycles. A test reads
//! the `use` lines and checks both rules.
//!
//! - `applets`: one folder per command name, and how a command ends
//! - `journal`: the journal of acts on messages, undoing them; the trash
//! - `transfer`: archives of messages, moving them out of a spool and into one
//! - `actions`: changes to a spool: to one message, a stream of queue IDs, a
//!   whole queue, or the messages that match a selection; repairs
//! - `listing`: the contents of a listing and its output formats
//! - `qshape_report`: the table of messages by domain and age
//! - `selection`: the selection options and which messages match them
//! - `logging`: messages on standard error and in the mail log
//! - `ipc`: Postfix's showq and flush daemons
//! - `queue_file`: records, envelope and text of a queue file; postcat's output
//! - `spool`: queues, queue IDs, the location of files, walking a queue
//! - `worker_pool`: worker threads whose results arrive in order
//! - `config`: main.cf
//! - `cli`: options and operands
//! - `release`: differences between Postfix versions
//! - `text`: printable text, quoting, numbers
//! - `sys`: the operating system, and the only unsafe code
//!
//! The library is private. The feature `test-support` makes its modules public
//! for the tests and the fuzz targets; without it the compiler reports code
//! that nothing uses.
#![deny(unsafe_code)]

#[cfg(not(feature = "test-support"))]
mod actions;
#[cfg(not(feature = "test-support"))]
mod applets;
#[cfg(not(feature = "test-support"))]
mod cli;
#[cfg(not(feature = "test-support"))]
mod config;
#[cfg(not(feature = "test-support"))]
mod ipc;
#[cfg(not(feature = "test-support"))]
mod journal;
#[cfg(not(feature = "test-support"))]
mod listing;
#[cfg(not(feature = "test-support"))]
mod logging;
#[cfg(not(feature = "test-support"))]
mod qshape_report;
#[cfg(not(feature = "test-support"))]
mod queue_file;
#[cfg(not(feature = "test-support"))]
mod release;
#[cfg(not(feature = "test-support"))]
mod selection;
#[cfg(not(feature = "test-support"))]
mod spool;
#[cfg(not(feature = "test-support"))]
mod sys;
#[cfg(not(feature = "test-support"))]
mod text;
#[cfg(not(feature = "test-support"))]
mod transfer;
#[cfg(not(feature = "test-support"))]
mod worker_pool;

#[cfg(feature = "test-support")]
pub mod actions;
#[cfg(feature = "test-support")]
pub mod applets;
#[cfg(feature = "test-support")]
pub mod cli;
#[cfg(feature = "test-support")]
pub mod config;
#[cfg(feature = "test-support")]
pub mod ipc;
#[cfg(feature = "test-support")]
pub mod journal;
#[cfg(feature = "test-support")]
pub mod listing;
#[cfg(feature = "test-support")]
pub mod logging;
#[cfg(feature = "test-support")]
pub mod qshape_report;
#[cfg(feature = "test-support")]
pub mod queue_file;
#[cfg(feature = "test-support")]
pub mod release;
#[cfg(feature = "test-support")]
pub mod selection;
#[cfg(feature = "test-support")]
pub mod spool;
#[cfg(feature = "test-support")]
pub mod sys;
#[cfg(feature = "test-support")]
pub mod text;
#[cfg(feature = "test-support")]
pub mod transfer;
#[cfg(feature = "test-support")]
pub mod worker_pool;

pub use applets::main;
