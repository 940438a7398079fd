//! What a process does before anything else: umask, the standard
//! descriptors, whether it runs with somebody else's rights.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use nix::libc;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid, getgid, getuid};

/// umask 022, and descriptors 0, 1 and 2 open: a file opened later must never
/// land on one of them and receive our output (spec page 11).
pub fn tidy() -> io::Result<()> {
    umask(Mode::from_bits_truncate(0o022));
    loop {
        let null = open_null()?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        // Takes the free place for good: that is the purpose.
        let _ = null.into_raw_fd();
    }
}

fn open_null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Whether the process got rights from the file it was started from
/// (set-uid or set-gid): its caller is then not to be trusted.
pub fn has_borrowed_rights() -> bool {
    // The kernel's own mark also covers file capabilities and a process that
    // a set-gid program started.
    // SAFETY: getauxval(3) takes an integer and returns one.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    secure || getuid() != geteuid() || getgid() != getegid()
}
