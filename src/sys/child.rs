//! Runs work in a forked copy of this process, with rights, a working directory
//! and a time zone of its own.
//!
//! A copy is used instead of starting the program again, because the file that
//! the program was started from may have been replaced, and a set-gid process
//! would lend its group to the new file.

#[cfg(feature = "browse")]
mod on_terminal;

use std::io;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdout, fork, getppid};

use super::process::{AbortOnPanic, is_only_thread};
use super::retry_on_eintr;

/// The destination of the copy's standard output.
#[derive(Clone, Copy, Debug)]
pub enum ChildStdout<'a> {
    /// The standard output of this process.
    Shared,
    /// A buffer in memory.
    Collected,
    /// This file, at its current position.
    File(BorrowedFd<'a>),
}

/// The result of the copy.
#[derive(Debug)]
pub struct ChildEnd {
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Its standard output, if that was collected.
    pub output: Vec<u8>,
}

/// Runs `work`, which returns an exit status, in a copy of this process, and
/// waits until the copy ends. Changes that `work` makes in memory are not
/// visible in this process.
///
/// # Errors
///
/// Those of [`start`] and of waiting.
pub fn run(output: ChildStdout<'_>, work: impl FnOnce() -> u8) -> io::Result<ChildEnd> {
    let mut collected = Vec::new();
    let status = match output {
        ChildStdout::Shared => start(work)?.wait()?,
        ChildStdout::File(file) => start(|| with_stdout(file, work))?.wait()?,
        ChildStdout::Collected => {
            let (mut reader, writer) = io::pipe()?;
            let child = start(move || with_stdout(writer, work))?;
            let read = reader.read_to_end(&mut collected);
            let status = child.wait()?;
            read?;
            status
        }
    };
    Ok(ChildEnd {
        status,
        output: collected,
    })
}

/// Runs the work with its standard output in this file.
fn with_stdout(file: impl AsFd, work: impl FnOnce() -> u8) -> u8 {
    if dup2_stdout(file).is_ok() {
        work()
    } else {
        u8::MAX
    }
}

/// Starts `work`, which returns an exit status, in a copy of this process, and
/// returns while the copy works.
///
/// # Errors
///
/// `ResourceBusy` if this process has several threads: the copy would have only
/// one of them and could wait forever for locks that the others hold. Otherwise
/// the error of the system call that failed.
pub fn start(work: impl FnOnce() -> u8) -> io::Result<RunningChild> {
    if !is_only_thread() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // Buffered output would otherwise be written by both processes.
    io::stdout().lock().flush()?;
    // SAFETY: there is one thread, so that no lock in memory is held by a
    // thread that the copy does not have.
    match unsafe { fork() }? {
        ForkResult::Child => become_copy(work),
        ForkResult::Parent { child } => Ok(RunningChild { child: Some(child) }),
    }
}

/// A copy of this process that works. It is killed when the value is dropped.
#[derive(Debug)]
pub struct RunningChild {
    /// `None` after its end, when the number may belong to another process.
    child: Option<Pid>,
}

impl RunningChild {
    /// Waits for the end. Returns the exit status; `None` if a signal ended it.
    ///
    /// # Errors
    ///
    /// Those of waitpid(2).
    pub fn wait(mut self) -> io::Result<Option<i32>> {
        let Some(child) = self.child.take() else {
            return Ok(None);
        };
        match retry_on_eintr(|| waitpid(child, None))? {
            WaitStatus::Exited(_, status) => Ok(Some(status)),
            _ => Ok(None),
        }
    }
}

impl Drop for RunningChild {
    fn drop(&mut self) {
        if let Some(child) = self.child {
            // It may have ended already; without waiting, it would stay as a
            // zombie.
            let _ = kill(child, Signal::SIGKILL);
            let _ = retry_on_eintr(|| waitpid(child, None));
        }
    }
}

/// Makes this process receive `signal` when `parent`, which started it with
/// [`run`] or [`start`], ends: work for several instances ends if the process is
/// killed that goes on to the next one. To be called again after the user IDs
/// have changed, which undoes it.
///
/// # Errors
///
/// The error of prctl(2), or `NotFound` if the parent has ended already.
pub fn end_with(parent: u32, signal: Signal) -> io::Result<()> {
    set_pdeathsig(signal)?;
    let is_there = u32::try_from(getppid().as_raw()) == Ok(parent);
    is_there
        .then_some(())
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Runs the work in the copy and exits. The copy must never return into the
/// code of the original process.
#[expect(clippy::exit, reason = "returning would do the caller's work twice")]
fn become_copy(work: impl FnOnce() -> u8) -> ! {
    // A panic must not unwind into the caller's code, either.
    let _guard = AbortOnPanic;
    let status = work();
    let flushed = io::stdout().lock().flush();
    std::process::exit(match flushed {
        Ok(()) => status.into(),
        Err(_) => status.max(1).into(),
    })
}
