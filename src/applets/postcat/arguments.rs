//! The command line of postcat. Checks which of its options can be combined;
//! the options of a selection are handled by `selection`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::super::instances::Instances;
use super::super::{Call, Fatal, instance};
use super::errors::{PROGRAM, fatal};
use super::table::options;
use crate::cli;
use crate::cli::{Opt, Scanned, Scanner};
use crate::listing::{Direction, SORT_KEYS_HINT, SortKey, SortSpec};
use crate::logging::Logger;
use crate::queue_file::render::{Flag, Plan, RawFormat};
use crate::release::{Feature, Release};
use crate::selection::{Builder, Selection, Taken};
use crate::sys::time;
use crate::text::{digits, saturating_digits};

/// The operand that stands for the messages that match the selection.
const MATCH: &str = "MATCH";

/// The letters that not every release has. `-f`, which Postfix has since 3.10,
/// is always accepted: a deliberate difference.
const NEWER: [(char, Feature); 2] = [
    ('r', Feature::PostcatOffsets),
    ('s', Feature::PostcatOffsets),
];

/// The requested operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PostcatMode {
    #[default]
    Show,
    Help,
    Version,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DisplayMode {
    #[default]
    Records,
    Message(RawFormat),
    Json,
}

/// The meaning of operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OperandKind {
    #[default]
    Files,
    Ids,
}

/// A parsed command line.
#[derive(Debug, Default)]
pub struct PostcatArguments {
    pub(super) config_directory: Option<OsString>,
    pub(super) instances: Instances,
    /// The name of the instance, for the output, if an option chose it.
    pub(super) instance: Option<String>,
    pub(super) mode: PostcatMode,
    pub(super) look: DisplayMode,
    pub(super) plan: Plan,
    pub(super) operands_are: OperandKind,
    /// The file offset to start at.
    pub(super) start: u64,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
    pub(super) operands: Vec<OsString>,
    /// The messages that MATCH stands for.
    pub(super) selection: Option<Selection>,
    /// Their order and number.
    pub(super) sort_spec: SortSpec,
}

/// Parses the command line.
///
/// # Errors
///
/// The command line is wrong, which was reported.
pub fn parse(call: &Call, logger: &mut Logger) -> Result<PostcatArguments, Fatal> {
    let mut reading = PostcatParser {
        arguments: PostcatArguments::default(),
        builder: Builder::new(time::now()),
    };
    let options = instance::options_of_release(call, options(), &NEWER, PROGRAM);
    let mut rest = call.arguments.clone();
    let mut operands = Vec::new();
    loop {
        let found = reading.scan(&options, rest, call, logger)?;
        if reading.arguments.mode != PostcatMode::Show {
            break;
        }
        // Options may follow the word MATCH.
        if let Some(after) = found.options_after(MATCH)
            && reading.arguments.operands_are == OperandKind::Ids
        {
            operands.push(MATCH.into());
            rest = after;
            continue;
        }
        let found = match reading.arguments.operands_are {
            OperandKind::Files => found.any_after_dashes("the file name"),
            OperandKind::Ids => found.any_after_dashes("the queue ID"),
        };
        operands.extend(found.map_err(|error| fatal(logger, error.to_string().as_bytes()))?);
        break;
    }
    let finished = reading.finish(operands);
    finished.map_err(|text| fatal(logger, text.as_bytes()))
}

/// The state of the parser.
struct PostcatParser {
    arguments: PostcatArguments,
    builder: Builder,
}

impl PostcatParser {
    /// Reads the options before the operands. Returns the operands.
    fn scan(
        &mut self,
        options: &[Opt],
        arguments: Vec<OsString>,
        call: &Call,
        logger: &mut Logger,
    ) -> Result<cli::Operands, Fatal> {
        let mut scanner = Scanner::new(options, arguments);
        for scanned in scanner.by_ref() {
            let scanned = scanned.map_err(|error| {
                logger.option_error(call.program.as_bytes(), &error.message());
                usage(call, logger)
            })?;
            let taken = self.builder.take(&scanned);
            match taken.map_err(|error| fatal(logger, error.to_string().as_bytes()))? {
                Taken::Yes => {}
                Taken::No => {
                    take(scanned, &mut self.arguments).map_err(|text| fatal(logger, &text))?;
                }
            }
        }
        Ok(scanner.operands())
    }

