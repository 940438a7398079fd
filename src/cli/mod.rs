//! The command line of Postfix's tools: options scanned in order, POSIX rules
//! for short ones, long ones for what is ours; and what operands may be.

mod near;
mod operands;
mod scan;

use std::ffi::{OsStr, OsString};

use crate::release::Release;

pub use near::nearest;
pub use operands::{OperandError, Operands};
pub use scan::{ScanError, Scanned, Scanner};

/// One option of an applet. The applet's table of these feeds the scanner,
/// `--help` and the check of the man page.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// The letter, for Postfix's own options.
    pub letter: Option<char>,
    /// The long name, for ours.
    pub long: Option<&'static str>,
    /// Whether it takes a value.
    pub value: Value,
    /// What `--help` says of it.
    pub help: &'static str,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// It stands alone.
    None,
    /// It needs one; what to call it in the help.
    Required(&'static str),
    /// A long option that stands alone or has one glued on: `--count=from`.
    Optional(&'static str),
}

impl Opt {
    /// An option of Postfix's.
    pub const fn short(letter: char, value: Value, help: &'static str) -> Self {
        Self {
            letter: Some(letter),
            long: None,
            value,
            help,
        }
    }

    /// An option of ours.
    pub const fn long(name: &'static str, value: Value, help: &'static str) -> Self {
        Self {
            letter: None,
            long: Some(name),
            value,
            help,
        }
    }

    /// The option as it is typed, with the name of its value.
    pub fn spelling(&self) -> String {
        let name = match (self.letter, self.long) {
            (Some(letter), _) => format!("-{letter}"),
            (None, long) => format!("--{}", long.unwrap_or_default()),
        };
        match (self.value, self.letter) {
            (Value::None, _) => name,
            (Value::Required(value), Some(_)) => format!("{name} {value}"),
            (Value::Required(value), None) => format!("{name}={value}"),
            (Value::Optional(value), _) => format!("{name}[={value}]"),
        }
    }
}

/// Ours in every applet.
pub const HELP: Opt = Opt::long("help", Value::None, "print this and stop");
/// Ours in every applet.
pub const VERSION: Opt = Opt::long("version", Value::None, "print the version and stop");

/// Ours in every applet that behaves as the instance's Postfix does.
pub const DIALECT: Opt = Opt::long(
    "dialect",
    Value::Required("VERSION"),
    "behave as Postfix VERSION, such as 3.5 or 3.10.5",
);

/// The release that the value of `--dialect` names.
pub fn release(value: &OsStr) -> Option<Release> {
    Release::parse(value.to_str()?)
}

/// What a command line says of the instance and of its release, and whether it
/// has any of some letters: to know before it is really read which options
/// there are.
#[derive(Debug, Default)]
pub struct Outline {
    /// The value of `-c`.
    pub directory: Option<OsString>,
    /// The value of `--dialect`.
    pub release: Option<Release>,
    /// Whether any of the letters is there.
    pub has_letter: bool,
}

/// Reads a command line for its outline only. What is wrong in it ends that.
pub fn outline(options: &[Opt], arguments: &[OsString], letters: &[char]) -> Outline {
    let mut found = Outline::default();
    for scanned in Scanner::new(options, arguments.to_vec()).map_while(Result::ok) {
        match scanned {
            Scanned::Short('c', value) => found.directory = Some(value),
            Scanned::Short(letter, _) => found.has_letter |= letters.contains(&letter),
            Scanned::Long("dialect", value) => found.release = release(&value),
            Scanned::Long(..) => {}
        }
    }
    found
}

/// The text of `--help`: how to call the applet, what it does, its options.
pub fn help(usage: &str, about: &str, options: &[Opt]) -> String {
    let width = options
        .iter()
        .map(|o| o.spelling().len())
        .max()
        .unwrap_or(0);
    let lines: String = options
        .iter()
        .map(|o| format!("  {:width$}  {}\n", o.spelling(), o.help))
        .collect();
    format!("usage: {usage}\n\n{about}\n\noptions:\n{lines}")
}
