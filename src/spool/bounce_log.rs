//! Appends to bounce logs, from which the bounce daemon makes the notice that a
//! message could not be delivered. Observed with Postfix 3.7.11: mode and owner are
//! those of a log that the daemon wrote.
//!
//! A log is text that remote systems can influence: an existing one is read in
//! pieces of bounded size, and only a log that is the caller's own is changed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use nix::unistd::geteuid;
use thiserror::Error;

use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::error_text::{error_text, is};
use crate::text::digits;

/// The mode of a log.
const MODE: u32 = 0o600;
/// The mode of the directories of logs.
const DIRECTORY_MODE: u32 = 0o700;
/// All permission bits.
const PERMISSIONS: u32 = 0o7777;
/// The number of bytes of a line that are examined: `offset=` and a number.
const LINE_MAX: u64 = 64;
/// The largest size of an existing log that is appended to: no message has that
/// many recipients.
const SIZE_MAX: u64 = 256 * 1024 * 1024;
/// The number of bytes that are written at once.
const WRITE_SIZE: usize = 64 * 1024;

/// Why a bounce log cannot be written.
#[derive(Debug, Error)]
pub enum BounceLogError {
    /// The directory or the log does not belong to the mail owner, or has another
    /// mode than the mail system gives it.
    #[error("{path}: {problem}")]
    NotAsExpected {
        /// The file or directory, relative to the queue directory.
        path: String,
        /// What is different.
        problem: String,
    },
    /// A system call failed.
    #[error("{path}: {}", error_text(.cause))]
    System {
        /// The file or directory, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
}

/// A bounce log to which entries can be appended. It is created with the first one.
#[derive(Debug)]
pub struct BounceLog<'d> {
    dir: &'d Dir,
    name: Vec<u8>,
    path: String,
    /// The log, once it was opened for appending.
    file: Option<File>,
    /// The size of the complete entries; `None` if there was no log.
    size_before: Option<u64>,
    /// The records that have an entry, by the offset of the last entry's end in the
    /// log.
    logged: HashMap<u64, u64>,
}

impl<'d> BounceLog<'d> {
    /// Examines the log called `name` in `dir`, and changes nothing. `path` is what
    /// errors call the log.
    ///
    /// # Errors
    ///
    /// The log is not as the bounce daemon makes it, or cannot be read.
    pub fn examine(dir: &'d Dir, name: &[u8], path: &str) -> Result<Self, BounceLogError> {
        let failed = |cause| system_error(path, cause);
        let mut log = Self {
            dir,
            name: name.to_vec(),
            path: path.to_owned(),
            file: None,
            size_before: None,
            logged: HashMap::new(),
        };
        match dir.stat(log.os_name()) {
            Ok(stat) => check(&stat, FileKind::File, path)?,
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(log),
            Err(cause) => return Err(failed(cause)),
        }
        let file = dir.open_file(log.os_name()).map_err(failed)?;
        let stat = stat_open(&file).map_err(failed)?;
        check(&stat, FileKind::File, path)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size > SIZE_MAX {
            return Err(unexpected(path, "the file is too large"));
        }
        let (whole, logged) = entries(&file, size).map_err(failed)?;
        log.size_before = Some(whole);
        log.logged = logged;
        Ok(log)
    }

    fn os_name(&self) -> &OsStr {
        OsStr::from_bytes(&self.name)
    }

    /// The size of the complete entries before anything was appended; `None` if
    /// the log did not exist.
    pub fn size_before(&self) -> Option<u64> {
        self.size_before
    }

    /// Whether the log had an entry for the record at this offset.
    pub fn has_entry(&self, offset: u64) -> bool {
        self.logged.contains_key(&offset)
    }

    /// The offsets of the records that have an entry after the first `size` bytes.
    pub fn entries_after(&self, size: u64) -> Vec<u64> {
        let after = self.logged.iter().filter(|(_, end)| **end > size);
        after.map(|(record, _)| *record).collect()
    }

