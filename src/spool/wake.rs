//! Wakes a daemon through its FIFO or socket in `public/` (spec page 08).
//!
//! A trigger is a few bytes. Whether waking is called for, and what it means
//! if nobody can be woken, is the applets' business.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::SFlag;
use thiserror::Error;

use crate::sys::dir::{Dir, stat_open};
use crate::sys::error_text::error_text;

/// The directory of the daemons' sockets.
const DIRECTORY: &str = "public";
/// How much longer than trigger_timeout the daemon may hold a socket.
const PATIENCE: Duration = Duration::from_secs(100);

/// What qmgr(8) is told to look at everything again: dead destinations are
/// flushed, time stamps ignored, deferred and incoming scanned.
pub const FLUSH: &[u8] = b"FADI";
/// What pickup(8) is told to look into maildrop.
pub const WAKE: &[u8] = b"W";

/// Why nobody was woken.
#[derive(Debug, Error)]
pub enum WakeError {
    /// There is no such name.
    #[error("unable to look up {path}: {}", error_text(.cause))]
    LookUp {
        /// The name, below the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// It is something else.
    #[error("{0} is not a socket or a fifo")]
    WrongType(String),
    /// Nobody listens.
    #[error("write to {path}: {}", error_text(.cause))]
    Write {
        /// The name, below the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
}

/// Sends `bytes` to the service called `name`.
pub fn wake(
    spool: &Dir,
    name: &[u8],
    bytes: &[u8],
    trigger_timeout: Duration,
) -> Result<(), WakeError> {
    let path = Path::new(DIRECTORY).join(OsStr::from_bytes(name));
    let shown = path.to_string_lossy().into_owned();
    let stat = spool.stat_through_link(path.as_os_str());
    let stat = stat.map_err(|cause| WakeError::LookUp {
        path: shown.clone(),
        cause,
    })?;
    let sent = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFIFO => wake_fifo(spool, &path.into_os_string(), bytes),
        SFlag::S_IFSOCK => wake_socket(&path, bytes, trigger_timeout),
        _ => return Err(WakeError::WrongType(shown)),
    };
    sent.map_err(|cause| WakeError::Write { path: shown, cause })
}

/// Writes to a FIFO that has one name only. Does not wait for a reader.
fn wake_fifo(spool: &Dir, path: &OsString, bytes: &[u8]) -> io::Result<()> {
    let mut fifo: File = spool.open_to_wake(path)?;
    let stat = stat_open(&fifo)?;
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    if kind != SFlag::S_IFIFO || stat.st_nlink > 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    fifo.write_all(bytes)
}

/// Writes to a socket, with a NUL behind it, and holds it until the daemon
/// has had a chance to take it: it closes first.
fn wake_socket(path: &Path, bytes: &[u8], trigger_timeout: Duration) -> io::Result<()> {
    let mut socket = UnixStream::connect(path)?;
    socket.write_all(&[bytes, b"\0"].concat())?;
    socket.set_read_timeout(Some(trigger_timeout.saturating_add(PATIENCE)))?;
    // Whether it was closed or the time is over, the trigger is delivered.
    let _ = socket.read(&mut [0]);
    Ok(())
}
