//! Single-step changes to the spool: one rename that never replaces an existing
//! file, or one unlink, each relative to an open directory.
//!
//! `directory_cache` opens the directories where the files belong. Decisions about
//! messages are made by the callers.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::directory_cache::{DirectoryCache, MissingDirectory};
use super::error::WorkError;
use super::warning::{Obstacle, Warning};
use crate::spool::message::Identity;
use crate::spool::{Layout, Queue};
use crate::sys::dir::{Dir, FileKind};
use crate::sys::error_text::is;
use crate::text::to_printable;

/// The result of removing or moving a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// The file was removed or moved.
    Done,
    /// The file no longer existed.
    Gone,
}

/// The result of moving a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The file was moved.
    Done,
    /// The file no longer existed.
    Gone,
    /// Another file has the new name; neither was changed.
    /// [`SpoolOps::blocked`] returns the warning about it.
    Blocked,
}

impl From<StepResult> for Moved {
    fn from(outcome: StepResult) -> Self {
        match outcome {
            StepResult::Done => Self::Done,
            StepResult::Gone => Self::Gone,
        }
    }
}

/// The location of a file: an open directory, a name in it, and the path to
/// report.
#[derive(Clone, Copy, Debug)]
pub struct FileAt<'a> {
    /// The directory that contains the file.
    pub dir: &'a Dir,
    /// The name in that directory.
    pub name: &'a [u8],
    /// The path relative to the queue directory, for messages.
    pub path: &'a str,
}

impl FileAt<'_> {
    /// Returns the name as an `OsStr`, as system calls expect it.
    pub fn os_name(&self) -> &OsStr {
        OsStr::from_bytes(self.name)
    }
}

/// Moves and removes files in one spool. Clones share their directory handles,
/// so many workers need only a few descriptors.
#[derive(Clone, Debug)]
pub struct SpoolOps<'a> {
    layout: &'a Layout,
    directories: DirectoryCache<'a>,
    /// Whether any move was blocked; see [`Moved::Blocked`].
    was_blocked: Arc<AtomicBool>,
}

impl<'a> SpoolOps<'a> {
    /// Creates operations on the queue directory `spool`. `open_files` is the
    /// number of files that the process may still open; at most a quarter of
    /// them are used for directory handles.
    pub fn new(spool: &'a Dir, layout: &'a Layout, open_files: u64) -> Self {
        Self {
            layout,
            directories: DirectoryCache::new(spool, layout, open_files / 4),
            was_blocked: Arc::default(),
        }
    }

    /// Returns the path where a file called `name` belongs in `queue`, relative
    /// to the queue directory and in printable form.
    pub fn path(&self, queue: Queue, name: &[u8]) -> String {
        to_printable(self.layout.path(queue, name).as_bytes())
    }

    /// Returns whether the files of a queue belong in subdirectories.
    pub fn is_hashed(&self, queue: Queue) -> bool {
        self.layout.depth(queue) > 0
    }

    /// Closes the cached hash directories: one of them may have been removed
    /// and created again.
    pub fn forget(&self) {
        self.directories.forget();
    }

    /// Opens the directory where a file called `name` belongs in `queue`.
    ///
    /// # Errors
    ///
    /// Those of openat(2).
    pub fn home(&self, queue: Queue, name: &[u8]) -> io::Result<Arc<Dir>> {
        self.directories.home(queue, name, MissingDirectory::Fail)
    }

    /// Like [`SpoolOps::home`], but creates the directory if it is missing.
    ///
    /// # Errors
    ///
    /// Those of openat(2) and mkdir(2).
    pub fn home_or_new(&self, queue: Queue, name: &[u8]) -> io::Result<Arc<Dir>> {
        self.directories.home(queue, name, MissingDirectory::Create)
    }

    /// Removes a file, or an empty directory of that name, as remove(3) does.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be removed.
    pub fn remove(at: FileAt<'_>) -> Result<StepResult, WorkError> {
        let removed = match at.dir.remove_file(at.os_name()) {
            Err(cause) if is(&cause, Errno::EISDIR) => at.dir.remove_directory(at.os_name()),
            other => other,
        };
        gone_if_missing(removed).map_err(|cause| WorkError::Remove {
            path: at.path.to_owned(),
            cause,
        })
    }

    /// Removes the file called `name` from the directory where it belongs in
    /// `queue`.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be removed.
    pub fn remove_from_home(&self, queue: Queue, name: &[u8]) -> Result<StepResult, WorkError> {
        let path = self.path(queue, name);
        match self.home(queue, name) {
            Ok(dir) => Self::remove(FileAt {
                dir: &dir,
                name,
                path: &path,
            }),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(StepResult::Gone),
            Err(cause) => Err(WorkError::Remove { path, cause }),
        }
    }

