//! Runs work in a forked copy of this process, with rights, a working directory
//! and a time zone of its own.
//!
//! A copy is used instead of starting the program again, because the file that
//! the program was started from may have been replaced, and a set-gid process
//! would lend its group to the new file.

use std::fs::File;
use std::io;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;

use nix::fcntl::OFlag;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, dup2_stdout, fork, getppid, pipe2};

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
/// `ResourceBusy` if this process has several threads: the copy would have only
/// one of them and could wait forever for locks that the others hold. Otherwise
/// the error of the system call that failed.
pub fn run(output: ChildStdout<'_>, work: impl FnOnce() -> u8) -> io::Result<ChildEnd> {
    if !is_only_thread() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // Buffered output would otherwise be written by both processes.
    io::stdout().lock().flush()?;
    let pipe = match output {
        ChildStdout::Shared | ChildStdout::File(_) => None,
        ChildStdout::Collected => Some(pipe2(OFlag::O_CLOEXEC)?),
    };
    // SAFETY: there is one thread, so that no lock in memory is held by a
    // thread that the copy does not have.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let is_ready = match (pipe, output) {
                (Some((_, writer)), _) => dup2_stdout(writer).is_ok(),
                (None, ChildStdout::File(file)) => dup2_stdout(file).is_ok(),
                (None, _) => true,
            };
            become_copy(|| if is_ready { work() } else { u8::MAX })
        }
        ForkResult::Parent { child } => {
            let mut collected = Vec::new();
            let read = match pipe {
                None => Ok(0),
                Some((reader, writer)) => {
                    drop(writer);
                    File::from(reader).read_to_end(&mut collected)
                }
            };
            let waited = retry_on_eintr(|| waitpid(child, None))?;
            read?;
            let status = match waited {
                WaitStatus::Exited(_, status) => Some(status),
                _ => None,
            };
            Ok(ChildEnd {
                status,
                output: collected,
            })
        }
    }
}

/// Makes this process receive SIGTERM when `parent`, which started it with
/// [`run`], ends: work for several instances ends if the process is killed that
/// goes on to the next one. To be called after the user IDs have changed, which
/// undoes it.
///
/// # Errors
///
/// The error of prctl(2), or `NotFound` if the parent has ended already.
pub fn end_with(parent: u32) -> io::Result<()> {
    set_pdeathsig(Signal::SIGTERM)?;
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
