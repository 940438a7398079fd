//! The option scanner: getopt(3) with POSIX ordering, plus `--name` and
//! `--name=value` for the long options in the applet's table.
//!
//! Common argument parsers reorder options and operands, or read `-d=ALL` as
//! `ALL` (measured with clap 4). A misread option could delete mail, so this
//! scanner is our own.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use bstr::ByteSlice;
use thiserror::Error;

use super::near::nearest;
use super::operands::{Operands, OptionsEnd};
use super::{Opt, Value};
use crate::text::{Charset, make_printable, to_printable};

/// A scanned option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// A letter, with its value or an empty text.
    Short(char, OsString),
    /// A long name, with its value or an empty text.
    Long(&'static str, OsString),
}

/// An option that cannot be parsed. Its `Display` is the text after `PROG: ` in
/// getopt's message; the letter is the byte that was typed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScanError {
    /// An unknown letter.
    #[error("invalid option -- '{}'", .0.escape_ascii())]
    Invalid(u8),
    /// A letter whose value is missing.
    #[error("option requires an argument -- '{}'", .0.escape_ascii())]
    NoValue(u8),
    /// A long name whose value is missing.
    #[error("option '--{0}' requires an argument")]
    NoLongValue(&'static str),
    /// A long name followed by what looks like a long option instead of its
    /// value: `--comment --dry-run` must not lose the dry run.
    #[error(
        "option '--{option}' requires an argument; {} as its value is written --{option}={}",
        to_printable(.value),
        to_printable(.value)
    )]
    OptionForValue {
        /// The option that requires a value.
        option: &'static str,
        /// The argument in place of the value.
        value: Vec<u8>,
    },
    /// A long name after a single dash, which getopt(3) would split into letters
    /// and a value: `-dry-run` must not delete a message `ry-run`.
    #[error("unknown option -{0}; did you mean --{0}?")]
    OneDash(&'static str),
    /// A long name whose optional value is empty: `--undo=$BATCH` of a script
    /// whose variable is not set is no request without a value.
    #[error("option '--{0}' has an empty value")]
    EmptyValue(&'static str),
    /// A long name with a value that it does not take.
    #[error("option '--{0}' doesn't allow an argument")]
    LongValue(&'static str),
    /// An unknown long name. Postfix has no long options, so its message about
    /// the letter `-` is not printed.
    #[error("unknown option --{}{}", to_printable(.name), suggestion(*.near))]
    UnknownLong {
        /// The typed name, without a value.
        name: Vec<u8>,
        /// The option that may have been intended.
        near: Option<&'static str>,
    },
}

fn suggestion(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("; did you mean --{near}?"),
        None => "; --help lists all options".to_owned(),
    }
}

impl ScanError {
    /// Whether getopt(3) has this error too: an error in a letter.
    pub fn is_of_getopt(&self) -> bool {
        matches!(self, ScanError::Invalid(_) | ScanError::NoValue(_))
    }

    /// Returns getopt's message, with the byte as it was typed, or a message of
    /// our own, without control characters.
    pub fn message(&self) -> Vec<u8> {
        let (text, byte) = match self {
            ScanError::Invalid(byte) => ("invalid option -- '", *byte),
            ScanError::NoValue(byte) => ("option requires an argument -- '", *byte),
            other => {
                let mut text = other.to_string().into_bytes();
                make_printable(&mut text, Charset::Ascii);
                return text;
            }
        };
        [text.as_bytes(), &[byte], b"'"].concat()
    }
}

/// Scans arguments one option at a time.
#[derive(Clone, Debug)]
pub struct Scanner<'t> {
    options: &'t [Opt],
    arguments: std::vec::IntoIter<OsString>,
    /// The rest of an argument with several letters, such as `-vdALL`.
    group: std::vec::IntoIter<u8>,
    /// The long option whose name the whole argument is, as in `-dry-run`.
    spelled: Option<&'static str>,
    end: OptionsEnd,
}

impl<'t> Scanner<'t> {
    /// A scanner of the arguments after the program's name.
    pub fn new(options: &'t [Opt], arguments: Vec<OsString>) -> Self {
        Self {
            options,
            arguments: arguments.into_iter(),
            group: Vec::new().into_iter(),
            spelled: None,
            end: OptionsEnd::AtOperand,
        }
    }

    /// Returns the operands. Must be called after `next` has returned `None`.
    pub fn operands(self) -> Operands {
        Operands::new(self.arguments.collect(), self.end)
    }

    /// Takes the next argument if it is exactly `text` and a new option could
    /// begin there: for sendmail's `-q`, which may lack a value although the
    /// letter takes one.
    pub fn take_word(&mut self, text: &str) -> bool {
        let next = self.arguments.as_slice().first();
        let is_it = self.is_between() && next.is_some_and(|argument| argument == text);
        if is_it {
            self.arguments.next();
        }
        is_it
    }

