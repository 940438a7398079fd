//! main.cf: finding it, reading it, expanding it, and what the tools need of
//! it (spec pages 02, 08 and 11).
//!
//! Owns the words of every configuration error. Knows nothing of options,
//! queues or sockets, and prints nothing: warnings are handed to the caller.
//!
//! - [`main_cf`]: logical lines, names and values
//! - [`expand`]: `$name` and its kin; [`level`]: versions such as `3.6`
//! - [`parameters`]: the table, the defaults, the expanded values
//! - [`settings`]: [`Config`], every parameter with its type
//! - [`host_name`]: what a host name may look like
//! - [`patterns`]: `lists
//! - [`error`]: what can be wrong, in Postfix's words

mod checks;
pub mod error;
pub mod expand;
pub mod host_name;
pub mod level;
pub mod main_cf;
pub mod parameters;
pub mod patterns;
mod reference;
pub mod settings;
mod table;

pub use checks::MailOwner;
pub use error::ConfigError;
pub use main_cf::MainCf;
pub use parameters::Parameters;
pub use settings::Config;
