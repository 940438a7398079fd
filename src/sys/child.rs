//! Work done by a copy of this process, whose rights, directory and time zone
//! are then its own.
//!
//! Why a copy and not a program that is started: which file the program was
//! started from can be another one by now, and a set-gid process would lend
//! that file its group.

use std::fs::File;
use std::io;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, dup2_stdout, fork, pipe2};

use super::process::{AbortOnPanic, is_only_thread};
use super::retry_on_eintr;

/// Where the copy's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStdout {
    /// Where that of this process goes.
    Shared,
    /// Into memory.
    Collected,
}

/// How the copy ended.
#[derive(Debug)]
pub struct ChildEnd {
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What it printed, if that was collected.
    pub output: Vec<u8>,
}

/// Lets a copy of this process do `work`, which returns its exit status, and
/// waits for its end. Nothing that `work` changes in memory is seen here.
///
/// # Errors
///
/// `ResourceBusy` if this process has several threads: the copy would have one
/// of them, and wait for what the others hold. Else that there is no copy to be
/// had, or no pipe.
pub fn run(output: ChildStdout, work: impl FnOnce() -> u8) -> io::Result<ChildEnd> {
    if !is_only_thread() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // What is not yet written would be written by both.
    io::stdout().lock().flush()?;
    let pipe = match output {
        ChildStdout::Shared => None,
        ChildStdout::Collected => Some(pipe2(OFlag::O_CLOEXEC)?),
    };
    // SAFETY: there is one thread, so that no lock in memory is held by a
    // thread that the copy does not have.
    match unsafe { fork() }? {
        ForkResult::Child => become_copy(pipe, work),
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

/// The copy's whole life. It must never return into the work of the process it
/// was copied from, so it exits here.
#[expect(clippy::exit, reason = "returning would do the caller's work twice")]
fn become_copy(pipe: Option<(OwnedFd, OwnedFd)>, work: impl FnOnce() -> u8) -> ! {
    // A panic would go on in the caller's work, too.
    let _guard = AbortOnPanic;
    let is_ready = match pipe {
        None => true,
        Some((_, writer)) => dup2_stdout(writer).is_ok(),
    };
    let status = if is_ready { work() } else { u8::MAX };
    let flushed = io::stdout().lock().flush();
    std::process::exit(match flushed {
        Ok(()) => status.into(),
        Err(_) => status.max(1).into(),
    })
}
