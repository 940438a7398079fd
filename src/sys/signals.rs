//! Signals that ask the process to end: noted by a handler, looked for by
//! the work between two steps, so that no step is cut in half.
//!
//! One process has one set of signals, so what the handler notes is global;
//! it is reached only through [`Interrupts`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
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
/// Where the handler writes, to end a wait; -1 before there is a pipe.
static WAKE: AtomicI32 = AtomicI32::new(-1);

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
        WAKE.store(wake.as_raw_fd(), Ordering::SeqCst);
        // The handler may write at any time from now on.
        std::mem::forget(wake);
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

    /// Waits for so long, or until a signal comes.
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

    /// Ends a wait for input in another thread: nothing more is wanted.
    pub fn end_waits(&self) {
        let wake = WAKE.load(Ordering::SeqCst);
        // SAFETY: the descriptor was opened by `watch`, which made this
        // value, and is never closed.
        let wake = unsafe { BorrowedFd::borrow_raw(wake) };
        // If the pipe is full, a byte is in it already.
        let _ = nix::unistd::write(wake, b"!");
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
    let action = SigAction::new(
        SigHandler::Handler(note),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler uses two atomics and write(2), which are safe in a
    // handler, and leaves errno as it was.
    let before = unsafe { sigaction(signal, &action) }?;
    if if_ignored == IfIgnored::LeaveIgnored && matches!(before.handler(), SigHandler::SigIgn) {
        // SAFETY: puts back what was there before.
        unsafe { sigaction(signal, &before) }?;
    }
    Ok(())
}

/// The handler.
extern "C" fn note(signal: libc::c_int) {
    let errno = Errno::last_raw();
    // The first one counts; what comes later changes nothing.
    let _ = CAUGHT.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
    let wake = WAKE.load(Ordering::SeqCst);
    // SAFETY: write(2) of one byte of a constant to a descriptor that is
    // never closed. If the pipe is full, a byte is in it already.
    unsafe {
        libc::write(wake, b"!".as_ptr().cast(), 1);
    }
    Errno::set_raw(errno);
}
