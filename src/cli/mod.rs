//! The command line of Postfix's tools: the table of an applet's options, a
//! scanner that reads them in order by the rules of POSIX, checks of operands,
//! and the text of `--help`.

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

/// The help option of every applet.
pub const HELP: Opt = Opt::long("help", Value::None, "print this help text");
/// The version option of every applet.
pub const VERSION: Opt = Opt::long("version", Value::None, "print the version");

/// The option of every applet that behaves as the instance's Postfix release
/// does.
pub const DIALECT: Opt = Opt::long(
    "dialect",
    Value::Required("VERSION"),
    "behave as Postfix VERSION, such as 3.5 or 3.10.5",
);

/// The option of Postfix's tools that chooses an instance.
pub const CONFIG_DIRECTORY: Opt = Opt::short('c', Value::Required("DIR"), "read DIR/main.cf");
/// The option that chooses an instance by its name.
pub const INSTANCE_NAME: Opt = Opt::long(
    "instance",
    Value::Required("NAME"),
    "use the instance of this name; - stands for the instance without a name",
);
/// The option that chooses all instances.
pub const ALL_INSTANCES: Opt = Opt::long(
    "all-instances",
    Value::None,
    "use the instance and all those that multi_instance_directories names",
);
/// The options that choose an instance and the release to behave as.
pub const INSTANCE: [Opt; 4] = [CONFIG_DIRECTORY, INSTANCE_NAME, ALL_INSTANCES, DIALECT];
/// The verbose option of Postfix's tools, which has no effect here.
pub const VERBOSE: Opt = Opt::short(
    'v',
    Value::None,
    "accepted for compatibility, without effect",
);

/// Parses the value of `--dialect`.
pub fn release(value: &OsStr) -> Option<Release> {
    Release::parse(value.to_str()?)
}

/// The parts of a command line that determine which options exist: the
/// instance, the release, and whether certain letters are used.
#[derive(Debug, Default)]
pub struct Outline {
    /// The value of `-c`.
    pub directory: Option<OsString>,
    /// The value of `--dialect`.
    pub release: Option<Release>,
    /// Whether one of the given letters is used.
    pub has_letter: bool,
}

/// Reads the outline of a command line, up to the first error.
pub fn outline(options: &[Opt], arguments: &[OsString], letters: &[char]) -> Outline {
    let mut found = Outline::default();
    for scanned in Scanner::new(options, arguments.to_vec()) {
        match scanned {
            Ok(Scanned::Short('c', value)) => found.directory = Some(value),
            Ok(Scanned::Short(letter, _)) => found.has_letter |= letters.contains(&letter),
            Ok(Scanned::Long("dialect", value)) => found.release = release(&value),
            Ok(Scanned::Long(..)) => {}
            Err(ScanError::NoValue(letter)) => {
                found.has_letter |= letters.contains(&char::from(letter));
                break;
            }
            Err(_) => break,
        }
    }
    found
}