    /// Moves a file to the directory where the name `home` belongs in `queue`,
    /// and renames it to `name`. Creates missing directories. If something
    /// already has that name, neither file is changed.
    ///
    /// # Errors
    ///
    /// Those of rename(2); `EISDIR` if a directory has that name, as in
    /// Postfix.
    pub fn rename(
        &self,
        at: FileAt<'_>,
        queue: Queue,
        home: &[u8],
        name: &[u8],
    ) -> Result<Moved, WorkError> {
        let cause = match self.rename_to_free(at, queue, home, name) {
            Err(cause) if is(&cause, Errno::EEXIST) => match self.look_at(queue, home, name) {
                Some(stat) if FileKind::of(&stat) == FileKind::Directory => Errno::EISDIR.into(),
                _ => return Ok(Moved::Blocked),
            },
            Err(cause) => cause,
            Ok(outcome) => return Ok(outcome.into()),
        };
        Err(WorkError::Rename {
            from: at.path.to_owned(),
            to: self.path_of(queue, home, name),
            cause,
        })
    }

    /// Records that a move was blocked because something has the new name, and
    /// returns the warning about it.
    pub fn blocked(&self, at: FileAt<'_>, queue: Queue, home: &[u8], name: &[u8]) -> Warning {
        let file = at.dir.stat(at.os_name()).ok();
        let file = file.as_ref().map(Identity::of);
        let issue = self.look_at(queue, home, name);
        self.was_blocked.store(true, Ordering::Relaxed);
        let is_same = file.is_some() && file == issue.as_ref().map(Identity::of);
        Warning::Blocked {
            from: at.path.to_owned(),
            to: self.path_of(queue, home, name),
            issue: if is_same {
                Obstacle::SameFile
            } else {
                Obstacle::Other
            },
        }
    }

    /// Returns whether any move has been blocked since this value was created.
    pub fn was_blocked(&self) -> bool {
        self.was_blocked.load(Ordering::Relaxed)
    }

    /// Returns whether a file called `name` exists in the directory where
    /// `home` belongs. Returns false if the directory or the file cannot be
    /// examined.
    pub fn is_taken(&self, queue: Queue, home: &[u8], name: &[u8]) -> bool {
        self.look_at(queue, home, name).is_some()
    }

    fn look_at(&self, queue: Queue, home: &[u8], name: &[u8]) -> Option<FileStat> {
        let dir = self.home(queue, home).ok()?;
        dir.stat(OsStr::from_bytes(name)).ok()
    }

    /// Like [`SpoolOps::rename`], but fails with `EEXIST` if something has the
    /// new name.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken; otherwise those of rename(2) and
    /// mkdir(2).
    pub fn rename_to_free(
        &self,
        at: FileAt<'_>,
        queue: Queue,
        home: &[u8],
        name: &[u8],
    ) -> io::Result<StepResult> {
        let new_name = OsStr::from_bytes(name);
        let rename = |target: Arc<Dir>| at.dir.rename_no_replace(at.os_name(), &target, new_name);
        let mut renamed = self.home(queue, home).and_then(rename);
        if renamed
            .as_ref()
            .is_err_and(|cause| is(cause, Errno::ENOENT))
        {
            // The source or the target directory may be missing, or the cached
            // handle may refer to a directory that was removed and created
            // again.
            self.forget();
            let made = self.home_or_new(queue, home);
            renamed = made.and_then(rename);
        }
        gone_if_missing(renamed)
    }

    /// Like [`SpoolOps::rename`], for the file called `old` in the directory
    /// where it belongs. As in Postfix, the target directory is created even if
    /// there is no such file.
    ///
    /// # Errors
    ///
    /// Those of [`SpoolOps::rename`]; a directory cannot be opened or created.
    pub fn rename_from_home(
        &self,
        queue: Queue,
        old: &[u8],
        home: &[u8],
        name: &[u8],
    ) -> Result<Moved, WorkError> {
        let path = self.path(queue, old);
        let failed = |ops: &Self, cause| WorkError::Rename {
            from: path.clone(),
            to: ops.path_of(queue, home, name),
            cause,
        };
        match self.home(queue, old) {
            Ok(dir) => {
                let (name_there, path) = (old, path.as_str());
                let at = FileAt {
                    dir: &dir,
                    name: name_there,
                    path,
                };
                self.rename(at, queue, home, name)
            }
            Err(cause) if is(&cause, Errno::ENOENT) => match self.home_or_new(queue, home) {
                Ok(_) => Ok(Moved::Gone),
                Err(cause) => Err(failed(self, cause)),
            },
            Err(cause) => Err(failed(self, cause)),
        }
    }

    /// Returns the path of `name` in the directory where `home` belongs,
    /// relative to the queue directory and in printable form.
    pub fn path_of(&self, queue: Queue, home: &[u8], name: &[u8]) -> String {
        let directory = self.layout.directory(queue, home);
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let below = [&directory, separator, name].concat();
        format!("{queue}/{}", to_printable(&below))
    }
}

/// Treats a missing file as a result rather than an error: other processes work
/// on the same spool.
fn gone_if_missing(result: io::Result<()>) -> io::Result<StepResult> {
    match result {
        Ok(()) => Ok(StepResult::Done),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(StepResult::Gone),
        Err(cause) => Err(cause),
    }
}
