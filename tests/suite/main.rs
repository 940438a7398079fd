//! The comparison suite: spoolbox against the installed Postfix, on spools
//! made for the purpose.
//!
//! `support` builds instances and spools, runs both programs and compares.
//! The other modules are the tests. Tests that cannot run here say so on
//! stderr; with SPOOLBOX_REQUIRE_POSTFIX=1 they fail instead.
// Tests tell on stderr what they leave out, and panic to fail.
#![allow(clippy::print_stderr)]

mod actions;
mod bounds;
mod browse;
mod clients;
mod clients_json;
mod command_line;
mod completions;
mod concurrent;
mod configuration;
mod corpus;
mod daemon;
mod elsewhere;
mod environment;
// Makes system calls fail by writing this processor's registers.
#[cfg(target_arch = "x86_64")]
mod fault_injection;
mod fleet;
mod flush;
mod front;
mod fuzz;
mod guide;
mod harness;
mod hostile;
mod hostile_spool;
mod install;
mod layers;
mod listing;
mod live;
mod maillog;
mod memory;
mod postcat;
mod postsuper;
mod qshape;
mod recipients;
mod releases;
mod rights;
mod schema;
mod selection;
mod support;
mod syslog;
mod transfer;
mod usage;
mod versions;
