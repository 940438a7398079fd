//! Finds, reads and expands main.cf, and provides the parameters that the tools
//! need.
//!
//! Error texts are those of Postfix. Independent of options, queues and sockets.
//! Prints nothing: warnings are returned to the caller.
//!
//! - `locate`: which directory to read, and which directories a set-gid program
//!   accepts
//! - `default_directory`: `/etc/postfix`, or the directory of other systems
//! - `file`, `main_cf`: logical lines, names and values
//! - `expand`, `expansion`, `reference`: references such as `$name`; `level`:
//!   versions such as `3.6`
//! - `table`, `parameters`: names, defaults, order; expanded and typed values
//! - `compatibility`: the messages of postfix(1) about an old level
//! - `program`: what differs between the programs; `environment`: import_environment
//! - `settings`, `load`, `loader`, `load_state`, `checks`: [`Config`], every parameter with
//!   its type; `listing_parameters`: those that only a listing needs
//! - `queue_paths`: only the location of the queues, whatever errors main.cf has
//!   elsewhere
//! - `host_name`, `mail_host`: the syntax of host names and mail destinations
//! - `lifetimes`: when a message is returned as undeliverable
//! - `access`, `patterns`, `pattern_parser`, `tables`: `authorized_mailq_users` and
//!   other lists
//! - `error`: errors, with Postfix's texts

mod access;
mod checks;
mod compatibility;
mod default_directory;
mod environment;
pub mod error;
pub mod expand;
mod expansion;
pub mod file;
pub mod host_name;
pub mod level;
mod lifetimes;
mod listing_parameters;
mod load;
mod load_state;
mod loader;
pub mod locate;
pub mod mail_host;
pub mod main_cf;
pub mod parameters;
mod pattern_parser;
pub mod patterns;
mod postfix;
mod program;
mod queue_paths;
mod reference;
pub mod settings;
mod table;
mod tables;
mod tokens;
mod values;

pub use checks::MailOwner;
pub use default_directory::default_directory;
pub use environment::{EnvironmentEntry, Unlisted};
pub use error::ConfigError;
pub use load_state::LoadState;
pub use main_cf::MainCf;
pub use parameters::Parameters;
pub use patterns::{ListMatch, PatternList};
pub use postfix::default_postfix;
pub use queue_paths::QueuePaths;
pub use settings::Config;
pub use tokens::words;
