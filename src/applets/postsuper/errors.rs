//! How postsuper ends when it fails: the message, and the exit status, which is
//! 1 or, with `--strict`, 100.

use super::super::Fatal;
use crate::logging::Logger;

/// The name of the program in the manual and in the configuration.
pub const PROGRAM: &str = "postsuper";
/// The status of every failure.
pub const STATUS: u8 = 1;
/// The status of `--strict` if a queue ID was not found: no signal's number,
/// which is the status after a signal.
pub const STATUS_STRICT: u8 = 100;

/// Reports `text` as a fatal error and ends with [`STATUS`].
pub fn fatal(logger: &mut Logger, text: impl AsRef<[u8]>) -> Fatal {
    Fatal::report(STATUS, logger, text)
}
