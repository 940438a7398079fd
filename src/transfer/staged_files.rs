//! The names of the files in the directory of an import, and their removal.

use std::ffi::OsStr;
use std::io;

use super::TransferError;
use super::staging_area;
use crate::spool::Queue;
use crate::sys::dir::Dir;

/// Returns the name of a staged file.
pub fn staged_name(number: u64, log: Option<Queue>) -> String {
    match log {
        None => number.to_string(),
        Some(log) => format!("{number}.{log}"),
    }
}

/// Removes the staged files of a message.
///
/// # Errors
///
/// A file exists and cannot be removed.
pub fn remove(dir: &Dir, number: u64) -> Result<(), TransferError> {
    let logs = Queue::LOGS.map(|log| staged_name(number, Some(log)));
    for name in logs.into_iter().chain([staged_name(number, None)]) {
        match dir.remove_file(OsStr::new(&name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(write_error(cause));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the error for a file of an import that cannot be written.
pub fn write_error(cause: io::Error) -> TransferError {
    TransferError::spool("write", staging_area::PATH)(cause)
}
