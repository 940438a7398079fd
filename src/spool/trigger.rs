//! Sends triggers to daemons through their FIFOs and sockets in `public/`.
//! Observed with Postfix 3.7.11.
//!
//! A trigger is a few bytes. The applets decide when a daemon is triggered and
//! how a failure is reported.

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

/// The directory of the daemons' FIFOs and sockets.
const DIRECTORY: &str = "public";
/// How long to wait for daemons to notice a connection, and how many times.
/// Observed with Postfix 3.7.11. (Daemons that trigger other daemons wait for
/// trigger_timeout and 100 s more.)
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(1);
const ACCEPT_ATTEMPTS: u32 = 2;

/// Makes qmgr(8) retry everything: it clears its list of dead destinations,
/// ignores time stamps, and scans the deferred and incoming queues.
pub const FLUSH: &[u8] = b"FADI";
/// Makes qmgr(8) scan the deferred and incoming queues for messages that are
/// due.
pub const SCAN: &[u8] = b"DI";
/// Makes pickup(8) scan maildrop.
pub const WAKE: &[u8] = b"W";

/// The reason why no daemon was triggered.
#[derive(Debug, Error)]
pub enum TriggerError {
    /// The file cannot be examined.
    #[error("unable to look up {path}: {}", error_text(.cause))]
    LookUp {
        /// The path, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// The file is neither a socket nor a FIFO.
    #[error("{0} is not a socket or a fifo")]
    WrongType(String),
    /// No daemon is listening.
    #[error("connect to {path}: {}", error_text(.cause))]
    NoListener {
        /// The path, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
}

/// A connection to a triggered daemon. A socket is kept open until the daemon
/// has accepted the connection and closed it: closing it earlier could cancel
/// the trigger.
#[derive(Debug)]
#[must_use]
pub struct HeldConnection(Option<UnixStream>);

/// Sends `bytes` to the service called `name`. Waits at most `trigger_timeout`
/// for room to write.
///
/// # Errors
///
/// The service cannot be reached, or is not listening.
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
    let sent = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFIFO => trigger_fifo(spool, &path, bytes, trigger_timeout),
        SFlag::S_IFSOCK => trigger_socket(&path, bytes, trigger_timeout),
        _ => return Err(TriggerError::WrongType(shown)),
    };
    sent.map_err(|cause| TriggerError::NoListener { path: shown, cause })
}

/// Writes to a FIFO with a single hard link. Fails at once if the FIFO has no
/// reader.
fn trigger_fifo(
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

/// Writes to a socket, with a NUL at the end. Does not wait for a daemon whose
/// backlog of connections is full.
fn trigger_socket(path: &Path, bytes: &[u8], limit: Duration) -> io::Result<HeldConnection> {
    let socket = connect_stream(path, Wait::Never)?;
    write(&socket, &[bytes, b"\0"].concat(), limit);
    Ok(HeldConnection(Some(socket)))
}

/// Writes as soon as there is room, but waits no longer than `limit`. Failures
/// are ignored, as in Postfix: a reader that has opened the other end and does
/// not read either has enough triggers pending or has ended.
fn write(mut target: impl Write + AsFd, bytes: &[u8], limit: Duration) {
    if poll_for(&[target.as_fd()], Readiness::Room, limit).is_ok_and(|ready| !ready.is_empty()) {
        let _ = target.write_all(bytes);
    }
}

/// Waits, for a limited time, until the daemons have accepted the triggers.
pub fn wait_until_taken(connections: Vec<HeldConnection>) {
    let mut sockets: Vec<UnixStream> = connections.into_iter().filter_map(|held| held.0).collect();
    for _ in 0..ACCEPT_ATTEMPTS {
        if sockets.is_empty() {
            return;
        }
        let waited_for: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let Ok(taken) = poll_for(&waited_for, Readiness::Input, ACCEPT_TIMEOUT) else {
            return;
        };
        let mut number = 0..;
        sockets.retain(|_| number.next().is_some_and(|at| !taken.contains(&at)));
    }
}
