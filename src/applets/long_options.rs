//! Shared by the applets that Postfix does not have: parsing the command line
//! with clap, printing, and reporting errors.
//!
//! Independent of what each applet does.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Error, Result, anyhow};
use clap::{ArgMatches, Command};

use super::Fatal;
use crate::text::{Charset, make_printable};

/// The exit status of every failure.
const STATUS: u8 = 1;

/// The result of parsing a command line.
pub enum ParsedOptions {
    /// A text to print before exiting: help or version.
    Text(String),
    /// The options and operands of a call.
    Work(ArgMatches),
}

/// Parses a command line. `arguments` does not include the program name.
///
/// # Errors
///
/// The command line is wrong.
pub fn parse(command: Command, arguments: &[OsString]) -> Result<ParsedOptions> {
    let command = command
        .version(env!("CARGO_PKG_VERSION"))
        .no_binary_name(true);
    match command.try_get_matches_from(arguments) {
        Ok(matches) => Ok(ParsedOptions::Work(matches)),
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let text = text.trim_start_matches("error: ").trim_end();
            Err(anyhow!("{}", text.replace('\n', " ")))
        }
        Err(error) => Ok(ParsedOptions::Text(error.to_string())),
    }
}

/// Reports an error. It is not logged in the mail log, since no mail system is
/// involved.
pub fn complain(program: &str, error: &Error) -> Fatal {
    warn(program, &format!("{error:#}"));
    Fatal::already_reported(STATUS)
}

/// Reports a warning.
pub fn warn(program: &str, text: &str) {
    let mut line = format!("{program}: {text}").into_bytes();
    make_printable(&mut line, Charset::Safe);
    line.push(b'\n');
    // A closed standard error is ignored.
    let _ = std::io::stderr().lock().write_all(&line);
}

/// Prints to standard output. A reader that has gone is not an error.
///
/// # Errors
///
/// The output cannot be written.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to standard output"),
    }
}
