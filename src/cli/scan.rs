//! The option scanner: getopt(3) with POSIX ordering, plus `--name` and
//! `--name=value` for the long options in the applet's table.
//!
//! Written here because the crates of the field reorder options and
//! operands, or read `-d=ALL` as `ALL` (measured with clap 4): a misread
//! option deletes mail.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use thiserror::Error;

use super::{Opt, Value};

/// What stood on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// A letter, with its value if it takes one.
    Short(char, OsString),
    /// A long name, with its value if it takes one.
    Long(&'static str, OsString),
}

/// An option that is not understood. Display is the text behind `PROG: ` in
/// getopt's message; the letter is the byte that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScanError {
    /// No such letter.
    #[error("invalid option -- '{}'", .0.escape_ascii())]
    Invalid(u8),
    /// A letter without its value.
    #[error("option requires an argument -- '{}'", .0.escape_ascii())]
    NoValue(u8),
    /// A long name without its value.
    #[error("option '--{0}' requires an argument")]
    NoLongValue(&'static str),
    /// A long name with a value that it does not take.
    #[error("option '--{0}' doesn't allow an argument")]
    LongValue(&'static str),
}

impl ScanError {
    /// getopt's message, with the byte as it was typed.
    pub fn message(&self) -> Vec<u8> {
        let (text, byte) = match *self {
            ScanError::Invalid(byte) => ("invalid option -- '", byte),
            ScanError::NoValue(byte) => ("option requires an argument -- '", byte),
            other => return other.to_string().into_bytes(),
        };
        [text.as_bytes(), &[byte], b"'"].concat()
    }
}

/// Scans arguments, one option after the other.
#[derive(Clone, Debug)]
pub struct Scanner<'t> {
    options: &'t [Opt],
    arguments: std::vec::IntoIter<OsString>,
    /// The rest of a group such as `-vdALL`.
    group: Vec<u8>,
}

impl<'t> Scanner<'t> {
    /// A scanner of the arguments behind the program's name.
    pub fn new(options: &'t [Opt], arguments: Vec<OsString>) -> Self {
        Self {
            options,
            arguments: arguments.into_iter(),
            group: Vec::new(),
        }
    }

    /// The operands: call it when `next` has returned `None`.
    pub fn operands(self) -> Vec<OsString> {
        self.arguments.collect()
    }

    /// Takes the next argument if it is exactly `text` and a new option would
    /// begin there: for sendmail's `-q`, which stands alone although the
    /// letter takes a value.
    pub fn take(&mut self, text: &str) -> bool {
        let next = self.arguments.as_slice().first();
        let is_it = self.group.is_empty() && next.is_some_and(|argument| argument == text);
        if is_it {
            self.arguments.next();
        }
        is_it
    }

    /// Whether the letter that was just scanned was the last of its argument.
    pub fn is_between(&self) -> bool {
        self.group.is_empty()
    }

    /// The next letter of the group.
    fn letter(&mut self) -> Result<Scanned, ScanError> {
        let byte = self.group.remove(0);
        let letter = char::from(byte);
        let option = self.options.iter().find(|o| o.letter == Some(letter));
        match option.ok_or(ScanError::Invalid(byte))?.value {
            Value::None | Value::Optional(_) => Ok(Scanned::Short(letter, OsString::new())),
            Value::Required(_) if !self.group.is_empty() => {
                let value = OsString::from_vec(std::mem::take(&mut self.group));
                Ok(Scanned::Short(letter, value))
            }
            Value::Required(_) => {
                let value = self.arguments.next().ok_or(ScanError::NoValue(byte))?;
                Ok(Scanned::Short(letter, value))
            }
        }
    }

    /// A long option; `None` if there is none of that name: it is then a
    /// group of letters that begins with the invalid letter `-`, as it is to
    /// Postfix.
    fn long(&mut self, text: Vec<u8>) -> Option<Result<Scanned, ScanError>> {
        let equals = text.iter().position(|&b| b == b'=');
        let (name, value) = match equals.map(|at| text.split_at(at)) {
            Some((name, value)) => (name, value.get(1..)),
            None => (text.as_slice(), None),
        };
        let known = |o: &&Opt| o.long.is_some_and(|l| l.as_bytes() == name);
        let option = self.options.iter().find(known)?;
        let long = option.long?;
        self.arguments.next();
        let value = value.map(|v| OsStr::from_bytes(v).to_owned());
        Some(match (option.value, value) {
            (Value::None | Value::Optional(_), None) => Ok(Scanned::Long(long, OsString::new())),
            (Value::None, Some(_)) => Err(ScanError::LongValue(long)),
            (Value::Required(_) | Value::Optional(_), Some(value)) => {
                Ok(Scanned::Long(long, value))
            }
            (Value::Required(_), None) => match self.arguments.next() {
                Some(value) => Ok(Scanned::Long(long, value)),
                None => Err(ScanError::NoLongValue(long)),
            },
        })
    }
}

/// The options in order; `None` when only operands are left.
impl Iterator for Scanner<'_> {
    type Item = Result<Scanned, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.group.is_empty() {
            let argument = self.arguments.as_slice().first()?.as_bytes();
            match argument {
                b"--" => {
                    self.arguments.next();
                    return None;
                }
                [b'-', b'-', long @ ..] => {
                    let long = long.to_vec();
                    if let Some(scanned) = self.long(long) {
                        return Some(scanned);
                    }
                }
                [b'-', _, ..] => {}
                _ => return None,
            }
            self.group = self.arguments.next()?.into_vec();
            self.group.remove(0);
        }
        Some(self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [Opt; 6] = [
        Opt::short('v', Value::None, ""),
        Opt::short('d', Value::Required("ID"), ""),
        Opt::short('p', Value::None, ""),
        Opt::long("help", Value::None, ""),
        Opt::long("source", Value::Required("WHERE"), ""),
        Opt::long("count", Value::Optional("BY"), ""),
    ];

    /// What was scanned, in one line, and the operands.
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
        (seen.join(" "), scanner.operands())
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
    fn bad_letters_are_named_and_passed_over() {
        assert_eq!(scan(&["-vxp"]).0, "v() invalid option -- 'x' p()");
        assert_eq!(scan(&["-vd"]).0, "v() option requires an argument -- 'd'");
    }

    #[test]
    fn long_options_are_exact() {
        assert_eq!(
            scan(&["--help", "--source=x", "--source", "y"]).0,
            "help() source(x) source(y)"
        );
        assert_eq!(scan(&["--hel"]).0.matches("invalid option").count(), 4);
        assert_eq!(
            scan(&["--help=x"]).0,
            "option '--help' doesn't allow an argument"
        );
        assert_eq!(
            scan(&["--source"]).0,
            "option '--source' requires an argument"
        );
        let (options, operands) = scan(&["--count=from", "--count", "from"]);
        assert_eq!(options, "count(from) count()");
        assert_eq!(operands, ["from"]);
    }
}
