//! Triggers a daemon through its FIFO or socket in `public/`. Observed with
//! Postfix 3.7.11.
//!
//! A trigger is a few bytes. When a daemon is triggered, and how a failure is
//! reported, is decided by the applets.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::SFlag;
use thiserror::Error;

use crate::sys::dir::{Dir, stat_open};
use crate::sys::error_text::error_text;
use crate::sys::poll::{Readiness, poll_for};
use crate::sys::socket::{Wait, connect_stream};

/// The directory of the daemons' sockets.
const DIRECTORY: &str = "public";
/// How long daemons may take to notice a connection, and how often that long.
/// Observed with Postfix 3.7.11. (The trigger_timeout and 100 s more are what a
/// daemon waits that triggers another.)
const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 2;

/// Makes qmgr(8) try everything again: dead destinations are
/// flushed, time stamps ignored, deferred and incoming scanned.
pub const FLUSH: &[u8] = b"FADI";
/// Makes pickup(8) scan maildrop.
pub const WAKE: &[u8] = b"W";

/// Why no daemon was triggered.
#[derive(Debug, Error)]
pub enum TriggerError {
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
    #[error("connect to {path}: {}", error_text(.cause))]
    NoListener {
        /// The name, below the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
}

/// A daemon on its way up. A socket is held open until the daemon has taken
/// the connection and closed it: before that, closing it could take the
/// trigger back.
#[derive(Debug)]
#[must_use]
pub struct HeldConnection(Option<UnixStream>);

/// Sends `bytes` to the service called `name`.
pub fn send_trigger(
    spool: &Dir,
    name: &[u8],
    bytes: &[u8],
    trigger_timeout: Duration,
) -> Result<HeldConnection, TriggerError> {
    let path = Path::new(DIRECTORY).join(OsStr::from_bytes(name));
    let shown = path.to_string_lossy().into_owned();
    let stat = spool.stat_through_link(path.as_os_str());
    let stat = stat.map_err(|cause| TriggerError::LookUp {
        path: shown.clone(),
        cause,
    })?;
    let woken = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFIFO => wake_fifo(spool, &path, bytes, trigger_timeout),
        SFlag::S_IFSOCK => wake_socket(&path, bytes, trigger_timeout),
        _ => return Err(TriggerError::WrongType(shown)),
    };
    woken.map_err(|cause| TriggerError::NoListener { path: shown, cause })
}

/// Writes to a FIFO that has one name only. Does not wait for a reader.
fn wake_fifo(
    spool: &Dir,
    path: &Path,
    bytes: &[u8],
    limit: Duration,
) -> io::Result<HeldConnection> {
    let fifo: File = spool.open_to_wake(path.as_os_str())?;
    let stat = stat_open(&fifo)?;
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    if kind != SFlag::S_IFIFO || stat.st_nlink > 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    write(&fifo, bytes, limit);
    Ok(HeldConnection(None))
}

/// Writes to a socket, with a NUL at the end. A daemon that has no place for
/// the connection is not waited for.
fn wake_socket(path: &Path, bytes: &[u8], limit: Duration) -> io::Result<HeldConnection> {
    let socket = connect_stream(path, Wait::Never)?;
    write(&socket, &[bytes, b"\0"].concat(), limit);
    Ok(HeldConnection(Some(socket)))
}

/// Writes when there is room, within `limit`. A reader that
/// opened the other end and does not read has enough triggers to read, or has
/// ended: as in Postfix, that is no error.
fn write(mut target: impl Write + AsFd, bytes: &[u8], limit: Duration) {
    if poll_for(&[target.as_fd()], Readiness::Room, limit).is_ok_and(|ready| !ready.is_empty()) {
        let _ = target.write_all(bytes);
    }
}

/// Waits until the daemons have taken what was sent, but not for ever.
pub fn wait_until_taken(woken: Vec<HeldConnection>) {
    let mut sockets: Vec<UnixStream> = woken.into_iter().filter_map(|woken| woken.0).collect();
    for _ in 0..ROUNDS {
        if sockets.is_empty() {
            return;
        }
        let waited_for: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let Ok(taken) = poll_for(&waited_for, Readiness::Input, ROUND) else {
            return;
        };
        let mut number = 0..;
        sockets.retain(|_| number.next().is_some_and(|at| !taken.contains(&at)));
    }
}
