//! The command line of sendmail: the options that it reads before and after
//! main.cf.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::super::{Call, Fatal, front, instance, postqueue};
use super::arguments::{SendmailArguments, SendmailMode, check, option};
use super::errors::{STATUS, fatal};
use super::table::{help, options};
use crate::cli;
use crate::cli::{Operands, ScanError, Scanned, Scanner, Value};
use crate::logging::Logger;
use crate::release::Release;
use crate::text::to_printable;

/// Returns the directory for a value of `-C`, which is a directory or the path
/// of a main.cf.
fn configuration_directory(value: &OsStr) -> OsString {
    let path = Path::new(value);
    match (path.file_name(), path.parent()) {
        (Some(name), Some(parent)) if name == "main.cf" && parent.as_os_str().is_empty() => {
            ".".into()
        }
        (Some(name), Some(parent)) if name == "main.cf" => parent.as_os_str().to_owned(),
        _ => value.to_owned(),
    }
}

/// The message about an invalid option. It names a similar option of postqueue,
/// which has the long options for listings.
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

/// Whether a long option has a value.
fn takes_value(name: &str) -> bool {
    let mut options = options().into_iter();
    options.any(|option| option.long == Some(name) && option.value != Value::None)
}

/// The scanned command line. sendmail reads it twice: before and after main.cf.
pub(super) struct CommandLine {
    options: Vec<Result<Scanned, ScanError>>,
    operands: Operands,
}

impl CommandLine {
    /// Scans the command line. `-q` alone has an empty value.
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

    /// Returns the text of `--help` or `--version`, if either is given.
    pub(super) fn explanation(&self) -> Option<String> {
        self.options.iter().find_map(|option| match option {
            Ok(Scanned::Long("help", _)) => Some(help()),
            Ok(Scanned::Long("version", _)) => Some(front::version("mailq")),
            _ => None,
        })
    }

    /// The selection options as arguments of postqueue, which parses them.
    pub(super) fn selection(&self) -> Vec<OsString> {
        let own = ["help", "version", cli::DIALECT.long.unwrap_or_default()];
        let passed_on = self.options.iter().filter_map(|option| match option {
            Ok(Scanned::Long(name, value)) if !own.contains(name) => {
                let mut argument = OsString::from(format!("--{name}"));
                if takes_value(name) {
                    argument.push("=");
                    argument.push(value);
                }
                Some(argument)
            }
            _ => None,
        });
        passed_on.collect()
    }

    /// The value of `--dialect`, which postqueue parses.
    pub(super) fn dialect(&self) -> Option<&OsStr> {
        self.options.iter().rev().find_map(|option| match option {
            Ok(Scanned::Long("dialect", value)) => Some(value.as_os_str()),
            _ => None,
        })
    }

    /// Returns the directory that `-C` names. Reports every invalid letter,
    /// which `understand` reports again, as Postfix's sendmail does.
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

    /// Combines all options, and checks that they can be combined.
    pub(super) fn understand(
        &self,
        program: &str,
        mode: SendmailMode,
        release: Release,
        logger: &mut Logger,
    ) -> Result<SendmailArguments, Fatal> {
        let mut arguments = SendmailArguments {
            mode,
            release,
            reads_recipients: false,
            asks_for_intervals: false,
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
        }
        check(&arguments, &self.operands, logger)?;
        if arguments.asks_for_intervals {
            arguments.mode = SendmailMode::Nothing;
        }
        Ok(arguments)
    }
}
