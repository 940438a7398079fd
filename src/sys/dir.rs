//! Directories by descriptor: every path is relative to an open directory,
//! and the last component is never followed if it is a link.
//!
//! Why: the spool belongs to an account that may be compromised. Between a
//! look at a path and its use, any component can be swapped for a link; an
//! open descriptor cannot.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::dir::OwningIter;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

/// An open directory.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl Dir {
    /// Opens a directory by path, as the caller named it: links are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(openat(AT_FDCWD, path, flags, Mode::empty())?))
    }

    /// Opens a directory below this one; not through a link.
    pub fn open_dir(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self(openat(&self.0, path, flags, Mode::empty())?))
    }

    /// Opens a directory below this one, through a link if it is one. Only for
    /// names whose parent directory belongs to somebody who is trusted.
    pub fn open_dir_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(openat(&self.0, path, flags, Mode::empty())?))
    }

    /// Opens what stands at `path` for reading. Never blocks: what is opened
    /// may be a FIFO or a device by now, so the caller checks its type.
    /// A link is an error (`ELOOP`).
    pub fn open_file(&self, path: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        Ok(File::from(openat(&self.0, path, flags, Mode::empty())?))
    }

    /// What lstat(2) says of `path`.
    pub fn stat(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// What stat(2) says of what `path` leads to.
    pub fn stat_through_link(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::empty())?)
    }

    /// The names in this directory, in readdir order, without `.` and `..`.
    ///
    /// The names share the directory's read position: list once per `Dir`.
    pub fn names(&self) -> io::Result<Names> {
        let copy = self.0.try_clone()?;
        Ok(Names(nix::dir::Dir::from_fd(copy)?.into_iter()))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The names in a directory that are still to be read.
#[derive(Debug)]
pub struct Names(OwningIter);

impl Names {
    /// Puts the next name into `name`; false at the end. A directory that
    /// cannot be read on ends there: what was read is still true.
    pub fn next(&mut self, name: &mut Vec<u8>) -> bool {
        while let Some(Ok(entry)) = self.0.next() {
            match entry.file_name().to_bytes() {
                b"." | b".." => {}
                bytes => {
                    name.clear();
                    name.extend_from_slice(bytes);
                    return true;
                }
            }
        }
        false
    }
}

/// What kind of object a stat(2) result describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Other,
}

impl Kind {
    /// The kind in a stat(2) result.
    pub fn of(stat: &FileStat) -> Self {
        match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFREG => Self::File,
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What fstat(2) says of an open file.
pub fn stat_open(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?)
}
