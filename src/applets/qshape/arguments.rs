//! The command line of qshape: letters by the rules of Perl's Getopt::Std, and
//! our own long options.

use std::ffi::{OsStr, OsString};

use super::super::instances::Instances;
use super::errors::{UsageError, bad, misuse, of_ours};
use super::numbers::{NumberOption, Numbers, parse_numbers};
use super::operands;
use super::table::options;
use crate::cli;
use crate::cli::{ScanError, Scanned, Scanner};
use crate::qshape_report::GroupBy;
use crate::qshape_report::ages::Growth;
use crate::qshape_report::table::Parents;
use crate::release::Release;
use crate::selection::{Builder, Selection, Taken};
use crate::sys::time;

/// The requested operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum QshapeMode {
    #[default]
    Count,
    Usage,
    Help,
    Version,
}

/// The format of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CountDisplay {
    #[default]
    Table,
    Json,
    Chart,
}

/// Whether the output has to be that of Postfix's qshape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OutputFormat {
    /// The format of Postfix's qshape, which ignores what it cannot read.
    #[default]
    Postfix,
    /// The format with an option that Postfix's qshape does not have.
    Own,
}

/// A parsed command line.
#[derive(Debug, Default)]
pub struct QshapeArguments {
    pub(super) mode: QshapeMode,
    pub(super) config_directory: Option<OsString>,
    pub(super) instances: Instances,
    /// The name of the instance, for the output, if an option chose it.
    pub(super) instance: Option<String>,
    pub(super) by: Option<GroupBy>,
    pub(super) parents: Parents,
    pub(super) growth: Growth,
    pub(super) numbers: Numbers,
    pub(super) look: CountDisplay,
    pub(super) form: OutputFormat,
    /// The number of rows, whether or not standard output is a terminal.
    pub(super) top: Option<u64>,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
    pub(super) operands: Vec<OsString>,
    /// The messages to count; all if `None`.
    pub(super) selection: Option<Selection>,
}

impl QshapeArguments {
    /// Whether an option that Postfix's qshape does not have is given.
    pub(super) fn has_own_options(&self) -> bool {
        let by = self.by.unwrap_or_default();
        !matches!(by, GroupBy::Domain | GroupBy::SenderDomain)
            || self.top.is_some()
            || self.selection.is_some()
    }
}

/// Parses the command line.
///
/// # Errors
///
/// The command line is wrong.
pub fn parse(arguments: Vec<OsString>) -> Result<QshapeArguments, UsageError> {
    let mut parsed = QshapeArguments::default();
    let mut numbers = Vec::new();
    let mut builder = Builder::new(time::now());
    let options = options();
    let mut scanner = Scanner::new(&options, arguments);
    while let Some(scanned) = scanner.next() {
        match scanned {
            Ok(option) if builder.take(&option)? == Taken::Yes => parsed.form = OutputFormat::Own,
            Ok(option) => take(option, &mut parsed, &mut numbers)?,
            // In Getopt::Std, a letter at the end of the command line has an
            // undefined value.
            Err(ScanError::NoValue(b'c')) => parsed.config_directory = Some(OsString::new()),
            Err(ScanError::NoValue(letter)) => {
                numbers.extend(NumberOption::new(char::from(letter), None));
            }
            // Getopt::Std takes the colons in its table of letters for letters.
            Err(ScanError::Invalid(b':')) => {}
            // Without the letter, `-l-` becomes `--`.
            Err(ScanError::Invalid(b'-')) if scanner.is_between() => break,
            // After a request for the usage message, the first invalid letter
            // ends the scan.
            Err(ScanError::Invalid(_)) if parsed.mode == QshapeMode::Usage => break,
            Err(ScanError::Invalid(letter)) => {
                return Err(UsageError([b"Unknown option: ", &[letter][..]].concat()));
            }
            Err(other) => return Err(of_ours(other.message())),
        }
    }
    if parsed.mode == QshapeMode::Count {
        parsed.numbers = parse_numbers(&numbers)?;
        let operands = scanner.operands().any_after_dashes("the queue name");
        parsed.operands = operands.map_err(|error| misuse(&error.to_string()))?;
    }
    parsed.selection = builder.finish()?;
    if parsed.selection.is_some() && parsed.mode == QshapeMode::Count {
        operands::check_operands(&parsed.operands)?;
    }
    if parsed.parents == Parents::Counted && !names_are_domains(parsed.by) {
        return Err(misuse("-p applies to domains only"));
    }
    Ok(parsed)
}

