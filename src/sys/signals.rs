//! Signals that ask the process to end: recorded by a handler, and checked by
//! the work between two steps, so that no step is left half done.
//!
//! One process has one set of signals, so what the handler records is global;
//! it is reached only through [`Interrupts`].

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

/// The first signal that came; 0 before that.
static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// Where the handler writes, to end a wait. Never closed.
static WAKE: OnceLock<OwnedFd> = OnceLock::new();

/// What a signal does that was ignored when the process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfIgnored {
    Catch,
    LeaveIgnored,
}

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is something to read, or the end of it.
    Readable,
    /// A signal came.
    Interrupted,
}

/// Whether a signal came, for loops that only need to know that.
#[derive(Clone, Copy, Debug)]
pub struct SignalFlag(());

impl SignalFlag {
    /// Whether one came.
    pub fn is_set(self) -> bool {
        CAUGHT.load(Ordering::SeqCst) != 0
    }
}

/// The signals of this process, watched.
#[derive(Debug)]
pub struct Interrupts {
    woken: OwnedFd,
}

impl Interrupts {
    /// Begins to catch SIGINT and SIGQUIT, and SIGTERM and SIGHUP unless they
    /// are ignored, as they are below nohup(1). Call it once.
    pub fn watch() -> io::Result<Self> {
        let (woken, wake) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // The handler may write at any time from now on.
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

    /// The number of the first signal that came.
    pub fn caught(&self) -> Option<i32> {
        match CAUGHT.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// The same question, for threads and loops that outlive a borrow.
    pub fn flag(&self) -> SignalFlag {
        SignalFlag(())
    }

    /// Waits this long, or until a signal comes.
    pub fn wait_during(&self, time: Duration) -> io::Result<()> {
        let start = Instant::now();
        while self.caught().is_none() {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            // Rounded up: a wait of no time at all would be a busy one.
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

    /// Ends a wait for input in another thread: no more is needed.
    pub fn end_waits(&self) {
        wake();
    }

    /// Waits until `input` can be read or a signal comes.
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

/// The name of a signal, such as SIGINT.
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

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// What the kernel does with it unless asked otherwise.
    Default,
    /// Nothing.
    Ignore,
    /// It is recorded for [`Interrupts`], and system calls are restarted.
    Record,
}

/// Sets what a signal does, and returns what it did before: `Record` for any
/// handler.
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

/// The handler.
extern "C" fn record(signal: libc::c_int) {
    let errno = Errno::last_raw();
    // The first one counts; what comes later changes nothing.
    let _ = CAUGHT.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
    wake();
    Errno::set_raw(errno);
}

/// Ends all waits. If the pipe is full, a byte is in it already.
fn wake() {
    if let Some(wake) = WAKE.get() {
        let _ = nix::unistd::write(wake, b"!");
    }
}
