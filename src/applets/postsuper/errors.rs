//! Failures of postsuper: the message, and the exit status, which is 1 or, with
//! `--strict`, 100.

use super::super::Fatal;
use crate::logging::Logger;

/// The name of the program in the manual and in the configuration.
pub const PROGRAM: &str = "postsuper";
/// The exit status of every failure.
pub const STATUS: u8 = 1;
/// The exit status of `--strict` if a queue ID was not found. It differs from
/// the statuses after a signal.
pub const STATUS_STRICT: u8 = 100;

/// Reports `text` as a fatal error and ends with [`STATUS`].
pub fn fatal(logger: &mut Logger, text: impl AsRef<[u8]>) -> Fatal {
    Fatal::report(STATUS, logger, text)
}