fn take(
    option: Scanned,
    parsed: &mut QshapeArguments,
    numbers: &mut Vec<NumberOption>,
) -> Result<(), UsageError> {
    if let Scanned::Long(name, value) = &option {
        parsed.form = OutputFormat::Own;
        let taken = parsed.instances.take(name, value);
        if taken.map_err(|error| misuse(&error.to_string()))? {
            return Ok(());
        }
    }
    match option {
        Scanned::Short('c', value) => parsed.config_directory = Some(value),
        Scanned::Short('h', _) => set_mode(parsed, QshapeMode::Usage),
        Scanned::Short('l', _) => parsed.growth = Growth::Linear,
        Scanned::Short('p', _) => parsed.parents = Parents::Counted,
        Scanned::Short('s', _) => set_by(parsed, GroupBy::SenderDomain)?,
        Scanned::Long("by", value) => {
            let by = parse_by(&value).ok_or_else(|| bad("by", &value))?;
            set_by(parsed, by)?;
        }
        Scanned::Long("top", value) => {
            let top = value.to_str().and_then(|text| text.parse().ok());
            parsed.top = Some(top.ok_or_else(|| bad("top", &value))?);
        }
        Scanned::Long("dialect", value) => {
            let release = cli::release(&value).ok_or_else(|| bad("dialect", &value))?;
            parsed.release = Some(release);
        }
        Scanned::Long("json", _) => set_format(parsed, CountDisplay::Json)?,
        Scanned::Long("chart", _) => set_format(parsed, CountDisplay::Chart)?,
        Scanned::Long("help", _) => set_mode(parsed, QshapeMode::Help),
        Scanned::Long("version", _) => set_mode(parsed, QshapeMode::Version),
        Scanned::Short(letter, value) => numbers.extend(NumberOption::new(letter, Some(value))),
        Scanned::Long(_, _) => {}
    }
    Ok(())
}

/// Sets the mode unless an earlier option did.
fn set_mode(parsed: &mut QshapeArguments, mode: QshapeMode) {
    if parsed.mode == QshapeMode::Count {
        parsed.mode = mode;
    }
}

fn set_by(parsed: &mut QshapeArguments, by: GroupBy) -> Result<(), UsageError> {
    match parsed.by.replace(by) {
        Some(other) if other != by => Err(misuse("-s and --by exclude each other")),
        _ => Ok(()),
    }
}

fn set_format(parsed: &mut QshapeArguments, look: CountDisplay) -> Result<(), UsageError> {
    match std::mem::replace(&mut parsed.look, look) {
        CountDisplay::Table => Ok(()),
        other if other == look => Ok(()),
        _ => Err(misuse("--json and --chart exclude each other")),
    }
}

/// Whether the rows are domains.
pub(super) fn names_are_domains(by: Option<GroupBy>) -> bool {
    matches!(by, None | Some(GroupBy::Domain | GroupBy::SenderDomain))
}

fn parse_by(value: &OsStr) -> Option<GroupBy> {
    let all = [
        GroupBy::Domain,
        GroupBy::Recipient,
        GroupBy::Sender,
        GroupBy::Reason,
        GroupBy::Queue,
        GroupBy::Size,
    ];
    all.into_iter().find(|by| value == by.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<QshapeArguments, UsageError> {
        parse(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn letters_are_read_as_getopt_std_reads_them() {
        assert_eq!(parsed(&["-l-", "x"]).unwrap().operands, ["x"]);
        assert!(parsed(&["-l-", "-x"]).is_err());
        assert_eq!(parsed(&["-:", "hold"]).unwrap().operands, ["hold"]);
        let buckets = |arguments: &[&str]| parsed(arguments).unwrap().numbers.buckets;
        assert_eq!(buckets(&["-b-1"]), Some(-1.0));
        assert_eq!(buckets(&["-b2", "-b", "3e0 "]), Some(3.0));
        assert_eq!(parsed(&["-c"]).unwrap().config_directory, Some("".into()));
        let unknown = |letter| UsageError(format!("Unknown option: {letter}").into_bytes());
        assert_eq!(parsed(&["-hx"]).unwrap().mode, QshapeMode::Usage);
        assert_eq!(parsed(&["-xh"]).unwrap_err(), unknown('x'));
        assert_eq!(parsed(&["-lxy"]).unwrap_err(), unknown('x'));
        let text = b"unknown option --jsn; did you mean --json?".to_vec();
        assert_eq!(parsed(&["--jsn"]).unwrap_err(), UsageError(text));
        assert_eq!(parsed(&["-l--json"]).unwrap_err(), unknown('-'));
    }

    #[test]
    fn text_that_is_not_a_number_is_refused() {
        for (arguments, message) in [
            (&["-b", "x"][..], "bad value for -b: x"),
            (&["-b"], "bad value for -b: "),
            (&["-t", "5m"], "bad value for -t: 5m"),
            (&["-w", "0x50"], "bad value for -w: 0x50"),
            (&["-m", ""], "bad value for -m: "),
            (&["-N", "1\n2"], "bad value for -N: 1?2"),
            (&["-n", "."], "bad value for -n: ."),
        ] {
            let refused = parsed(arguments).unwrap_err();
            assert_eq!(refused, UsageError(message.into()), "{arguments:?}");
        }
        assert_eq!(parsed(&["-b", "x", "-h"]).unwrap().mode, QshapeMode::Usage);
        let numbers = parsed(&["-w", "1e2", "-n", ".5"]).unwrap().numbers;
        assert_eq!((numbers.width, numbers.rows), (Some(100.0), Some(0.5)));
    }

    #[test]
    fn exclusive_options_are_refused() {
        for arguments in [
            &["-s", "--by=reason"][..],
            &["--json", "--chart"],
            &["-p", "--by=size"],
            &["--by=colour"],
            &["--top=-1"],
        ] {
            assert!(parsed(arguments).is_err(), "{arguments:?}");
        }
        assert!(parsed(&["-s", "-s", "-p", "--json", "--top=3"]).is_ok());
    }
}
