//! File locks: detects whether another process holds one, without touching it,
//! and takes an exclusive flock(2) lock.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::{fstat, major, minor};
use rustix::fs::{FlockOperation, flock};

use super::error_text::is;

/// The file in which the kernel lists all locks.
const LOCKS: &str = "/proc/locks";
/// The directory in which the kernel describes each open file, including its
/// mount and inode number.
const OPEN_FILES: &str = "/proc/self/fdinfo";
/// The file in which the kernel lists the device of each mount.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Returns whether any process holds an exclusive flock(2) lock, or an fcntl(2)
/// lock on this host, on a file. Any descriptor will do, also an `O_PATH` one.
///
/// Only reads the kernel's list: no call tests for a flock(2) lock without
/// taking it, and taking it could, for that instant, prevent a mail system that
/// is just starting from taking it. A file on btrfs or overlayfs has a
/// different device in stat(2) than in the list, so the device of its mount is
/// compared as well.
///
/// # Errors
///
/// The kernel's list cannot be read.
pub fn is_listed_as_locked(file: impl AsFd) -> io::Result<bool> {
    let file = file.as_fd();
    let stat = fstat(file)?;
    let (device, inode) = ((major(stat.st_dev), minor(stat.st_dev)), stat.st_ino);
    let mut names = vec![listed_name(device, inode)];
    names.extend(name_by_mount(file, inode).ok().flatten());
    let locks = std::fs::read_to_string(LOCKS)?;
    Ok(names
        .iter()
        .any(|name| locks.lines().any(|line| excludes(line, name))))
}

/// Returns whether any process holds an exclusive fcntl(2) lock on an open
/// file, on this host or, for a network file system, on another. Takes no lock.
///
/// # Errors
///
/// The file system or the kernel does not report locks.
pub fn has_record_lock(file: &File) -> io::Result<bool> {
    // A shared lock conflicts only with an exclusive one.
    let mut lock = libc::flock {
        l_type: F_RDLCK,
        l_whence: SEEK_SET,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(lock.l_type != F_UNLCK)
}

// The fields of `flock` are short integers.
const F_RDLCK: libc::c_short = libc::F_RDLCK as libc::c_short;
const F_UNLCK: libc::c_short = libc::F_UNLCK as libc::c_short;
const SEEK_SET: libc::c_short = libc::SEEK_SET as libc::c_short;

/// Returns the name that the kernel's list uses for a file if it identifies the
/// file by the device of its mount.
fn name_by_mount(file: BorrowedFd<'_>, stat_inode: u64) -> io::Result<Option<String>> {
    let number = file.as_raw_fd();
    let fields = std::fs::read_to_string(format!("{OPEN_FILES}/{number}"))?;
    let Some(mount) = field_value(&fields, "mnt_id:") else {
        return Ok(None);
    };
    // Kernels before 5.14 do not report the inode number.
    let inode = field_value(&fields, "ino:").and_then(|text| text.parse().ok());
    let mounts = std::fs::read_to_string(MOUNTS)?;
    let device = mounts.lines().find_map(|line| device_of_mount(line, mount));
    Ok(device.map(|device| listed_name(device, inode.unwrap_or(stat_inode))))
}

/// Returns the value of a field in /proc/self/fdinfo.
fn field_value<'t>(fields: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = fields.lines();
    lines.find_map(|line| line.strip_prefix(name).map(str::trim))
}

/// Returns the device in a line such as `65 43 0:39 / /mnt rw - overlay overlay
/// rw`, if the line describes this mount.
fn device_of_mount(line: &str, mount: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    if words.next() != Some(mount) {
        return None;
    }
    let (major, minor) = words.nth(1)?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Returns the name that the kernel's list uses for a file.
fn listed_name((major, minor): (u64, u64), inode: u64) -> String {
    format!("{major:02x}:{minor:02x}:{inode}")
}

/// Returns whether a line such as `1: FLOCK  ADVISORY  WRITE 2413 fe:00:1234 0
/// EOF` describes an exclusive lock on this file. Lines with `->` describe
/// waiting processes.
fn excludes(line: &str, file: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words.as_slice(), [_, kind, _, "WRITE", _, name, ..] if *kind != "->" && *name == file)
}

/// An exclusive flock(2) lock on a file, released when dropped.
///
/// nix's own type is not used, because it panics if the lock cannot be
/// released.
#[derive(Debug)]
pub struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails, the lock is released with the last descriptor of the
        // file.
        let _ = lock_or_unlock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes an exclusive flock(2) lock; `None` if another process holds it.
///
/// # Errors
///
/// Those of flock(2).
pub fn try_lock(file: &File) -> io::Result<Option<Locked>> {
    // The copy shares the lock with the original.
    let copy = file.try_clone()?;
    match lock_or_unlock(&copy, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Locked(copy))),
        Err(cause) if is(&cause, Errno::EWOULDBLOCK) => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn lock_or_unlock(file: &File, operation: FlockOperation) -> io::Result<()> {
    loop {
        match flock(file, operation) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_held_exclusive_locks_are_detected() {
        for (line, locked) in [
            ("1: FLOCK  ADVISORY  WRITE 2413 fe:00:1234 0 EOF", true),
            ("2: POSIX  ADVISORY  WRITE 2413 fe:00:1234 0 EOF", true),
            ("1: FLOCK  ADVISORY  READ 2413 fe:00:1234 0 EOF", false),
            ("1: -> FLOCK  ADVISORY  WRITE 2413 fe:00:1234 0 EOF", false),
            ("1: FLOCK  ADVISORY  WRITE 2413 fe:00:12345 0 EOF", false),
        ] {
            assert_eq!(excludes(line, "fe:00:1234"), locked, "{line}");
        }
    }

    // Observed with kernel 6.18 for a file on overlayfs.
    #[test]
    fn the_device_of_a_mount_is_found_by_mount_id() {
        let fields = "pos:\t0\nflags:\t0102001\nmnt_id:\t65\nino:\t10019121\n";
        let mount = field_value(fields, "mnt_id:").unwrap();
        assert_eq!(field_value(fields, "ino:"), Some("10019121"));
        let line = "65 43 0:39 / /tmp/m rw,relatime - overlay overlay rw,lowerdir=/l";
        let device = device_of_mount(line, mount).unwrap();
        assert_eq!(listed_name(device, 10_019_121), "00:27:10019121");
        assert_eq!(device_of_mount(line, "6"), None);
        assert_eq!(device_of_mount("65", mount), None);
    }
}