    /// Appends entries. An entry that was not written to its end before is cut off.
    /// They are complete on disk after [`BounceLog::sync`].
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn append(&mut self, entries: &[u8]) -> Result<(), BounceLogError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        for piece in entries.chunks(WRITE_SIZE) {
            let written = file.write_all(piece);
            written.map_err(|cause| system_error(&self.path, cause))?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn open(&self) -> Result<File, BounceLogError> {
        let failed = |cause| system_error(&self.path, cause);
        let file = self.dir.open_to_append(self.os_name()).map_err(failed)?;
        let stat = stat_open(&file).map_err(failed)?;
        check(&stat, FileKind::File, &self.path)?;
        let whole = self.size_before.unwrap_or(0);
        if u64::try_from(stat.st_size).unwrap_or(0) > whole {
            file.set_len(whole).map_err(failed)?;
        }
        Ok(file)
    }

    /// Waits until the entries, and the name of a new log, are on disk.
    ///
    /// # Errors
    ///
    /// Those of fsync(2).
    pub fn sync(&self) -> Result<(), BounceLogError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let synced = file.sync_all().and_then(|()| match self.size_before {
            Some(_) => Ok(()),
            None => self.dir.open_dir(OsStr::new("."))?.sync(),
        });
        synced.map_err(|cause| system_error(&self.path, cause))
    }
}

/// Takes back what was appended to the log called `name` in `dir`: cuts it off
/// after `size_before` bytes, or removes a log that did not exist before. `path` is
/// what errors call the log.
///
/// # Errors
///
/// The log is not as the bounce daemon makes it, or cannot be changed.
pub fn revert(
    dir: &Dir,
    name: &[u8],
    size_before: Option<u64>,
    path: &str,
) -> Result<(), BounceLogError> {
    let failed = |cause| system_error(path, cause);
    let name = OsStr::from_bytes(name);
    match dir.stat(name) {
        Ok(stat) => check(&stat, FileKind::File, path)?,
        Err(cause) if is(&cause, Errno::ENOENT) => return Ok(()),
        Err(cause) => return Err(failed(cause)),
    }
    let Some(size) = size_before else {
        return dir.remove_file(name).map_err(failed);
    };
    let file = dir.open_to_change(name).map_err(failed)?;
    let stat = stat_open(&file).map_err(failed)?;
    check(&stat, FileKind::File, path)?;
    if u64::try_from(stat.st_size).unwrap_or(0) > size {
        file.set_len(size).map_err(failed)?;
    }
    Ok(())
}

/// Checks that the directory of a log is the mail owner's and closed to others.
/// `path` is what errors call it.
///
/// # Errors
///
/// It is not.
pub fn check_directory(dir: &Dir, path: &str) -> Result<(), BounceLogError> {
    let stat = dir.stat(OsStr::new("."));
    let stat = stat.map_err(|cause| system_error(path, cause))?;
    check(&stat, FileKind::Directory, path)
}

fn check(stat: &FileStat, kind: FileKind, path: &str) -> Result<(), BounceLogError> {
    let (what, expected) = match kind {
        FileKind::Directory => ("directory", DIRECTORY_MODE),
        _ => ("regular file", MODE),
    };
    let mode = stat.st_mode & PERMISSIONS;
    let problem = if FileKind::of(stat) != kind {
        format!("not a {what}")
    } else if stat.st_uid != geteuid().as_raw() {
        format!("owned by user {}, not by the mail owner", stat.st_uid)
    } else if mode != expected {
        format!("mode {mode:04o}, not {expected:04o}")
    } else if kind == FileKind::File && stat.st_nlink != 1 {
        format!("{} hard links", stat.st_nlink)
    } else {
        return Ok(());
    };
    Err(unexpected(path, &problem))
}

