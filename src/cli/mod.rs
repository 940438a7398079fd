//! The command line of Postfix's tools: the table of an applet's options, a
//! scanner that reads them in order by the rules of POSIX, what may be an
//! operand, and the text of `--help`.

mod help;
mod near;
mod operands;
mod option;
mod scan;

use std::ffi::{OsStr, OsString};

use crate::release::Release;

pub use help::HelpPage;
pub use near::nearest;
pub use operands::{OperandError, Operands};
pub use option::{Choices, Opt, OptionGroup, Value, options_of};
pub use scan::{ScanError, Scanned, Scanner, is_long_option};

/// An option of every applet.
pub const HELP: Opt = Opt::long("help", Value::None, "print this text");
/// An option of every applet.
pub const VERSION: Opt = Opt::long("version", Value::None, "print the version");

/// An option of every applet that behaves as the Postfix of the instance does.
pub const DIALECT: Opt = Opt::long(
    "dialect",
    Value::Required("VERSION"),
    "behave as Postfix VERSION, such as 3.5 or 3.10.5",
);

/// An option of Postfix's tools: which instance.
pub const CONFIG_DIRECTORY: Opt = Opt::short('c', Value::Required("DIR"), "read DIR/main.cf");
/// The options that choose an instance and how its Postfix behaves.
pub const INSTANCE: [Opt; 2] = [CONFIG_DIRECTORY, DIALECT];
/// An option of Postfix's tools that prints nothing here.
pub const VERBOSE: Opt = Opt::short('v', Value::None, "accepted for compatibility");

/// The release that the value of `--dialect` names.
pub fn release(value: &OsStr) -> Option<Release> {
    Release::parse(value.to_str()?)
}

/// The instance and the release that a command line asks for, and whether it
/// has one of some letters: which options there are depends on them.
#[derive(Debug, Default)]
pub struct Outline {
    /// The value of `-c`.
    pub directory: Option<OsString>,
    /// The value of `--dialect`.
    pub release: Option<Release>,
    /// Whether one of the letters is there.
    pub has_letter: bool,
}

/// Reads the outline of a command line, up to the first error in it.
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
