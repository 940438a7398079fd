//! Waits for several descriptors at once, within a time limit. A signal does
//! not extend the limit.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The condition to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Input or the end of input.
    Input,
    /// Room for output.
    Room,
}

/// Waits until at least one of `descriptors` is ready, but no longer than
/// `limit`. Returns the indexes of those that are ready.
///
/// # Errors
///
/// Those of poll(2).
pub fn poll_for(
    descriptors: &[BorrowedFd<'_>],
    what: Readiness,
    limit: Duration,
) -> io::Result<Vec<usize>> {
    let flags = match what {
        Readiness::Input => PollFlags::POLLIN,
        Readiness::Room => PollFlags::POLLOUT,
    };
    let mut watched: Vec<PollFd<'_>> = descriptors
        .iter()
        .map(|descriptor| PollFd::new(*descriptor, flags))
        .collect();
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, left) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
    let places = watched.iter().enumerate();
    Ok(places
        .filter(|(_, fd)| is_ready(fd))
        .map(|(place, _)| place)
        .collect())
}

/// The state of the input of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalInput {
    /// There is input.
    Ready,
    /// There was none until the limit or a signal.
    Nothing,
    /// The terminal is gone.
    HungUp,
}

/// Waits for input of a terminal, but no longer than `limit`, and only until a
/// signal is caught, such as that of another size.
///
/// # Errors
///
/// Those of poll(2).
pub fn poll_terminal(terminal: BorrowedFd<'_>, limit: Duration) -> io::Result<TerminalInput> {
    let mut watched = [PollFd::new(terminal, PollFlags::POLLIN)];
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    match poll(&mut watched, limit) {
        Ok(0) | Err(Errno::EINTR) => return Ok(TerminalInput::Nothing),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let [watched] = watched;
    let is_only_input = watched.revents() == Some(PollFlags::POLLIN);
    Ok(if is_only_input {
        TerminalInput::Ready
    } else {
        TerminalInput::HungUp
    })
}