    /// Checks which options can be combined. Returns an error text if they
    /// cannot.
    fn finish(self, operands: Vec<OsString>) -> Result<PostcatArguments, String> {
        let mut arguments = self.arguments;
        arguments.selection = self.builder.finish().map_err(|error| error.to_string())?;
        arguments.operands = operands;
        if arguments.mode != PostcatMode::Show {
            return Ok(arguments);
        }
        let is_match = matches!(&arguments.operands[..], [only] if only == MATCH)
            && arguments.operands_are == OperandKind::Ids;
        if arguments.selection.is_some() && !is_match {
            let text = "a selection requires -q and MATCH as the only operand: \
                        postcat -q MATCH --from 'x@y.example'";
            return Err(text.to_owned());
        }
        if arguments.instances != Instances::Default
            && (arguments.operands_are == OperandKind::Files || arguments.operands.is_empty())
        {
            let text = "--instance and --all-instances require -q and an operand: \
                        postcat -q ID --all-instances";
            return Err(text.to_owned());
        }
        let sort_spec = &arguments.sort_spec;
        if arguments.selection.is_none() && sort_spec != &SortSpec::default() {
            return Err("--sort, --reverse and --limit require -q MATCH".to_owned());
        }
        if sort_spec.keys.is_empty() && sort_spec.direction == Direction::Descending {
            return Err("--reverse requires --sort".to_owned());
        }
        if arguments.look != DisplayMode::Records
            && (!arguments.plan.is_empty() || arguments.start > 0)
        {
            return Err(
                "--raw-message, --mbox and --json can be combined with -c and -q only".to_owned(),
            );
        }
        Ok(arguments)
    }
}

/// Applies one option. Returns an error text if its value is not valid.
fn take(option: Scanned, arguments: &mut PostcatArguments) -> Result<(), Vec<u8>> {
    let flag = match option {
        Scanned::Short('b', _) => Flag::Body,
        Scanned::Short('d', _) => Flag::Type,
        Scanned::Short('e', _) => Flag::Envelope,
        Scanned::Short('f', _) => Flag::FileName,
        Scanned::Short('h', _) => Flag::Header,
        Scanned::Short('o', _) => Flag::Offset,
        Scanned::Short('r', _) => Flag::FileOrder,
        Scanned::Short('v', _) => Flag::Raw,
        other => return take_setting(other, arguments),
    };
    arguments.plan.add(flag);
    Ok(())
}

fn take_setting(option: Scanned, arguments: &mut PostcatArguments) -> Result<(), Vec<u8>> {
    if let Scanned::Long(name, value) = &option {
        let taken = arguments.instances.take(name, value);
        if taken.map_err(|error| error.to_string().into_bytes())? {
            return Ok(());
        }
    }
    match option {
        Scanned::Short('c', value) => arguments.config_directory = Some(value),
        Scanned::Short('q', _) => arguments.operands_are = OperandKind::Ids,
        Scanned::Short('s', value) => arguments.start = offset(&value)?,
        Scanned::Long("raw-message", _)
            if arguments.look == DisplayMode::Message(RawFormat::Mbox) => {}
        Scanned::Long("raw-message", _) => arguments.look = DisplayMode::Message(RawFormat::Plain),
        Scanned::Long("mbox", _) => arguments.look = DisplayMode::Message(RawFormat::Mbox),
        Scanned::Long("json", _) => arguments.look = DisplayMode::Json,
        Scanned::Long("dialect", value) => {
            let bad = || [b"bad value for --dialect: ", value.as_bytes()].concat();
            arguments.release = Some(cli::release(&value).ok_or_else(bad)?);
        }
        Scanned::Long("sort", value) => {
            let keys = value.to_str().and_then(SortKey::parse_list);
            let wrong = || bad("sort", &value, SORT_KEYS_HINT);
            arguments.sort_spec.keys = keys.ok_or_else(wrong)?;
        }
        Scanned::Long("reverse", _) => arguments.sort_spec.direction = Direction::Descending,
        Scanned::Long("limit", value) => {
            let limit = digits(value.as_bytes());
            let wrong = || bad("limit", &value, "give a number");
            arguments.sort_spec.limit = Some(limit.ok_or_else(wrong)?);
        }
        Scanned::Long("help", _) => arguments.mode = PostcatMode::Help,
        Scanned::Long("version", _) => arguments.mode = PostcatMode::Version,
        Scanned::Short(_, _) | Scanned::Long(_, _) => {}
    }
    Ok(())
}

fn bad(option: &str, value: &OsStr, hint: &str) -> Vec<u8> {
    format!("bad value for --{option}: {}: {hint}", value.display()).into_bytes()
}

/// Parses an offset on the command line. A value larger than any file offset
/// becomes the largest possible one.
fn offset(value: &OsStr) -> Result<u64, Vec<u8>> {
    let text = value.as_bytes();
    let number = saturating_digits(text).ok_or_else(|| [b"bad offset: ", text].concat())?;
    Ok(number.min(i64::MAX.unsigned_abs()))
}

fn usage(call: &Call, logger: &mut Logger) -> Fatal {
    let text = b" [-b (body text)] [-c config_dir] [-d (decimal record type)] \
        [-e (envelope records)] [-h (header text)] [-q (access queue)] [-v] [file(s)...]";
    let program = call.program.as_bytes();
    fatal(logger, &[b"usage: ", program, text].concat())
}