    /// Whether the last scanned letter was the end of its argument.
    pub fn is_between(&self) -> bool {
        self.group.as_slice().is_empty()
    }

    /// Scans a letter, with its value: the rest of the argument or the next
    /// argument.
    fn letter(&mut self, byte: u8) -> Result<Scanned, ScanError> {
        let letter = char::from(byte);
        let option = self.options.iter().find(|o| o.letter == Some(letter));
        match option.ok_or(ScanError::Invalid(byte))?.value {
            Value::None | Value::Optional(_) => Ok(Scanned::Short(letter, OsString::new())),
            Value::Required(_) if !self.is_between() => {
                if let Some(long) = self.spelled {
                    self.group = Vec::new().into_iter();
                    return Err(ScanError::OneDash(long));
                }
                let value = OsString::from_vec(self.group.by_ref().collect());
                Ok(Scanned::Short(letter, value))
            }
            Value::Required(_) => {
                let value = self.arguments.next().ok_or(ScanError::NoValue(byte))?;
                Ok(Scanned::Short(letter, value))
            }
        }
    }

    /// Returns the long option whose name `group` is. Names that users of
    /// Postfix may type intentionally are excluded: those of two letters
    /// (`postqueue -id`), and sendmail's `-help`.
    fn spelled_by(&self, group: &[u8]) -> Option<&'static str> {
        let name = split_value(group).0;
        let long = named(self.options, name).and_then(|option| option.long);
        long.filter(|name| name.len() > 2 && !matches!(*name, "help" | "version"))
    }

    /// Scans a long option; `text` is the argument after the two dashes.
    fn long(&mut self, text: &[u8]) -> Result<Scanned, ScanError> {
        let (name, value) = split_value(text);
        let option = named(self.options, name);
        let Some((long, kind)) = option.and_then(|o| o.long.map(|long| (long, o.value))) else {
            return Err(ScanError::UnknownLong {
                name: name.to_vec(),
                near: nearest(name, self.options.iter().filter_map(|o| o.long)),
            });
        };
        let value = value.map(|v| OsStr::from_bytes(v).to_owned());
        match (kind, value) {
            (Value::None, None) => Ok(Scanned::Long(long, OsString::new())),
            (Value::None, Some(_)) => Err(ScanError::LongValue(long)),
            (Value::Optional(_), Some(value)) if value.is_empty() => {
                Err(ScanError::EmptyValue(long))
            }
            (Value::Required(_) | Value::Optional(_), Some(value)) => {
                Ok(Scanned::Long(long, value))
            }
            (Value::Optional(_), None) => {
                self.end = OptionsEnd::AfterBare(long);
                Ok(Scanned::Long(long, OsString::new()))
            }
            (Value::Required(_), None) => self.value_of(long),
        }
    }

    /// Takes the value of a long option from the next argument.
    fn value_of(&mut self, option: &'static str) -> Result<Scanned, ScanError> {
        let value = self.arguments.next();
        let value = value.ok_or(ScanError::NoLongValue(option))?;
        if value.as_bytes().starts_with(b"--") {
            let value = value.into_vec();
            return Err(ScanError::OptionForValue { option, value });
        }
        Ok(Scanned::Long(option, value))
    }
}

/// Iterates over the options in order; `None` when only operands are left.
impl Iterator for Scanner<'_> {
    type Item = Result<Scanned, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(letter) = self.group.next() {
            return Some(self.letter(letter));
        }
        match self.arguments.as_slice().first()?.as_bytes() {
            b"--" => {
                self.end = OptionsEnd::AtDashes;
                self.arguments.next();
                return None;
            }
            [b'-', _, ..] => self.end = OptionsEnd::AtOperand,
            _ => return None,
        }
        let argument = self.arguments.next()?.into_vec();
        if let Some(long) = argument.strip_prefix(b"--") {
            return Some(self.long(long));
        }
        self.spelled = argument.get(1..).and_then(|group| self.spelled_by(group));
        self.group = argument.into_iter();
        self.group.next();
        let letter = self.group.next()?;
        Some(self.letter(letter))
    }
}

/// Returns the option with this long name.
fn named<'t>(options: &'t [Opt], name: &[u8]) -> Option<&'t Opt> {
    let known = |o: &&Opt| o.long.is_some_and(|l| l.as_bytes() == name);
    options.iter().find(known)
}

/// Whether an argument is a long option of this table, with or without a value.
pub fn is_long_option(options: &[Opt], argument: &OsStr) -> bool {
    let text = argument.as_bytes().strip_prefix(b"--");
    text.is_some_and(|text| named(options, split_value(text).0).is_some())
}

