//! Failures of sendmail before postqueue takes over: the message and the exit
//! status.

use super::super::Fatal;
use crate::logging::Logger;

/// The exit status of failures before postqueue takes over: EX_TEMPFAIL of
/// sysexits(3).
pub(super) const STATUS: u8 = 75;

/// Reports `text` as a fatal error and ends with [`STATUS`].
pub(super) fn fatal(logger: &mut Logger, text: &str) -> Fatal {
    Fatal::report(STATUS, logger, text)
}
