//! Signals that ask the process to end: noted by a handler, looked for by
//! the work between two steps, so that no step is cut in half.
//!
//! One process has one set of signals, so what the handler notes is global;
//! it is reached only through [`Interrupts`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

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

    /// Waits until `input` can be read or a signal comes.
    pub fn wait_for(&self, input: impl AsFd) -> io::Result<Wake> {
        loop {
            let mut watched = [
                PollFd::new(input.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) if self.caught().is_some() => return Ok(Wake::Interrupted),
                Ok(_) => return Ok(Wake::Readable),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
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