fn unexpected(path: &str, problem: &str) -> BounceLogError {
    BounceLogError::NotAsExpected {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

fn system_error(path: &str, cause: io::Error) -> BounceLogError {
    BounceLogError::System {
        path: path.to_owned(),
        cause,
    }
}

/// Returns the size of the complete entries, each of which ends with a blank line,
/// and the offsets of the records they are about, each with the end of its entry.
fn entries(file: &File, size: u64) -> io::Result<(u64, HashMap<u64, u64>)> {
    let mut input = BufReader::with_capacity(WRITE_SIZE, file.take(size));
    let (mut position, mut whole) = (0u64, 0u64);
    let mut logged = HashMap::new();
    let mut offset: Option<u64> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let (length, ended) = read_line(&mut input, &mut line)?;
        position = position.saturating_add(length);
        if !ended {
            return Ok((whole, logged));
        }
        if line.is_empty() {
            whole = position;
            logged.extend(offset.take().map(|offset| (offset, whole)));
        } else if let Some(number) = line.strip_prefix(b"offset=") {
            offset = digits(number);
        }
    }
}

/// Reads a line, of which the first [`LINE_MAX`] bytes are kept, without its
/// newline. Returns the number of bytes read, and whether there was a newline.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(u64, bool)> {
    let mut total = 0u64;
    loop {
        let available = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        let newline = available.iter().position(|&b| b == b'\n');
        let text = available.get(..newline.unwrap_or(available.len()));
        let text = text.unwrap_or_default();
        let left = LINE_MAX.saturating_sub(total);
        text.take(left).read_to_end(line)?;
        let used = text.len().saturating_add(newline.is_some().into());
        input.consume(used);
        total = total.saturating_add(used as u64);
        if newline.is_some() || used == 0 {
            return Ok((total, newline.is_some()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// An entry, as far as it matters here.
    const ENTRY: &str = "\n<a@x>: text\nrecipient=a@x\noffset=734\nreason=text\n\n";

    fn directory() -> (tempfile::TempDir, Dir) {
        let directory = tempfile::tempdir().expect("a directory");
        let mode = PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(directory.path(), mode).expect("a mode");
        let dir = Dir::open(directory.path()).expect("opened");
        (directory, dir)
    }

    fn open(dir: &Dir) -> Result<BounceLog<'_>, String> {
        BounceLog::examine(dir, b"ABC", "bounce/ABC").map_err(|error| error.to_string())
    }

    #[test]
    fn an_unfinished_entry_is_replaced() {
        let (directory, dir) = directory();
        let path = directory.path().join("ABC");
        let entry = ENTRY;
        for cut in 0..entry.len() {
            drop(std::fs::remove_file(&path));
            let mut log = open(&dir).expect("a new log");
            assert_eq!(log.size_before(), None);
            assert!(!path.exists());
            log.append(entry.as_bytes()).expect("appended");
            log.append(&entry.as_bytes()[..cut]).expect("appended");
            let mut log = open(&dir).expect("the log");
            let whole = entry.len() as u64 + u64::from(cut > 0);
            assert_eq!(log.size_before(), Some(whole), "{cut}");
            assert!(log.has_entry(734) && !log.has_entry(73));
            log.append(entry.as_bytes()).expect("appended");
            log.append(entry.as_bytes()).expect("appended");
            log.sync().expect("on disk");
            let length = || std::fs::metadata(&path).expect("it").len();
            assert_eq!(length(), whole + 2 * entry.len() as u64);
            revert(&dir, b"ABC", log.size_before(), "bounce/ABC").expect("reverted");
            assert_eq!(length(), whole);
        }
    }

    #[test]
    fn a_new_log_is_as_the_daemon_makes_it_and_can_be_reverted() {
        let (directory, dir) = directory();
        let mut log = open(&dir).expect("a new log");
        let path = directory.path().join("ABC");
        log.append(b"\n").expect("appended");
        let mode = std::fs::metadata(&path).expect("it").permissions().mode();
        assert_eq!(mode & PERMISSIONS, MODE);
        for _ in 0..2 {
            revert(&dir, b"ABC", None, "bounce/ABC").expect("reverted");
            assert!(!path.exists());
        }
    }

    #[test]
    fn what_is_not_as_the_mail_system_makes_it_is_refused() {
        let (directory, dir) = directory();
        let path = directory.path().join("ABC");
        let chmod = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
        };
        check_directory(&dir, "bounce").expect("a good directory");
        chmod(directory.path(), 0o755);
        let refused = check_directory(&dir, "bounce").expect_err("an error");
        assert_eq!(refused.to_string(), "bounce: mode 0755, not 0700");
        std::fs::write(&path, "").expect("a log");
        chmod(&path, 0o644);
        assert_eq!(
            open(&dir).expect_err("it"),
            "bounce/ABC: mode 0644, not 0600"
        );
        chmod(&path, 0o600);
        std::fs::hard_link(&path, directory.path().join("DEF")).expect("a link");
        assert_eq!(open(&dir).expect_err("it"), "bounce/ABC: 2 hard links");
        std::fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("DEF", &path).expect("a link");
        assert_eq!(
            open(&dir).expect_err("it"),
            "bounce/ABC: not a regular file"
        );
        std::fs::remove_file(&path).expect("removed");
        std::fs::create_dir(&path).expect("a directory");
        assert_eq!(
            open(&dir).expect_err("it"),
            "bounce/ABC: not a regular file"
        );
    }
}
