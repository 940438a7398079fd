//! Detects whether the mail system is running: a master process holds an
//! exclusive lock on `pid/master.pid` in the queue directory.

use std::ffi::OsStr;
use std::io;

use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::lock::{has_record_lock, is_listed_as_locked};

/// The directory of the file that the master process locks.
const DIRECTORY: &str = "pid";
/// The name of that file.
const LOCK_FILE: &str = "master.pid";

/// Returns whether a master process is running for this queue directory.
///
/// Checks the lock instead of connecting to a daemon, because a connection
/// would start a showq process that walks the whole queue in vain. Observed
/// with Postfix 3.7.11 on Linux: the lock is a flock(2) lock, and only root can
/// open the file (mode 0600), so the mail owner looks the lock up in the
/// kernel's list. Where Postfix was built to use fcntl(2) locks, those are
/// checked too.
///
/// # Errors
///
/// The caller lacks the permission to look, or the kernel does not list its
/// locks.
pub fn is_up(spool: &Dir) -> io::Result<bool> {
    // Only a regular file is opened for reading: there could be a FIFO, a
    // device or a symbolic link in its place.
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
