//! Standard output of the applets that behave as Postfix's tools do.
//!
//! Owns what happens when it cannot be written.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;

use super::Fatal;
use super::fatal::unavailable;
use crate::logging::Logger;
use crate::sys::error_text::error_text;

/// Prints the text of `--help` or `--version`.
///
/// # Errors
/// Standard output cannot be written; that its reader is gone is no error.
pub fn print(logger: &mut Logger, text: &str) -> Result<(), Fatal> {
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| output_failed(logger, &error))
}

/// Reports that standard output cannot be written.
///
/// # Errors
/// Always, unless its reader is gone, which is no error.
pub fn output_failed(logger: &mut Logger, error: &io::Error) -> Result<(), Fatal> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    let text = format!("output write error: {}", error_text(error));
    Err(unavailable(logger, &text))
}

/// Standard output without a buffer that looks for newlines, for callers that
/// write large pieces.
///
/// # Errors
/// It is closed.
pub fn stdout(logger: &mut Logger) -> Result<File, Fatal> {
    let copy = io::stdout().as_fd().try_clone_to_owned();
    copy.map(File::from).map_err(|error| {
        let text = format!("output write error: {}", error_text(&error));
        unavailable(logger, &text)
    })
}
