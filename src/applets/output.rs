//! Standard output of the applets that replace Postfix's tools, and how write
//! errors are handled.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;

use super::Fatal;
use super::fatal::unavailable;
use crate::logging::Logger;
use crate::sys::error_text::error_text;

/// The destination of an applet's output.
pub enum Target<'a> {
    /// Standard output.
    Stdout,
    /// A part of the program that shows it. If it wants no more, it fails with
    /// `BrokenPipe`, which is not an error.
    Writer(&'a mut dyn Write),
}

impl Target<'_> {
    /// Writes all of `text`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Target::Stdout => io::stdout().lock().write_all(text),
            Target::Writer(writer) => writer.write_all(text),
        }
    }
}

/// Prints the text of `--help` or `--version`.
///
/// # Errors
///
/// Standard output cannot be written. A reader that has gone is not an error.
pub fn print(logger: &mut Logger, text: &str) -> Result<(), Fatal> {
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| output_failed(logger, &error))
}

/// Reports that standard output cannot be written.
///
/// # Errors
///
/// Always, unless the reader has gone, which is not an error.
pub fn output_failed(logger: &mut Logger, error: &io::Error) -> Result<(), Fatal> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    let text = format!("output write error: {}", error_text(error));
    Err(unavailable(logger, &text))
}

/// Returns standard output without line buffering, for callers that write large
/// pieces.
///
/// # Errors
///
/// Standard output is closed.
pub fn stdout(logger: &mut Logger) -> Result<File, Fatal> {
    let copy = io::stdout().as_fd().try_clone_to_owned();
    copy.map(File::from).map_err(|error| {
        let text = format!("output write error: {}", error_text(&error));
        unavailable(logger, &text)
    })
}
