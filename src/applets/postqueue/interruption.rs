//! How a signal ends the flushing of messages one after the other.

use nix::sys::signal::Signal;

use super::super::Fatal;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable, watch_signals};
use super::super::listing::Session;
use crate::logging::Severity;
use crate::sys::child;
use crate::sys::error_text::error_text;
use crate::sys::signals;
use crate::sys::signals::Interrupts;

/// Begins to catch signals. Work for one of several instances ends when `parent`,
/// which goes on to the next one, ends.
pub(super) fn watch(session: &mut Session<'_>, parent: Option<u32>) -> Result<Interrupts, Fatal> {
    let interrupts = watch_signals(STATUS_UNAVAILABLE, session.logger)?;
    if let Some(parent) = parent {
        let bound = child::end_with(parent, Signal::SIGTERM);
        bound.map_err(|error| {
            let text = format!("cannot go on: {}", error_text(&error));
            unavailable(session.logger, text)
        })?;
    }
    Ok(interrupts)
}

/// Ends with the status that a shell reports for a program that a signal ended.
pub(super) fn stopped(session: &mut Session<'_>, signal: i32, left: u64) -> Fatal {
    let s = if left == 1 { "" } else { "s" };
    let name = signals::name(signal);
    let text = format!("stopped by {name}: {left} message{s} left");
    session.logger.report(Severity::Warning, text);
    let status = u8::try_from(signal).ok().and_then(|s| s.checked_add(128));
    Fatal::already_reported(status.unwrap_or(STATUS_UNAVAILABLE))
}
