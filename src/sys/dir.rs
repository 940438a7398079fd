//! Directories by descriptor: every path is relative to an open directory,
//! and the last component is never followed if it is a link.
//!
//! Why: the spool belongs to an account that may be compromised. Between a
//! look at a path and its use, any component can be swapped for a link; an
//! open descriptor cannot.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::OwningIter;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

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

/// Iterator over the names in a directory.
#[derive(Debug)]
pub struct Names(OwningIter);

impl Iterator for Names {
    type Item = io::Result<OsString>;

    fn next(&mut self) -> Option<Self::Item> {
        for entry in self.0.by_ref() {
            match entry {
                Ok(entry) => match entry.file_name().to_bytes() {
                    b"." | b".." => {}
                    name => return Some(Ok(OsStr::from_bytes(name).to_owned())),
                },
                Err(error) => return Some(Err(error.into())),
            }
        }
        None
    }
}

/// What fstat(2) says of an open file.
pub fn stat_open(file: impl AsFd) -> Result<FileStat, Errno> {
    fstat(file)
}
