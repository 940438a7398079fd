//! Signals that ask the process to end: a handler records them, and the work
//! checks for them between two steps, so that no step is left incomplete.
//!
//! Signal handlers belong to the whole process, so the handler's record is
//! global; it is accessed only through [`Interrupts`] and [`SignalFlag`].

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::pipe2;

/// The number of the first signal that was caught; 0 if there was none.
static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// The pipe to which the handler writes to end a wait. Never closed.
static WAKE: OnceLock<OwnedFd> = OnceLock::new();

/// The treatment of a signal that was ignored when the process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfIgnored {
    Catch,
    LeaveIgnored,
}

/// The reason why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is input, or the end of input.
    Readable,
    /// A signal was caught.
    Interrupted,
}

/// A copyable handle that tells whether a signal was caught.
#[derive(Clone, Copy, Debug)]
pub struct SignalFlag(());

impl SignalFlag {
    /// Returns whether a signal was caught.
    pub fn is_set(self) -> bool {
        CAUGHT.load(Ordering::SeqCst) != 0
    }
}

/// The signals that ask this process to end.
#[derive(Debug)]
pub struct Interrupts {
    woken: OwnedFd,
}

impl Interrupts {
    /// Begins to catch SIGINT and SIGQUIT, and also SIGTERM and SIGHUP unless
    /// they are ignored, as they are under nohup(1).
    ///
    /// # Errors
    ///
    /// Those of pipe2(2) and sigaction(2); `AlreadyExists` if it was called
    /// before.
    pub fn watch() -> io::Result<Self> {
        let (woken, wake) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // The handler may write to the pipe at any time from now on.
        WAKE.set(wake)
            .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
        for (signal, if_ignored) in [
            (Signal::SIGINT, IfIgnored::Catch),
            (Signal::SIGQUIT, IfIgnored::Catch),
            (Signal::SIGTERM, IfIgnored::LeaveIgnored),
            (Signal::SIGHUP, IfIgnored::LeaveIgnored),
        ] {
            catch(signal, if_ignored)?;
        }
        Ok(Self { woken })
    }

    /// Returns the number of the first signal that was caught.
    pub fn caught(&self) -> Option<i32> {
        match CAUGHT.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// Returns a handle that answers the same question and can outlive the
    /// borrow.
    pub fn flag(&self) -> SignalFlag {
        SignalFlag(())
    }

    /// Waits for the given time, or until a signal is caught.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait_during(&self, time: Duration) -> io::Result<()> {
        let start = Instant::now();
        while self.caught().is_none() {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            // Round up: a timeout of zero would make this a busy loop.
            let left = left.saturating_add(Duration::from_micros(999));
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut watched = [PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
            match poll(&mut watched, left) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Ends all waits for input in other threads, because no more input is
    /// needed.
    pub fn end_waits(&self) {
        wake();
    }

    /// Waits until `input` can be read or a signal is caught.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait_for(&self, input: impl AsFd) -> io::Result<Wake> {
        loop {
            let mut watched = [
                PollFd::new(input.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) if self.is_woken(&watched) => return Ok(Wake::Interrupted),
                Ok(_) => return Ok(Wake::Readable),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Interrupts {
    fn is_woken(&self, watched: &[PollFd<'_>; 2]) -> bool {
        let [_, woken] = watched;
        let is_ready = woken.revents().is_some_and(|events| !events.is_empty());
        is_ready || self.caught().is_some()
    }
}

/// Returns the name of a signal, such as `SIGINT`.
pub fn name(signal: i32) -> String {
    let known = Signal::try_from(signal);
    known.map_or_else(|_| format!("signal {signal}"), |known| known.to_string())
}

fn catch(signal: Signal, if_ignored: IfIgnored) -> io::Result<()> {
    let before = set_disposition(signal, Disposition::Record)?;
    if if_ignored == IfIgnored::LeaveIgnored && before == Disposition::Ignore {
        set_disposition(signal, Disposition::Ignore)?;
    }
    Ok(())
}

/// The disposition of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// The kernel's default action.
    Default,
    /// The signal is ignored.
    Ignore,
    /// The signal is recorded for [`Interrupts`], and system calls are
    /// restarted.
    Record,
}

/// Sets the disposition of a signal and returns the previous one; `Record`
/// stands for any handler.
///
/// # Errors
///
/// Those of sigaction(2).
pub(super) fn set_disposition(signal: Signal, to: Disposition) -> io::Result<Disposition> {
    let (handler, flags) = match to {
        Disposition::Default => (SigHandler::SigDfl, SaFlags::empty()),
        Disposition::Ignore => (SigHandler::SigIgn, SaFlags::empty()),
        Disposition::Record => (SigHandler::Handler(record), SaFlags::SA_RESTART),
    };
    let action = SigAction::new(handler, flags, SigSet::empty());
    // SAFETY: the only handler that is ever installed is `record`. It reads
    // and writes atomics and calls write(2), which a handler may do
    // (signal-safety(7)), allocates nothing, takes no lock and leaves errno as
    // it was.
    let before = unsafe { sigaction(signal, &action) }?;
    Ok(match before.handler() {
        SigHandler::SigDfl => Disposition::Default,
        SigHandler::SigIgn => Disposition::Ignore,
        _ => Disposition::Record,
    })
}

/// The signal handler.
extern "C" fn record(signal: libc::c_int) {
    let errno = Errno::last_raw();
    // Only the first signal is recorded.
    let _ = CAUGHT.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
    wake();
    Errno::set_raw(errno);
}

/// Ends all waits. A full pipe is no error, because it already contains a byte.
fn wake() {
    if let Some(wake) = WAKE.get() {
        let _ = nix::unistd::write(wake, b"!");
    }
}
