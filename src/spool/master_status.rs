//! Whether the mail system is running: a master process holds an exclusive
//! lock on `pid/master.pid` below the queue directory.

use std::ffi::OsStr;
use std::io;

use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::lock::{has_record_lock, is_listed_as_locked};

/// Where the file is that master locks.
const DIRECTORY: &str = "pid";
/// Its name there.
const LOCK_FILE: &str = "master.pid";

/// Whether a master process runs for this queue directory.
///
/// Asks the lock rather than a daemon: a connection would start a showq
/// process that walks the whole queue in vain. Observed with Postfix 3.7.11 on
/// Linux: the lock is one of flock(2), and the file is root's alone (mode
/// 0600), so that the mail owner cannot open it but can look it up in the
/// kernel's list. Where Postfix was built for fcntl(2) locks, those are asked
/// for too.
///
/// # Errors
///
/// The caller may not look, or the kernel does not list its locks.
pub fn is_up(spool: &Dir) -> io::Result<bool> {
    // Nothing is opened but a regular file: in its place could be a FIFO, a
    // device or a link.
    let found = spool
        .open_place_through_link(OsStr::new(DIRECTORY))
        .and_then(|directory| {
            let file = directory.open_unread(OsStr::new(LOCK_FILE))?;
            Ok((directory, file))
        });
    let (directory, file) = match found {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if FileKind::of(&stat_open(&file)?) != FileKind::File {
        return Ok(false);
    }
    let listed = is_listed_as_locked(&file);
    if matches!(listed, Ok(true)) {
        return listed;
    }
    let asked = directory
        .open_file(OsStr::new(LOCK_FILE))
        .and_then(|file| has_record_lock(&file));
    match asked {
        Ok(true) => Ok(true),
        _ => listed,
    }
}
