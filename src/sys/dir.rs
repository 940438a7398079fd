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

/// How files are opened to be read: links are not followed, nothing blocks.
const TO_READ: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// What renameat2(2) says where its flags are not supported: by the file
/// system, by the kernel, by a filter of system calls.
const NO_SUCH_FLAG: [Errno; 3] = [Errno::EINVAL, Errno::ENOSYS, Errno::EPERM];

/// An open directory.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl Dir {
    /// Opens a directory by path, as the caller named it: links are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(retry_on_eintr(|| {
            openat(AT_FDCWD, path, flags, Mode::empty())
        })?))
    }

    /// Opens what is there already.
    fn open_below(&self, path: &OsStr, flags: OFlag) -> io::Result<OwnedFd> {
        retry_on_eintr(|| openat(&self.0, path, flags, Mode::empty()))
    }

    /// Opens a directory below this one; not through a link.
    pub fn open_dir(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens a directory below this one, through a link if it is one. Only for
    /// names whose parent directory belongs to a trusted account.
    pub fn open_dir_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens what is at `path` for reading. Never blocks: what is opened
    /// may be a FIFO or a device by now, so the caller checks its type.
    /// A link is an error (`ELOOP`).
    pub fn open_file(&self, path: &OsStr) -> io::Result<File> {
        self.open_below(path, TO_READ).map(File::from)
    }

    /// As [`Dir::open_file`] for a path of several components. The first may
    /// be a link, because its parent directory belongs to an account that is
    /// trusted; another that is one is an error (`ELOOP` or `ENOTDIR`).
    pub fn open_file_below(&self, path: &OsStr) -> io::Result<File> {
        let how = OpenHow::new()
            .flags(TO_READ)
            .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        // A link, or a kernel or a filter of system calls that does not have
        // this call.
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

    /// Opens a directory below this one as a base for other calls: nothing is
    /// read from it, so that only search permission is needed later. Not
    /// through a link.
    pub fn open_place(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// As [`Dir::open_place`], through a link if it is one. Only for names
    /// whose parent directory belongs to a trusted account.
    pub fn open_place_through_link(&self, path: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(Self)
    }

    /// Opens `name` without reading rights on it and without an effect on it,
    /// whatever it is: only to ask what it is. A link is opened itself.
    pub fn open_unread(&self, name: &OsStr) -> io::Result<OwnedFd> {
        self.open_below(name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
    }

    /// Opens the file `name` for reading and writing, as somebody does who
    /// may change its mode. Never blocks; a link is an error (`ELOOP`).
    pub fn open_to_change(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_RDWR
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        self.open_below(name, flags).map(File::from)
    }

    /// Opens the file `name` for reading, and for writing at its end; makes it,
    /// for its owner alone, if there is none. Never blocks; a link is an error
    /// (`ELOOP`).
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

    /// As [`Dir::open_to_append`], but always a new file: an error (`EEXIST`) if
    /// anything has the name.
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

    /// Opens the file `name` for writing at its end only. If there is none it is
    /// made, for its owner alone, or it is an error (`ENOENT`). Never blocks; a
    /// link is an error (`ELOOP`).
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

    /// Makes the file `name`, for its owner alone, and opens it for writing. An
    /// error (`EEXIST`) if there is anything of that name.
    pub fn make_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(retry_on_eintr(|| {
            openat(&self.0, name, flags, mode)
        })?))
    }

    /// Opens a FIFO for writing; an error if it has no reader. Not through
    /// a link.
    pub fn open_to_wake(&self, path: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        self.open_below(path, flags).map(File::from)
    }

    /// Opens a FIFO or a device for writing; an error (`ENXIO`) for a FIFO that
    /// has no reader. What is written waits for room. Not through a link.
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

    /// Renames `name` in this directory to `new_name` in `target`, never onto
    /// something that has that name, even if that is another link to the same
    /// file. See renameat2(2), `RENAME_NOREPLACE`.
    ///
    /// A file system or a kernel without that flag needs two calls, a look
    /// whether the name is free and a plain rename: what gets the name between
    /// them is replaced.
    ///
    /// # Errors
    ///
    /// `EEXIST` if anything has the new name; otherwise what rename(2) fails
    /// with.
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

    /// Fails with `EEXIST` if anything has this name.
    fn check_free(&self, name: &OsStr) -> io::Result<()> {
        match self.stat(name) {
            Ok(_) => Err(Errno::EEXIST.into()),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    /// Gives `name` in this directory to the file that is called `new` there,
    /// in one step; what had it is gone. For files that this program writes
    /// anew; a message moves by [`Dir::rename_no_replace`].
    pub fn replace(&self, name: &OsStr, new: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| renameat(&self.0, new, &self.0, name))
    }

    /// Removes a name that is not a directory's.
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir))
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| unlinkat(&self.0, name, UnlinkatFlags::RemoveDir))
    }

    /// Makes a directory that only its owner may use.
    pub fn make_directory(&self, name: &OsStr) -> io::Result<()> {
        retry_on_eintr(|| mkdirat(&self.0, name, Mode::S_IRWXU))
    }

    /// Sets both times of `name` to `seconds`; of a link itself, if it is one.
    pub fn set_times(&self, name: &OsStr, seconds: i64) -> io::Result<()> {
        let time = TimeSpec::new(seconds, 0);
        let how = UtimensatFlags::NoFollowSymlink;
        Ok(utimensat(&self.0, name, &time, &time, how)?)
    }

    /// Sets both times of `name` to what they were; as [`Dir::set_times`].
    pub fn restore_times(&self, name: &OsStr, before: &FileStat) -> io::Result<()> {
        self.set_times_to(
            name,
            (before.st_atime, before.st_atime_nsec),
            (before.st_mtime, before.st_mtime_nsec),
        )
    }

    /// Sets the times of `name`, each in seconds and nanoseconds; as
    /// [`Dir::set_times`].
    pub fn set_times_to(
        &self,
        name: &OsStr,
        accessed: (i64, i64),
        modified: (i64, i64),
    ) -> io::Result<()> {
        let accessed = TimeSpec::new(accessed.0, accessed.1);
        let modified = TimeSpec::new(modified.0, modified.1);
        let how = UtimensatFlags::NoFollowSymlink;
        Ok(utimensat(&self.0, name, &accessed, &modified, how)?)
    }

    /// Waits until the names in this directory are on the disk.
    pub fn sync(&self) -> io::Result<()> {
        retry_on_eintr(|| fsync(&self.0))
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
    /// The names share the directory's read position: list once per `Dir`, or
    /// once more after [`Dir::rewind`].
    pub fn names(&self) -> io::Result<NameStream> {
        let copy = self.0.try_clone()?;
        Ok(NameStream(nix::dir::Dir::from_fd(copy)?.into_iter()))
    }

    /// Lets the next [`Dir::names`] begin at the first name again.
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

/// The names in a directory that are still to be read.
#[derive(Debug)]
pub struct NameStream(OwningIter);

impl NameStream {
    /// Puts the next name into `name` and returns what kind of object it stood
    /// for when the directory was read, if the file system reports it; `None` at
    /// the end.
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

/// What becomes of a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It is made.
    Make,
    /// That is an error.
    Fail,
}

/// What kind of object a stat(2) result describes.
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

/// Sets the owner and group of an open file, by number.
pub fn set_owner(file: impl AsFd, (user, group): (u32, u32)) -> io::Result<()> {
    Ok(fchown(
        file,
        Some(Uid::from_raw(user)),
        Some(Gid::from_raw(group)),
    )?)
}

/// What fstat(2) says of an open file.
pub fn stat_open(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?)
}
