//! Waits for a copy of this process that has the terminal.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::super::poll::{Readiness, poll_for};
use super::super::retry_on_eintr;
use super::super::signals::Interrupts;
use super::RunningChild;

/// How long a copy that has the terminal can be stopped before that is noticed.
const STOP_CHECK: Duration = Duration::from_millis(100);

impl RunningChild {
    /// Waits for the end of a copy that has the terminal. If it is stopped by
    /// Ctrl-Z, so is this process, which the shell waits for. A signal that asks
    /// this process to end is passed on. The copy holds the other end of `open`,
    /// a pipe, so that its end is noticed at once.
    ///
    /// # Errors
    ///
    /// Those of waitpid(2) and poll(2).
    pub fn wait_on_terminal(
        mut self,
        open: BorrowedFd<'_>,
        interrupts: &Interrupts,
    ) -> io::Result<Option<i32>> {
        while let Some(child) = self.child {
            let ready = poll_for(&[open], Readiness::Input, STOP_CHECK)?;
            let mut flags = WaitPidFlag::WUNTRACED;
            if ready.is_empty() {
                flags |= WaitPidFlag::WNOHANG;
            }
            match retry_on_eintr(|| waitpid(child, Some(flags)))? {
                WaitStatus::StillAlive => {}
                WaitStatus::Stopped(..) => {
                    raise(Signal::SIGTSTP)?;
                    kill(child, Signal::SIGCONT)?;
                }
                end => {
                    self.child = None;
                    return Ok(match end {
                        WaitStatus::Exited(_, status) => Some(status),
                        _ => None,
                    });
                }
            }
            if interrupts.caught().is_some() {
                kill(child, Signal::SIGTERM)?;
            }
        }
        Ok(None)
    }
}
