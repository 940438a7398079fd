//! Wakes a daemon through its FIFO or socket in `public/` (spec page 08).
//!
//! A trigger is a few bytes. Whether waking is called for, and what it means
//! if nobody can be woken, is the applets' business.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::SFlag;
use thiserror::Error;

use crate::sys::dir::{Dir, stat_open};
use crate::sys::error_text::error_text;
use crate::sys::socket::{Wait, connect_stream};
use crate::sys::wait::{For, wait_for};

/// The directory of the daemons' sockets.
const DIRECTORY: &str = "public";
/// How long daemons may take to notice a connection, and how often that long.
/// (Observed. The spec page has trigger_timeout and 100 s more, which is what
/// a daemon waits that wakes another.)
const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 2;

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
    #[error("connect to {path}: {}", error_text(.cause))]
    NobodyThere {
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
pub struct Woken(Option<UnixStream>);

/// Sends `bytes` to the service called `name`.
pub fn wake(
    spool: &Dir,
    name: &[u8],
    bytes: &[u8],
    trigger_timeout: Duration,
) -> Result<Woken, WakeError> {
    let path = Path::new(DIRECTORY).join(OsStr::from_bytes(name));
    let shown = path.to_string_lossy().into_owned();
    let stat = spool.stat_through_link(path.as_os_str());
    let stat = stat.map_err(|cause| WakeError::LookUp {
        path: shown.clone(),
        cause,
    })?;
    let woken = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFIFO => wake_fifo(spool, &path, bytes, trigger_timeout),
        SFlag::S_IFSOCK => wake_socket(&path, bytes, trigger_timeout),
        _ => return Err(WakeError::WrongType(shown)),
    };
    woken.map_err(|cause| WakeError::NobodyThere { path: shown, cause })
}

/// Writes to a FIFO that has one name only. Does not wait for a reader.
fn wake_fifo(spool: &Dir, path: &Path, bytes: &[u8], limit: Duration) -> io::Result<Woken> {
    let fifo: File = spool.open_to_wake(path.as_os_str())?;
    let stat = stat_open(&fifo)?;
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    if kind != SFlag::S_IFIFO || stat.st_nlink > 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    write(&fifo, bytes, limit);
    Ok(Woken(None))
}

/// Writes to a socket, with a NUL behind it. A daemon that has no place for
/// the connection is not waited for.
fn wake_socket(path: &Path, bytes: &[u8], limit: Duration) -> io::Result<Woken> {
    let socket = connect_stream(path, Wait::Never)?;
    write(&socket, &[bytes, b"\0"].concat(), limit);
    Ok(Woken(Some(socket)))
}

/// Writes when there is room, within `limit`. Whoever opened the other end
/// and does not read has triggers enough to read, or is gone: as in Postfix,
/// that is no error.
fn write(mut target: impl Write + AsFd, bytes: &[u8], limit: Duration) {
    if wait_for(&[target.as_fd()], For::Room, limit).is_ok_and(|ready| !ready.is_empty()) {
        let _ = target.write_all(bytes);
    }
}

/// Waits until the daemons have taken what was sent, but not for ever.
pub fn wait_until_taken(woken: Vec<Woken>) {
    let mut sockets: Vec<UnixStream> = woken.into_iter().filter_map(|woken| woken.0).collect();
    for _ in 0..ROUNDS {
        if sockets.is_empty() {
            return;
        }
        let waited_for: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let Ok(taken) = wait_for(&waited_for, For::Input, ROUND) else {
            return;
        };
        let mut number = 0..;
        sockets.retain(|_| number.next().is_some_and(|at| !taken.contains(&at)));
    }
}
