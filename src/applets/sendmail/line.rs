//! The command line of sendmail: what it looks for in its options before and
//! after it has read main.cf.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::super::{Call, Fatal, front, instance, postqueue};
use super::arguments::{SendmailArguments, SendmailMode, check, option};
use super::errors::{STATUS, fatal};
use super::table::{help, options};
use crate::cli::{Operands, ScanError, Scanned, Scanner};
use crate::logging::Logger;
use crate::text::to_printable;

/// `-C` takes a directory, or the path of a main.cf.
fn configuration_directory(value: &OsStr) -> OsString {
    let path = Path::new(value);
    match (path.file_name(), path.parent()) {
        (Some(name), Some(parent)) if name == "main.cf" => parent.as_os_str().to_owned(),
        _ => value.to_owned(),
    }
}

/// The message about a wrong option. Listings with long options are
/// postqueue's.
fn message(error: &ScanError) -> Vec<u8> {
    match error {
        ScanError::UnknownLong { name, near: None } => match postqueue::nearest_option(name) {
            Some(near) => {
                let name = to_printable(name);
                format!("unknown option --{name}; postqueue has --{near}").into_bytes()
            }
            None => error.message(),
        },
        other => other.message(),
    }
}

/// The command line, scanned. sendmail looks at it twice: before and after it
/// has read main.cf.
pub(super) struct CommandLine {
    options: Vec<Result<Scanned, ScanError>>,
    operands: Operands,
}

impl CommandLine {
    /// A `-q` alone has an empty value.
    pub(super) fn scan(call: &Call) -> Self {
        let table = options();
        let mut scanner = Scanner::new(&table, call.arguments.clone());
        let mut options = Vec::new();
        loop {
            let next = if scanner.take_word("-q") {
                Some(Ok(Scanned::Short('q', OsString::new())))
            } else {
                scanner.next()
            };
            match next {
                Some(option) => options.push(option),
                None => break,
            }
        }
        let operands = scanner.operands();
        Self { options, operands }
    }

    /// The answer to `--help` or `--version`, if either is given.
    pub(super) fn explanation(&self) -> Option<String> {
        self.options.iter().find_map(|option| match option {
            Ok(Scanned::Long("help", _)) => Some(help()),
            Ok(Scanned::Long("version", _)) => Some(front::version("mailq")),
            _ => None,
        })
    }

    /// The value of `--dialect`, which is postqueue's to read.
    pub(super) fn dialect(&self) -> Option<&OsStr> {
        self.options.iter().rev().find_map(|option| match option {
            Ok(Scanned::Long("dialect", value)) => Some(value.as_os_str()),
            _ => None,
        })
    }

    /// The directory that `-C` names. Reports every letter that is no
    /// option, as `understand` does once more: so does Postfix's sendmail.
    pub(super) fn configuration_directory(
        &self,
        call: &Call,
        logger: &mut Logger,
    ) -> Result<Option<OsString>, Fatal> {
        let program = call.base_name();
        let mut directory = None;
        for option in &self.options {
            match option {
                Ok(Scanned::Short('C', value)) => {
                    let named = configuration_directory(value);
                    if !call.caller.user.is_root() {
                        instance::authorize(&named, logger, STATUS)?;
                    }
                    directory = Some(named);
                }
                Err(error) if error.is_of_getopt() => {
                    logger.option_error(program.as_bytes(), &error.message());
                }
                _ => {}
            }
        }
        Ok(directory)
    }

    /// The result of all options, if they go together.
    pub(super) fn understand(
        &self,
        program: &str,
        mode: SendmailMode,
        logger: &mut Logger,
    ) -> Result<SendmailArguments, Fatal> {
        let mut arguments = SendmailArguments {
            mode,
            reads_recipients: false,
            flush_site: None,
            flush_id: None,
        };
        for next in &self.options {
            match next {
                Ok(Scanned::Short(letter, value)) => {
                    option(*letter, value, &mut arguments, logger)?
                }
                Ok(Scanned::Long(..)) => {}
                Err(error) => {
                    logger.option_error(program.as_bytes(), &message(error));
                    return Err(fatal(logger, &format!("usage: {program} [options]")));
                }
            }
            if arguments.mode == SendmailMode::Nothing {
                break;
            }
        }
        check(&arguments, &self.operands, logger)?;
        Ok(arguments)
    }
}
