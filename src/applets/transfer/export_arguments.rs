//! The command line of export.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::super::instances::InstancesError;
use super::tables::export_options;
use crate::cli;
use crate::cli::{Scanned, Scanner};
use crate::release::Release;
use crate::selection::{Builder, Selection, Taken};
use crate::sys::time;
use crate::transfer::ExportMode;

/// The requested operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExportTask {
    Export,
    Help,
    Version,
}

/// A parsed command line.
#[derive(Debug)]
pub(super) struct ExportArguments {
    pub(super) task: ExportTask,
    pub(super) mode: ExportMode,
    pub(super) selection: Option<Selection>,
    pub(super) config_directory: Option<OsString>,
    /// The name of the instance, if given.
    pub(super) instance: Option<String>,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
}

/// Parses the command line. Returns an error text if it is wrong.
pub(super) fn parse(arguments: &[OsString]) -> Result<ExportArguments, Vec<u8>> {
    let mut parsed = ExportArguments {
        task: ExportTask::Export,
        mode: ExportMode::Copy,
        selection: None,
        config_directory: None,
        instance: None,
        release: None,
    };
    let mut builder = Builder::new(time::now());
    let options = export_options();
    let mut scanner = Scanner::new(&options, arguments.to_vec());
    for scanned in scanner.by_ref() {
        let scanned = scanned.map_err(|error| error.message())?;
        let taken = builder.take(&scanned);
        if taken.map_err(|error| error.to_string().into_bytes())? == Taken::No {
            take(scanned, &mut parsed)?;
        }
    }
    let operands = scanner.operands().without_options("the operand");
    no_operand(&operands.map_err(|error| error.to_string().into_bytes())?)?;
    let selection = builder.finish();
    parsed.selection = selection.map_err(|error| error.to_string().into_bytes())?;
    Ok(parsed)
}

fn take(option: Scanned, parsed: &mut ExportArguments) -> Result<(), Vec<u8>> {
    match option {
        Scanned::Short('c', value) => parsed.config_directory = Some(value),
        Scanned::Long("trash", _) => parsed.mode = ExportMode::Move,
        Scanned::Long("instance", value) => parsed.instance = Some(instance(value)?),
        Scanned::Long("dialect", value) => parsed.release = Some(release(&value)?),
        Scanned::Long("help", _) => parsed.task = ExportTask::Help,
        Scanned::Long("version", _) => parsed.task = ExportTask::Version,
        Scanned::Short(..) | Scanned::Long(..) => {}
    }
    Ok(())
}

/// Parses the value of `--dialect`.
pub(super) fn release(value: &OsStr) -> Result<Release, Vec<u8>> {
    let bad = || [b"bad value for --dialect: ", value.as_bytes()].concat();
    cli::release(value).ok_or_else(bad)
}

/// Parses the value of `--instance`.
pub(super) fn instance(value: OsString) -> Result<String, Vec<u8>> {
    let name = value.into_string();
    name.map_err(|_| InstancesError::NotUtf8.to_string().into_bytes())
}

/// Refuses operands.
pub(super) fn no_operand(operands: &[OsString]) -> Result<(), Vec<u8>> {
    match operands.first() {
        None => Ok(()),
        Some(operand) => {
            let text = b": there are no operands; archives are read from standard input and \
                written to standard output";
            Err([operand.as_bytes(), text].concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<ExportArguments, Vec<u8>> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        parse(&arguments)
    }

    #[test]
    fn options_of_the_applet_and_of_the_selection_are_taken() {
        let found = parsed(&["-c", "/etc/x", "--trash", "--from", "a@b.example"]).unwrap();
        assert_eq!(found.mode, ExportMode::Move);
        assert_eq!(found.config_directory, Some("/etc/x".into()));
        assert!(found.selection.is_some());
        assert!(parsed(&[]).unwrap().selection.is_none());
        let named = parsed(&["--instance", "postfix-out"]).unwrap();
        assert_eq!(named.instance.as_deref(), Some("postfix-out"));
    }

    #[test]
    fn operands_and_unknown_options_are_refused() {
        for arguments in [
            &["queue.tar"][..],
            &["--tras"],
            &["--dialect=x"],
            &["--from"],
        ] {
            assert!(parsed(arguments).is_err(), "{arguments:?}");
        }
    }
}
