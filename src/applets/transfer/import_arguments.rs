//! The command line of import.

use std::ffi::OsString;

use super::export_arguments::{instance, no_operand, release};
use super::tables::import_options;
use crate::cli::{Scanned, Scanner};
use crate::release::Release;
use crate::transfer::Destination;

/// The requested operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImportTask {
    Import,
    Help,
    Version,
}

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportArguments {
    pub(super) task: ImportTask,
    pub(super) destination: Destination,
    pub(super) config_directory: Option<OsString>,
    /// The name of the instance, if given.
    pub(super) instance: Option<String>,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
}

/// Parses the command line. Returns an error text if it is wrong.
pub(super) fn parse(arguments: &[OsString]) -> Result<ImportArguments, Vec<u8>> {
    let mut parsed = ImportArguments {
        task: ImportTask::Import,
        destination: Destination::Queues,
        config_directory: None,
        instance: None,
        release: None,
    };
    let options = import_options();
    let mut scanner = Scanner::new(&options, arguments.to_vec());
    for scanned in scanner.by_ref() {
        match scanned.map_err(|error| error.message())? {
            Scanned::Short('c', value) => parsed.config_directory = Some(value),
            Scanned::Long("hold", _) => parsed.destination = Destination::Hold,
            Scanned::Long("instance", value) => parsed.instance = Some(instance(value)?),
            Scanned::Long("dialect", value) => parsed.release = Some(release(&value)?),
            Scanned::Long("help", _) => parsed.task = ImportTask::Help,
            Scanned::Long("version", _) => parsed.task = ImportTask::Version,
            Scanned::Short(..) | Scanned::Long(..) => {}
        }
    }
    let operands = scanner.operands().without_options("the operand");
    no_operand(&operands.map_err(|error| error.to_string().into_bytes())?)?;
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_is_requested_by_an_option() {
        let parsed = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            parse(&arguments)
        };
        let destination = |arguments: &[&str]| parsed(arguments).unwrap().destination;
        assert_eq!(destination(&["--hold"]), Destination::Hold);
        assert_eq!(destination(&["-c", "/etc/x"]), Destination::Queues);
        assert!(parsed(&["queue.tar"]).is_err());
    }
}
