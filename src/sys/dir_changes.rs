//! Changes below an open directory: creating, renaming and removing names,
//! setting times, owners and modes, and waiting until the disk has them.
//!
//! As in `dir`, every path is relative to the directory, and a symbolic link is
//! not followed.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, UtimensatFlags, fchmod, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, unlinkat};

use super::dir::Dir;
use super::error_text::{is, is_any};
use super::retry_on_eintr;

/// The errors of renameat2(2) if its flags are not supported by the file system
/// or the kernel, or are forbidden by a system call filter.
const NO_SUCH_FLAG: [Errno; 3] = [Errno::EINVAL, Errno::ENOSYS, Errno::EPERM];

/// A file time: seconds since the epoch, and nanoseconds.
pub type FileTime = (i64, i64);

/// What to do if a file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// The file is created.
    Make,
    /// An error is returned.
    Fail,
}

impl Dir {
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
        self.open_private(name, flags)
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
        self.open_private(name, flags)
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
        self.open_private(name, flags)
    }

    /// Creates the file `name`, with access for its owner only, and opens it
    /// for writing.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken; otherwise those of openat(2).
    pub fn make_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        self.open_private(name, flags)
    }

    /// Opens a file. If the flags create it, only its owner has access.
    fn open_private(&self, name: &OsStr, flags: OFlag) -> io::Result<File> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let opened = retry_on_eintr(|| openat(&self.0, name, flags, mode))?;
        Ok(File::from(opened))
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
    ///
    /// # Errors
    ///
    /// Those of renameat(2).
    pub fn replace(&self, name: &OsStr, new: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| renameat(&self.0, new, &self.0, name))
    }

    /// Removes a file that is not a directory.
    ///
    /// # Errors
    ///
    /// Those of unlinkat(2).
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// Those of unlinkat(2).
    pub fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::RemoveDir))
    }

    /// Creates a directory that only its owner may use.
    ///
    /// # Errors
    ///
    /// Those of mkdirat(2).
    pub fn make_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| mkdirat(&self.0, name, Mode::S_IRWXU))
    }

    /// Sets the access and modification times of `name` to `seconds` since the
    /// epoch. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// Those of utimensat(2).
    pub fn set_times(&self, name: &OsStr, seconds: i64) -> io::Result<()> {
        let time = TimeSpec::new(seconds, 0);
        let how = UtimensatFlags::NoFollowSymlink;
        Ok(utimensat(&self.0, name, &time, &time, how)?)
    }

    /// Restores the access and modification times of `name` to those in an
    /// earlier stat(2) result. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// Those of utimensat(2).
    pub fn restore_times(&self, name: &OsStr, before: &FileStat) -> io::Result<()> {
        self.set_times_to(
            name,
            (before.st_atime, before.st_atime_nsec),
            (before.st_mtime, before.st_mtime_nsec),
        )
    }

    /// Sets the access and modification times of `name`, each in seconds and
    /// nanoseconds since the epoch. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// Those of utimensat(2).
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
    ///
    /// # Errors
    ///
    /// Those of fsync(2).
    pub fn sync(&self) -> io::Result<()> {
        retry_on_eintr(|| fsync(&self.0))
    }

    /// Waits until everything on the file system of this directory is on disk.
    ///
    /// # Errors
    ///
    /// Those of syncfs(2).
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }
}

/// Sets the permission bits of an open file.
///
/// # Errors
///
/// Those of fchmod(2).
pub fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}

/// Sets the owner and group of an open file, by ID.
///
/// # Errors
///
/// Those of fchown(2).
pub fn set_owner(file: impl AsFd, (user, group): (u32, u32)) -> io::Result<()> {
    Ok(fchown(
        file,
        Some(Uid::from_raw(user)),
        Some(Gid::from_raw(group)),
    )?)
}
