//! UNIX sockets: connects with a time limit, and sends many datagrams with one
//! system call.
//!
//! connect(2) waits without limit for a daemon whose backlog of connections is
//! full, and the standard library offers no timeout for it.

use std::io;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};

/// The largest number of datagrams that sendmmsg(2) accepts.
const DATAGRAMS_MAX: usize = 1024;

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

/// Sends datagrams in order, as many as possible with one system call: a receiver
/// on the same processor would otherwise interrupt the sender after each one.
/// Waits while the receiver's queue is full. Returns the number sent, at least one
/// unless there are none.
///
/// # Errors
///
/// The first datagram cannot be sent: those of sendmmsg(2).
pub fn send_datagrams(socket: &UnixDatagram, datagrams: &[Vec<u8>]) -> io::Result<usize> {
    let datagrams = datagrams.iter().take(DATAGRAMS_MAX);
    let contents: Vec<_> = datagrams.map(|bytes| [IoSlice::new(bytes)]).collect();
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> = Vec::new();
    controls.resize_with(contents.len(), SendAncillaryBuffer::default);
    let messages = contents.iter().zip(&mut controls);
    let mut messages: Vec<_> = messages
        .map(|(content, control)| MMsgHdr::new(content, control))
        .collect();
    Ok(sendmmsg(socket, &mut messages, SendFlags::empty())?)
}
