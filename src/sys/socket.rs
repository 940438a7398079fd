//! Connects to UNIX sockets with a time limit.
//!
//! connect(2) waits without limit for a daemon whose backlog of connections is
//! full, and the standard library offers no timeout for it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};

/// How long to wait for a daemon whose backlog of connections is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Do not wait.
    Never,
    /// Wait at most this long; zero means without limit.
    AtMost(Duration),
}

/// Connects to the stream socket at `path`.
///
/// # Errors
///
/// `InvalidInput` if the path does not fit a socket address; `TimedOut` if the
/// time limit was reached; otherwise those of the system calls.
pub fn connect_stream(path: &Path, wait: Wait) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let flags = match wait {
        Wait::Never => SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        Wait::AtMost(_) => SockFlag::SOCK_CLOEXEC,
    };
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    if let Wait::AtMost(limit) = wait {
        let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        setsockopt(&socket, SendTimeout, &TimeVal::seconds(seconds))?;
    }
    match connect(socket.as_raw_fd(), &address) {
        Ok(()) => {}
        Err(Errno::EAGAIN) if wait != Wait::Never => return Err(Errno::ETIMEDOUT.into()),
        Err(error) => return Err(error.into()),
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}
