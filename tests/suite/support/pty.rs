//! Pseudo-terminals that no other program inherits.
//!
//! Tests run beside each other in one process. A program that another test
//! starts between openpty(3) and fcntl(2) would keep the terminal open, and
//! what reads it would wait for that program's end.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

/// Both sides of a pseudo-terminal.
pub struct Pty {
    pub master: OwnedFd,
    pub slave: OwnedFd,
}

/// Opens a new one; both descriptors are closed on exec.
pub fn open() -> Pty {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).expect("a pseudo-terminal");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    let name = ptsname_r(&master).expect("its name");
    // The standard library opens with O_CLOEXEC.
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(&name)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    Pty {
        master: master.into(),
        slave: slave.into(),
    }
}

impl Pty {
    /// Gives the terminal a size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let (rows, columns) = (rows.to_string(), columns.to_string());
        let slave = File::from(self.slave.try_clone().expect("dup"));
        let status = Command::new("stty")
            .args(["rows", &rows, "cols", &columns])
            .stdin(slave)
            .status();
        assert!(status.expect("stty starts").success());
    }
}
