//! Whether the mail system is up: a master process holds an exclusive lock
//! on `pid/master.pid` (spec, "Words").

use std::ffi::OsStr;
use std::io;

use crate::sys::dir::Dir;
use crate::sys::lock::is_locked;

/// The file that master locks.
const LOCK_FILE: &str = "pid/master.pid";

/// Whether a master process runs for this queue directory; an error if the
/// caller may not look.
///
/// Asks the lock rather than a daemon: a connection would start a showq
/// process that walks the whole queue for nobody.
pub fn is_up(spool: &Dir) -> io::Result<bool> {
    match spool.stat(OsStr::new(LOCK_FILE)) {
        Ok(stat) => is_locked(&stat),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
