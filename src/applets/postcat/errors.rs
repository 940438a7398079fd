//! Failures of postcat: the message, and the exit status, which is always 1.

use super::super::Fatal;
use crate::logging::Logger;
use crate::queue_file::render::ContentsError;

/// The name of the program in the configuration.
pub(super) const PROGRAM: &str = "postcat";
/// The exit status of every failure.
pub(super) const STATUS: u8 = 1;

/// Reports `text` as a fatal error and ends with [`STATUS`].
pub(super) fn fatal(logger: &mut Logger, text: &[u8]) -> Fatal {
    Fatal::report(STATUS, logger, text)
}

/// Reports why a file cannot be shown and ends with [`STATUS`].
pub(super) fn failed(logger: &mut Logger, error: &ContentsError) -> Fatal {
    fatal(logger, error.to_string().as_bytes())
}
