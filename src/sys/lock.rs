//! Whether another process holds a lock on a file.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Whether a process other than this one holds a lock of either kind,
/// fcntl(2) or flock(2), that excludes others.
///
/// Asks without taking: the fcntl lock is only tested for, and the shared
/// flock is taken without waiting and given back at once.
pub fn is_locked(file: &File) -> bool {
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    if fcntl(file, FcntlArg::F_GETLK(&mut lock)).is_ok() && i32::from(lock.l_type) != libc::F_UNLCK
    {
        return true;
    }
    // SAFETY: flock(2) takes a descriptor and a constant, and `file` keeps the
    // descriptor open for the length of both calls. No memory is shared.
    unsafe {
        if libc::flock(file.as_raw_fd(), libc::LOCK_SH | libc::LOCK_NB) == 0 {
            libc::flock(file.as_raw_fd(), libc::LOCK_UN);
            return false;
        }
    }
    true
}
