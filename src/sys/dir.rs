//! Directory access by descriptor: every path is relative to an open directory,
//! and the last component is not followed if it is a symbolic link, except
//! where a function says so.
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
    AT_FDCWD, AtFlags, FcntlArg, OFlag, OpenHow, RenameFlags, ResolveFlag, fcntl, openat, openat2,
    renameat, renameat2,
};
use nix::sys::stat::{
    FileStat, Mode, SFlag, UtimensatFlags, fchmod, fstat, fstatat, mkdirat, utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, Whence, fchown, fsync, lseek, unlinkat};

use super::error_text::{is, is_any};
use super::retry_on_eintr;

/// The flags for opening files for reading: symbolic links are not followed,
/// nothing blocks.
const TO_READ: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// The errors of renameat2(2) if its flags are not supported by the file system
/// or the kernel, or are forbidden by a system call filter.
const NO_SUCH_FLAG: [Errno; 3] = [Errno::EINVAL, Errno::ENOSYS, Errno::EPERM];

/// A file time: seconds since the epoch, and nanoseconds.
pub type FileTime = (i64, i64);

/// An open directory.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl Dir {
    /// Opens a directory by the path that the caller gave. Symbolic links are
    /// followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(retry_on_eintr(|| {
            openat(AT_FDCWD, path, flags, Mode::empty())
        })?))
    }

    /// Opens an existing file or directory.
    fn open_below(&self, path: &OsStr, flags: OFlag) -> io::Result<OwnedFd> {
        retry_on_eintr(|| openat(&self.0, path, flags, Mode::empty()))
    }

    /// Opens a directory below this one. A symbolic link is an error.
    pub fn open_dir(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens a directory below this one. A symbolic link is followed, so this
    /// is only for names whose parent directory belongs to a trusted account.
    pub fn open_dir_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens the file at `path` for reading. Never blocks. The file may have
    /// been replaced by a FIFO or a device, so the caller must check its type.
    /// A symbolic link is an error (`ELOOP`).
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
    pub fn open_place(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Like [`Dir::open_place`], but a symbolic link is followed, so this is
    /// only for names whose parent directory belongs to a trusted account.
    pub fn open_place_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens `name`, whatever its type, only to examine it: read permission is
    /// not needed, and opening it has no side effects. A symbolic link itself
    /// is opened.
    pub fn open_unread(&self, name: &OsStr) -> io::Result<OwnedFd> {
        self.open_below(name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
    }

    /// Opens the file `name` for reading and writing, to change its mode. Never
    /// blocks.
    ///
    /// # Errors
    ///
    /// `ELOOP` for a symbolic link; otherwise those of openat(2).
    pub fn open_to_change(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_RDWR
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        self.open_below(name, flags).map(File::from)
    }

    /// Opens the file `name` for reading and appending; creates it, with access
    /// for its owner only, if it does not exist. Never blocks.
    ///
    /// # Errors
    ///
    /// `ELOOP` for a symbolic link; otherwise those of openat(2).
    pub fn open_to_append(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_RDWR
            | OFlag::O_APPEND
            | OFlag::O_CREAT
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(retry_on_eintr(|| {
            openat(&self.0, name, flags, mode)
        })?))
    }

    /// Like [`Dir::open_to_append`], but always creates the file.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken; otherwise those of openat(2).
    pub fn create_to_append(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_RDWR
            | OFlag::O_APPEND
            | OFlag::O_CREAT
            | OFlag::O_EXCL
            | OFlag::O_NOFOLLOW
            | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(retry_on_eintr(|| {
            openat(&self.0, name, flags, mode)
        })?))
    }

    /// Opens the file `name` for appending only. If it does not exist, it is
    /// created, with access for its owner only, or `ENOENT` is returned. Never
    /// blocks.
    ///
    /// # Errors
    ///
    /// `ELOOP` for a symbolic link; otherwise those of openat(2).
    pub fn open_log(&self, name: &OsStr, if_missing: IfMissing) -> io::Result<File> {
        let mut flags = OFlag::O_WRONLY
            | OFlag::O_APPEND
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        if if_missing == IfMissing::Make {
            flags |= OFlag::O_CREAT;
        }
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(retry_on_eintr(|| {
            openat(&self.0, name, flags, mode)
        })?))
    }

    /// Creates the file `name`, with access for its owner only, and opens it
    /// for writing.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken; otherwise those of openat(2).
    pub fn make_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(retry_on_eintr(|| {
            openat(&self.0, name, flags, mode)
        })?))
    }

    /// Opens a FIFO for writing. It is an error if the FIFO has no reader, or
    /// for a symbolic link.
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

    /// Renames `name` in this directory to `new_name` in `target`, but never
    /// replaces a file, not even another hard link to the same file. See
    /// renameat2(2), `RENAME_NOREPLACE`.
    ///
    /// If the file system or the kernel does not support that flag, two calls
    /// are used, a check that the name is free and a plain rename: a file that
    /// gets the name between them is replaced.
    ///
    /// # Errors
    ///
    /// `EEXIST` if `new_name` is taken; otherwise those of rename(2).
    pub fn rename_no_replace(
        &self,
        name: &OsStr,
        target: &Dir,
        new_name: &OsStr,
    ) -> io::Result<()> {
        let flags = RenameFlags::RENAME_NOREPLACE;
        match retry_on_eintr(|| renameat2(&self.0, name, &target.0, new_name, flags)) {
            Err(cause) if is_any(&cause, &NO_SUCH_FLAG) => {
                target.check_free(new_name)?;
                retry_on_eintr(|| renameat(&self.0, name, &target.0, new_name))
            }
            done => done,
        }
    }

    /// Fails with `EEXIST` if the name is taken.
    fn check_free(&self, name: &OsStr) -> io::Result<()> {
        match self.stat(name) {
            Ok(_) => Err(Errno::EEXIST.into()),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    /// Renames the file `new` in this directory to `name`, and replaces the
    /// file of that name, if any, atomically. For files that this program
    /// rewrites; a message is moved with [`Dir::rename_no_replace`].
    pub fn replace(&self, name: &OsStr, new: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| renameat(&self.0, new, &self.0, name))
    }

    /// Removes a file that is not a directory.
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir))
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::RemoveDir))
    }

    /// Creates a directory that only its owner may use.
    pub fn make_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| mkdirat(&self.0, name, Mode::S_IRWXU))
    }

    /// Sets the access and modification times of `name` to `seconds` since the
    /// epoch. Symbolic links are not followed.
    pub fn set_times(&self, name: &OsStr, seconds: i64) -> io::Result<()> {
        let time = TimeSpec::new(seconds, 0);
        let how = UtimensatFlags::NoFollowSymlink;
        Ok(utimensat(&self.0, name, &time, &time, how)?)
    }

    /// Restores the access and modification times of `name` to those in an
    /// earlier stat(2) result. Symbolic links are not followed.
    pub fn restore_times(&self, name: &OsStr, before: &FileStat) -> io::Result<()> {
        self.set_times_to(
            name,
            (before.st_atime, before.st_atime_nsec),
            (before.st_mtime, before.st_mtime_nsec),
        )
    }

    /// Sets the access and modification times of `name`, each in seconds and
    /// nanoseconds since the epoch. Symbolic links are not followed.
    pub fn set_times_to(
        &self,
        name: &OsStr,
        accessed: FileTime,
        modified: FileTime,
    ) -> io::Result<()> {
        let accessed = TimeSpec::new(accessed.0, accessed.1);
        let modified = TimeSpec::new(modified.0, modified.1);
        let how = UtimensatFlags::NoFollowSymlink;
        Ok(utimensat(&self.0, name, &accessed, &modified, how)?)
    }

    /// Waits until changes to the names in this directory are on disk.
    pub fn sync(&self) -> io::Result<()> {
        retry_on_eintr(|| fsync(&self.0))
    }

    /// Waits until everything on the file system of this directory is on disk.
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }

    /// Returns the lstat(2) result for `path`.
    pub fn stat(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Returns the stat(2) result for `path`. Symbolic links are followed.
    pub fn stat_through_link(&self, path: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, path, AtFlags::empty())?)
    }

    /// Returns the names in this directory, in readdir order, without `.` and
    /// `..`.
    ///
    /// The returned stream shares its position with the directory: list a `Dir`
    /// only once, or again after [`Dir::rewind`].
    pub fn names(&self) -> io::Result<NameStream> {
        let copy = self.0.try_clone()?;
        Ok(NameStream(nix::dir::Dir::from_fd(copy)?.into_iter()))
    }

    /// Makes the next [`Dir::names`] begin at the first name again.
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

/// What to do if a file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// The file is created.
    Make,
    /// An error is returned.
    Fail,
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

/// Sets the permission bits of an open file.
pub fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}

/// Sets the owner and group of an open file, by ID.
pub fn set_owner(file: impl AsFd, (user, group): (u32, u32)) -> io::Result<()> {
    Ok(fchown(
        file,
        Some(Uid::from_raw(user)),
        Some(Gid::from_raw(group)),
    )?)
}

/// Returns the fstat(2) result for an open file.
pub fn stat_open(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?)
}
