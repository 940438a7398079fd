//! main.cf: finding it, reading it, expanding it, and what the tools need of
//! it.
//!
//! Owns the words of every configuration error. Independent of options,
//! queues or sockets, and prints nothing: warnings are handed to the caller.
//!
//! - `locate`: which directory, and which directories a set-gid program accepts
//! - `default_directory`: `/etc/postfix`, or where other systems have it
//! - `file`, `main_cf`: logical lines, names and values
//! - `expand`, `reference`: `$name` and its kin; `level`: versions such as `3.6`
//! - `table`, `parameters`: names, defaults, order; expanded and typed values
//! - `settings`, `load`, `checks`: [`Config`], every parameter with its type
//! - `queue_paths`: no more than where the queues are, whatever else is wrong
//! - `host_name`, `mail_host`: what a host name and a mail destination may look like
//! - `lifetimes`: when a message is given up
//! - `access`, `patterns`, `tables`: `authorized_mailq_users` and other lists
//! - `error`: what can be wrong, in Postfix's words

mod access;
mod checks;
mod default_directory;
pub mod error;
pub mod expand;
pub mod file;
pub mod host_name;
pub mod level;
mod lifetimes;
mod load;
pub mod locate;
pub mod mail_host;
pub mod main_cf;
pub mod parameters;
pub mod patterns;
mod postfix;
mod queue_paths;
mod reference;
pub mod settings;
mod table;
mod tables;
mod tokens;

pub use checks::MailOwner;
pub use default_directory::default_directory;
pub use error::ConfigError;
pub use load::LoadState;
pub use main_cf::MainCf;
pub use parameters::Parameters;
pub use patterns::{ListMatch, PatternList};
pub use queue_paths::QueuePaths;
pub use settings::Config;
