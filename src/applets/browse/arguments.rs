//! The command line of browse: the instance, and the selection to begin with.

use std::ffi::{OsStr, OsString};

use super::super::instances::Instances;
use super::filter::ListFilter;
use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Scanned, Scanner};
use crate::selection;

/// The name in messages.
pub const PROGRAM: &str = "spoolbox browse";

const OTHER: [Opt; 2] = [cli::HELP, cli::VERSION];

const EXAMPLES: [(&str, &str); 3] = [
    ("spoolbox browse", "Look at the queue, and act on it."),
    (
        "spoolbox browse --all-instances",
        "Choose one of the instances of this host from a list with counts.",
    ),
    (
        "spoolbox browse --queue deferred --older 1d",
        "Begin with the messages that have been deferred for more than a day.",
    ),
];

/// The purpose of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BrowseMode {
    #[default]
    Browse,
    Help,
    Version,
}

/// A parsed command line.
#[derive(Debug, Default)]
pub struct BrowseArguments {
    /// The purpose of the call.
    pub mode: BrowseMode,
    /// The directory of main.cf, if named.
    pub config_directory: Option<OsString>,
    /// The instances to show.
    pub instances: Instances,
    /// The messages to list first.
    pub filter: ListFilter,
}

fn groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new(
            "Choosing the instance",
            &[
                cli::CONFIG_DIRECTORY,
                cli::INSTANCE_NAME,
                cli::ALL_INSTANCES,
            ],
        ),
        selection::group(),
        OptionGroup::new("Other options", &OTHER),
    ]
}

/// All options, in the order of `--help`.
pub fn options() -> Vec<Opt> {
    cli::options_of(groups())
}

/// The text of `--help`.
pub fn help() -> String {
    let page = HelpPage {
        usage: &["spoolbox browse [--instance=NAME | --all-instances] [SELECTION]..."],
        about: &[
            "Shows the mail queue on the whole terminal: an overview, a list and single messages. \
             Root and the mail owner can act on messages. Type ? for the keys.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}

/// Parses the arguments after the name of the applet.
///
/// # Errors
///
/// They are wrong; the text says what is.
pub fn parse(arguments: &[OsString]) -> Result<BrowseArguments, String> {
    let options = options();
    let mut scanner = Scanner::new(&options, arguments.to_vec());
    let mut parsed = BrowseArguments::default();
    let mut words = Vec::new();
    for scanned in scanner.by_ref() {
        match scanned.map_err(|error| String::from_utf8_lossy(&error.message()).into_owned())? {
            Scanned::Short('c', value) => parsed.config_directory = Some(value),
            Scanned::Long("help", _) => parsed.mode = BrowseMode::Help,
            Scanned::Long("version", _) => parsed.mode = BrowseMode::Version,
            Scanned::Short(..) => {}
            Scanned::Long(name, value) => {
                let taken = parsed.instances.take(name, &value);
                if !taken.map_err(|error| error.to_string())? {
                    words.extend(as_typed(name, &value)?);
                }
            }
        }
    }
    if parsed.mode == BrowseMode::Browse {
        let operands = scanner.operands().without_options("an operand");
        if let Some(operand) = operands.map_err(|error| error.to_string())?.first() {
            return Err(format!("unexpected operand: {}", operand.display()));
        }
        parsed.filter = ListFilter::of_words(words, "")?;
    }
    Ok(parsed)
}

/// The words of a selection option.
fn as_typed(name: &str, value: &OsStr) -> Result<Vec<String>, String> {
    let option = format!("--{name}");
    if name == "not" {
        return Ok(vec![option]);
    }
    match value.to_str() {
        Some(value) => Ok(vec![format!("{option}={value}")]),
        None => Err(format!("bad value for {option}: it is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<BrowseArguments, String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        parse(&arguments)
    }

    #[test]
    fn a_selection_is_the_first_filter() {
        let arguments = parsed(&["-c", "/etc/x", "--not", "--from", "*@a.example"]).unwrap();
        assert_eq!(arguments.config_directory, Some("/etc/x".into()));
        assert_eq!(arguments.filter.line(), "--not '--from=*@a.example'");
        let named = parsed(&["--instance", "postfix-b", "--queue=hold"]).unwrap();
        assert_eq!(named.instances, Instances::Named("postfix-b".to_owned()));
        assert_eq!(named.filter.line(), "--queue=hold");
        let all = parsed(&["--all-instances", "--queue=hold"]).unwrap();
        assert_eq!(all.instances, Instances::All);
        assert_eq!(all.filter.line(), "--queue=hold");
        assert!(parsed(&["--all-instances", "--instance=a"]).is_err());
        assert!(parsed(&["--help", "x"]).unwrap().mode == BrowseMode::Help);
        for wrong in [&["x"][..], &["--older=x"], &["-x"], &["--form=x"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }
}
