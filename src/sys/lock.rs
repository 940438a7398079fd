//! Locks on files: whether somebody holds one, without touching it; and one
//! of our own.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::{FileStat, major, minor};

use super::again;
use super::error_text::is;

/// Where the kernel lists the locks that are held.
const LOCKS: &str = "/proc/locks";

/// Whether any process holds an exclusive lock, fcntl(2) or flock(2), on the
/// file that stat(2) describes.
///
/// Only reads what the kernel lists: taking the lock to see whether it is free
/// would, for that instant, keep its owner from taking it.
pub fn is_locked(file: &FileStat) -> io::Result<bool> {
    let (major, minor) = (major(file.st_dev), minor(file.st_dev));
    let name = format!("{major:02x}:{minor:02x}:{}", file.st_ino);
    Ok(std::fs::read_to_string(LOCKS)?
        .lines()
        .any(|line| excludes(line, &name)))
}

/// Whether a line such as `1: FLOCK  ADVISORY  WRITE 2413 fe:00:1234 0 EOF`
/// is an exclusive lock on this file. Lines with `->` are of those who wait.
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
        let _ = flock(&self.0, libc::LOCK_UN);
    }
}

/// Takes an exclusive flock(2); `None` if somebody else has it.
pub fn try_lock(file: &File) -> io::Result<Option<Locked>> {
    // The copy shares the lock with the original.
    let copy = file.try_clone()?;
    match flock(&copy, libc::LOCK_EX | libc::LOCK_NB) {
        Ok(()) => Ok(Some(Locked(copy))),
        Err(cause) if is(&cause, Errno::EWOULDBLOCK) => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn flock(file: &File, operation: libc::c_int) -> io::Result<()> {
    // SAFETY: flock(2) takes integers; the descriptor is open as long as the
    // file lives.
    again(|| Errno::result(unsafe { libc::flock(file.as_raw_fd(), operation) })).map(drop)
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
}