/// Splits a long option into its name and the value after the equals sign.
fn split_value(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.split_once_str("=") {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [Opt; 7] = [
        Opt::short('v', Value::None, ""),
        Opt::short('d', Value::Required("ID"), ""),
        Opt::short('p', Value::None, ""),
        Opt::long("help", Value::None, ""),
        Opt::long("source", Value::Required("WHERE"), ""),
        Opt::long("count", Value::Optional("BY"), ""),
        Opt::long("dry-run", Value::None, ""),
    ];

    /// Returns the scanned options in one line, and the operands.
    fn scan(arguments: &[&str]) -> (String, Vec<OsString>) {
        let arguments = arguments.iter().map(OsString::from).collect();
        let mut scanner = Scanner::new(&OPTIONS, arguments);
        let mut seen = Vec::new();
        for next in scanner.by_ref() {
            seen.push(match next {
                Ok(Scanned::Short(letter, value)) => format!("{letter}({})", value.display()),
                Ok(Scanned::Long(name, value)) => format!("{name}({})", value.display()),
                Err(error) => String::from_utf8(error.message()).unwrap(),
            });
        }
        (seen.join(" "), scanner.operands().list)
    }

    #[test]
    fn options_end_at_the_first_operand() {
        let (options, operands) = scan(&["-d", "ALL", "deferred", "-v"]);
        assert_eq!(options, "d(ALL)");
        assert_eq!(operands, ["deferred", "-v"]);
        assert_eq!(scan(&["-v", "--", "-d"]).1, ["-d"]);
        assert_eq!(scan(&["-", "-v"]).1, ["-", "-v"]);
    }

    #[test]
    fn groups_and_glued_values_are_those_of_getopt() {
        assert_eq!(scan(&["-dALL"]).0, "d(ALL)");
        assert_eq!(scan(&["-d=ALL"]).0, "d(=ALL)");
        assert_eq!(scan(&["-vdALL", "-pv"]).0, "v() d(ALL) p() v()");
        assert_eq!(scan(&["-d", "-", "-d", "-v"]).0, "d(-) d(-v)");
        assert_eq!(scan(&["-d", "--"]).0, "d(--)");
    }

    #[test]
    fn bad_letters_are_reported_and_skipped() {
        assert_eq!(scan(&["-vxp"]).0, "v() invalid option -- 'x' p()");
        assert_eq!(scan(&["-vd"]).0, "v() option requires an argument -- 'd'");
    }

    #[test]
    fn long_options_are_exact() {
        assert_eq!(
            scan(&["--help", "--source=x", "--source", "y"]).0,
            "help() source(x) source(y)"
        );
        assert_eq!(
            scan(&["--hel=x", "--", "-v"]).0,
            "unknown option --hel; did you mean --help?"
        );
        assert_eq!(
            scan(&["--help=x"]).0,
            "option '--help' doesn't allow an argument"
        );
        assert_eq!(
            scan(&["--source"]).0,
            "option '--source' requires an argument"
        );
        assert_eq!(
            scan(&["--count=", "--source="]).0,
            "option '--count' has an empty value source()"
        );
        let (options, operands) = scan(&["--count=from", "--count", "from"]);
        assert_eq!(options, "count(from) count()");
        assert_eq!(operands, ["from"]);
    }

    #[test]
    fn an_option_is_not_taken_for_the_value_of_another() {
        let text = "option '--source' requires an argument; \
                    --help as its value is written --source=--help";
        assert_eq!(scan(&["--source", "--help"]).0, text);
        assert_eq!(
            scan(&["--source=--help", "--source", "-4k"]).0,
            "source(--help) source(-4k)"
        );
    }

    #[test]
    fn a_long_option_is_known_with_and_without_a_value() {
        for (argument, expected) in [
            ("--dry-run", true),
            ("--dry-run=no", true),
            ("--dry", false),
            ("-dry-run", false),
            ("--", false),
        ] {
            assert_eq!(is_long_option(&OPTIONS, argument.as_ref()), expected);
        }
    }

    #[test]
    fn a_long_option_after_one_dash_is_not_a_letter_with_a_value() {
        let text = "unknown option -dry-run; did you mean --dry-run?";
        assert_eq!(scan(&["-dry-run"]).0, text);
        assert_eq!(scan(&["-dry-ru"]).0, "d(ry-ru)");
        assert_eq!(scan(&["-vdry-run"]).0, "v() d(ry-run)");
        assert_eq!(scan(&["-version"]).0.split(' ').next(), Some("v()"));
    }

    #[test]
    fn a_long_group_of_letters_takes_linear_time() {
        let group = format!("-{}", "v".repeat(4_000_000));
        let started = std::time::Instant::now();
        let scanner = Scanner::new(&OPTIONS, vec![group.into()]);
        assert_eq!(scanner.count(), 4_000_000);
        // With quadratic run time, this would take minutes.
        assert!(started.elapsed().as_secs() < 30);
    }
}
