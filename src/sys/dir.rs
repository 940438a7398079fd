//! Directory access by descriptor: every path is relative to an open directory,
//! and the last component is not followed if it is a symbolic link, except
//! where a function says so. Changes nothing: see `dir_changes`.
//!
//! The spool belongs to an account that may be compromised. Between the check
//! of a path and its use, any component can be replaced with a symbolic link;
//! an open descriptor cannot.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::{OwningIter, Type};
use nix::errno::Errno;
use nix::fcntl::{
    AT_FDCWD, AtFlags, FcntlArg, OFlag, OpenHow, ResolveFlag, fcntl, openat, openat2,
};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{Whence, lseek};

use super::error_text::is_any;
use super::retry_on_eintr;

/// The flags for opening files for reading: symbolic links are not followed,
/// nothing blocks.
const TO_READ: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub struct Dir(pub(super) OwnedFd);

impl Dir {
    /// Opens a directory by the path that the caller gave. Symbolic links are
    /// followed.
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(retry_on_eintr(|| {
            openat(AT_FDCWD, path, flags, Mode::empty())
        })?))
    }

    /// Opens an existing file or directory.
    pub(super) fn open_below(&self, path: &OsStr, flags: OFlag) -> io::Result<OwnedFd> {
        retry_on_eintr(|| openat(&self.0, path, flags, Mode::empty()))
    }

    /// Opens a directory below this one. A symbolic link is an error.
    ///
    /// # Errors
    ///
    /// Those of openat(2); `ENOTDIR` for a symbolic link.
    pub fn open_dir(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens a directory below this one. A symbolic link is followed, so this
    /// is only for names whose parent directory belongs to a trusted account.
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn open_dir_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens the file at `path` for reading. Never blocks. The file may have
    /// been replaced by a FIFO or a device, so the caller must check its type.
    /// A symbolic link is an error (`ELOOP`).
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn open_file(&self, path: &OsStr) -> io::Result<File> {
        self.open_below(path, TO_READ).map(File::from)
    }

    /// Like [`Dir::open_file`], for a path of several components. The first may
    /// be a symbolic link, because its parent directory belongs to a trusted
    /// account.
    ///
    /// # Errors
    ///
    /// `ELOOP` or `ENOTDIR` if another component is a symbolic link; otherwise
    /// those of openat2(2).
    pub fn open_file_below(&self, path: &OsStr) -> io::Result<File> {
        let how = OpenHow::new()
            .flags(TO_READ)
            .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        // There is a symbolic link in the path, or the kernel or a system call
        // filter does not support openat2(2).
        let wants_steps = [Errno::ELOOP, Errno::ENOSYS, Errno::EPERM];
        match retry_on_eintr(|| openat2(&self.0, path, how)) {
            Err(cause) if is_any(&cause, &wants_steps) => self.open_step_by_step(path),
            opened => opened.map(File::from),
        }
    }

    /// Like [`Dir::open_place`], for a path of several components. Symbolic links are not
    /// followed.
    ///
    /// # Errors
    ///
    /// `ELOOP` if a component is a symbolic link; otherwise those of openat2(2).
    pub fn open_place_below(&self, path: &OsStr) -> io::Result<Self> {
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        retry_on_eintr(|| openat2(&self.0, path, how)).map(Self)
    }

    fn open_step_by_step(&self, path: &OsStr) -> io::Result<File> {
        let mut names = path.as_bytes().split(|&byte| byte == b'/');
        let name = names.next_back().unwrap_or_default();
        let mut dir = None;
        for step in names.map(OsStr::from_bytes) {
            dir = Some(match &dir {
                None => self.open_place_through_link(step)?,
                Some(dir) => Self::open_place(dir, step)?,
            });
        }
        dir.as_ref()
            .unwrap_or(self)
            .open_file(OsStr::from_bytes(name))
    }

    /// Opens a directory below this one as a base for other calls. Its names
    /// cannot be read, so only search permission is needed. A symbolic link is
    /// an error.
    ///
    /// # Errors
    ///
    /// Those of openat(2); `ENOTDIR` for a symbolic link.
    pub fn open_place(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Like [`Dir::open_place`], but a symbolic link is followed, so this is
    /// only for names whose parent directory belongs to a trusted account.
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn open_place_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens `name`, whatever its type, only to examine it: read permission is
    /// not needed, and opening it has no side effects. A symbolic link itself
    /// is opened.
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn open_unread(&self, name: &OsStr) -> io::Result<OwnedFd> {
        self.open_below(name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
    }

    /// Opens a FIFO for writing. It is an error if the FIFO has no reader, or
    /// for a symbolic link.
    ///
    /// # Errors
    ///
    /// `ENXIO` for a FIFO without a reader; otherwise those of openat(2).
    pub fn open_to_wake(&self, path: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(File::from)
    }

    /// Opens a FIFO or a device for writing. Writing blocks until there is
    /// room.
    ///
    /// # Errors
    ///
    /// `ENXIO` for a FIFO without a reader, `ELOOP` for a symbolic link;
    /// otherwise those of openat(2).
    pub fn open_stream(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let stream = self.open_below(name, flags)?;
        fcntl(&stream, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok(File::from(stream))
    }

    /// Returns the lstat(2) result for `path`.
    ///
    /// # Errors
    ///
    /// Those of fstatat(2).
    pub fn stat(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Returns the stat(2) result for `path`. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// Those of fstatat(2).
    pub fn stat_through_link(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::empty())?)
    }

    /// Returns the names in this directory, in readdir order, without `.` and
    /// `..`.
    ///
    /// The returned stream shares its position with the directory: list a `Dir`
    /// only once, or again after [`Dir::rewind`].
    ///
    /// # Errors
    ///
    /// Those of dup(2) and fdopendir(3).
    pub fn names(&self) -> io::Result<NameStream> {
        let copy = self.0.try_clone()?;
        Ok(NameStream(nix::dir::Dir::from_fd(copy)?.into_iter()))
    }

    /// Makes the next [`Dir::names`] begin at the first name again.
    ///
    /// # Errors
    ///
    /// Those of lseek(2).
    pub fn rewind(&self) -> io::Result<()> {
        lseek(&self.0, 0, Whence::SeekSet)?;
        Ok(())
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A stream of the names in a directory.
#[derive(Debug)]
pub struct NameStream(OwningIter);

impl NameStream {
    /// Stores the next name in `name`. Returns its file type when the directory
    /// was read, if the file system reports it (`Some(None)` if it does not);
    /// `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of readdir(3).
    pub fn next(&mut self, name: &mut Vec<u8>) -> io::Result<Option<Option<FileKind>>> {
        for entry in &mut self.0 {
            let entry = entry?;
            match entry.file_name().to_bytes() {
                b"." | b".." => {}
                bytes => {
                    name.clear();
                    name.extend_from_slice(bytes);
                    return Ok(Some(entry.file_type().map(FileKind::from)));
                }
            }
        }
        Ok(None)
    }
}

/// A file type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Other,
}

impl FileKind {
    /// Returns the file type in a stat(2) result.
    pub fn of(stat: &FileStat) -> Self {
        match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFREG => Self::File,
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::Link,
            _ => Self::Other,
        }
    }
}

impl From<Type> for FileKind {
    fn from(kind: Type) -> Self {
        match kind {
            Type::File => Self::File,
            Type::Directory => Self::Directory,
            Type::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Returns the fstat(2) result for an open file.
///
/// # Errors
///
/// Those of fstat(2).
pub fn stat_open(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?)
}
