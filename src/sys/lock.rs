//! Locks on files: whether another process holds one, without touching it; and
//! an exclusive flock(2) of our own.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::{fstat, major, minor};
use rustix::fs::{FlockOperation, flock};

use super::error_text::is;

/// The file where the kernel lists the locks that are held.
const LOCKS: &str = "/proc/locks";
/// Where it says of each open file which mount and which inode it is of.
const OPEN_FILES: &str = "/proc/self/fdinfo";
/// Where it says which device each mount is of.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Whether any process holds an exclusive flock(2), or an fcntl(2) lock on this
/// host, on a file. Any descriptor will do, also one of `O_PATH`.
///
/// Only reads what the kernel lists: there is no call that asks for a flock(2)
/// without taking it, and taking it would, for that instant, keep a mail
/// system that is being started from taking it. A file on btrfs or overlayfs
/// has another device in stat(2) than in the list, so the device of its mount
/// counts as well.
///
/// # Errors
///
/// What the kernel lists cannot be read.
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

/// Whether any process holds an exclusive fcntl(2) lock on an open file, on
/// this host or, on a file system of the network, on another. Takes no lock.
///
/// # Errors
///
/// The file system or the kernel does not report it.
pub fn has_record_lock(file: &File) -> io::Result<bool> {
    // Such a lock could be taken beside all but an exclusive one.
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

// fcntl(2) wants them as short integers.
const F_RDLCK: libc::c_short = libc::F_RDLCK as libc::c_short;
const F_UNLCK: libc::c_short = libc::F_UNLCK as libc::c_short;
const SEEK_SET: libc::c_short = libc::SEEK_SET as libc::c_short;

/// What the list calls a file whose device is that of its mount.
fn name_by_mount(file: BorrowedFd<'_>, stat_inode: u64) -> io::Result<Option<String>> {
    let number = file.as_raw_fd();
    let facts = std::fs::read_to_string(format!("{OPEN_FILES}/{number}"))?;
    let Some(mount) = action_result(&facts, "mnt_id:") else {
        return Ok(None);
    };
    // Kernels before 5.14 do not say which inode.
    let inode = action_result(&facts, "ino:").and_then(|text| text.parse().ok());
    let mounts = std::fs::read_to_string(MOUNTS)?;
    let device = mounts.lines().find_map(|line| device_of_mount(line, mount));
    Ok(device.map(|device| listed_name(device, inode.unwrap_or(stat_inode))))
}

/// The text after a name in the lines of /proc/self/fdinfo.
fn action_result<'t>(facts: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = facts.lines();
    lines.find_map(|line| line.strip_prefix(name).map(str::trim))
}

/// The device in a line such as `65 43 0:39 / /mnt rw - overlay overlay rw`, if
/// it is of this mount.
fn device_of_mount(line: &str, mount: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    if words.next() != Some(mount) {
        return None;
    }
    let (major, minor) = words.nth(1)?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What the list calls a file.
fn listed_name((major, minor): (u64, u64), inode: u64) -> String {
    format!("{major:02x}:{minor:02x}:{inode}")
}

/// Whether a line such as `1: FLOCK  ADVISORY  WRITE 2413 fe:00:1234 0 EOF`
/// is an exclusive lock on this file. Lines with `->` are of waiting processes.
fn excludes(line: &str, file: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words.as_slice(), [_, kind, _, "WRITE", _, name, ..] if *kind != "->" && *name == file)
}

/// An exclusive flock(2) on a file, given back when dropped.
///
/// Not nix's: that one panics if the lock cannot be given back.
#[derive(Debug)]
pub struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails the lock goes with the last descriptor of the file.
        let _ = lock_or_unlock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes an exclusive flock(2); `None` if another process has it.
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
    fn only_exclusive_locks_that_are_held_count() {
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

    // As kernel 6.18 lists a file on an overlay.
    #[test]
    fn the_device_of_a_mount_is_found_by_its_number() {
        let facts = "pos:\t0\nflags:\t0102001\nmnt_id:\t65\nino:\t10019121\n";
        let mount = action_result(facts, "mnt_id:").unwrap();
        assert_eq!(action_result(facts, "ino:"), Some("10019121"));
        let line = "65 43 0:39 / /tmp/m rw,relatime - overlay overlay rw,lowerdir=/l";
        let device = device_of_mount(line, mount).unwrap();
        assert_eq!(listed_name(device, 10_019_121), "00:27:10019121");
        assert_eq!(device_of_mount(line, "6"), None);
        assert_eq!(device_of_mount("65", mount), None);
    }
}
