//! The parts that all walks over whole queues share (`ALL`, -p, -s and -S of
//! postsuper(1)): the objects found, and the removal of objects that do not
//! belong in a queue.
//!
//! Decides which directories and special files are removed. What happens to
//! regular files is decided in `bulk` and `repair`.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::report::ActionLog;
use super::spool_ops::{FileAt, SpoolOps, StepResult};
use super::warning::Warning;
use crate::spool::message::{NoMessage, is_exhaustion};
use crate::spool::{Layout, OpenDir, Queue};
use crate::sys::dir::FileKind;
use crate::sys::error_text::{is, is_any};
use crate::text::to_printable;

/// A directory entry found while walking a queue.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The queue that contains the object.
    pub queue: Queue,
    /// The directory that contains the object.
    pub place: &'a OpenDir,
    /// The name in that directory.
    pub name: &'a [u8],
}

/// Whether an object remains to be handled.
#[derive(Debug)]
pub enum Presence {
    /// The object has vanished or was cleaned up.
    Nothing,
    /// The object is a regular file, or a special file with
    /// [`SpecialFiles::Keep`].
    There(FileStat),
}

/// The treatment of objects that are neither regular files nor directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialFiles {
    /// They are removed.
    Remove,
    /// They are treated like regular files.
    Keep,
}

impl Object<'_> {
    /// Returns the path at which the walk found the object, relative to the
    /// queue directory and in printable form.
    pub fn path(&self) -> String {
        let separator: &[u8] = if self.place.path.is_empty() {
            b""
        } else {
            b"/"
        };
        let below = [&self.place.path, separator, self.name].concat();
        format!("{}/{}", self.queue, to_printable(&below))
    }

    /// Returns the lstat(2) result for the object.
    ///
    /// # Errors
    ///
    /// Those of lstat(2).
    pub fn stat(&self) -> io::Result<FileStat> {
        self.place.dir.stat(OsStr::from_bytes(self.name))
    }

    /// Logs a warning about an object that cannot be examined.
    ///
    /// Observed with Postfix 3.7.11: an object is skipped silently if
    /// permission to examine it is denied. (Postfix skips it silently for every
    /// other error, too, and leaves messages where they are.)
    ///
    /// # Errors
    ///
    /// The process has run out of descriptors or memory.
    pub fn unseen(&self, cause: io::Error, action_log: &mut ActionLog) -> Result<(), WorkError> {
        if is_any(&cause, &[Errno::ENOENT, Errno::EACCES]) {
            return Ok(());
        }
        let path = self.path();
        if is_exhaustion(&cause) {
            return Err(NoMessage::Place { path, cause }.into());
        }
        action_log.warn(&Warning::Look { path, cause });
        Ok(())
    }

    /// Removes an empty directory or, with [`SpecialFiles::Remove`], a special
    /// file.
    ///
    /// # Errors
    ///
    /// A special file cannot be removed. (A directory that cannot be removed is
    /// only logged.)
    pub fn tidy(
        &self,
        stat: FileStat,
        no_files: SpecialFiles,
        action_log: &mut ActionLog,
    ) -> Result<Presence, WorkError> {
        let name = OsStr::from_bytes(self.name);
        match (FileKind::of(&stat), no_files) {
            (FileKind::Directory, _) => {
                match self.place.dir.remove_directory(name) {
                    Err(cause) if !is(&cause, Errno::ENOENT) => {
                        let path = self.path();
                        action_log.warn(&Warning::Subdirectory { path, cause });
                    }
                    _ => {}
                }
                Ok(Presence::Nothing)
            }
            (FileKind::Link | FileKind::Other, SpecialFiles::Remove) => {
                self.remove()?;
                Ok(Presence::Nothing)
            }
            _ => Ok(Presence::There(stat)),
        }
    }

    /// Removes the object.
    ///
    /// # Errors
    ///
    /// The object exists and cannot be removed.
    pub fn remove(&self) -> Result<StepResult, WorkError> {
        SpoolOps::remove(self.at(&self.path()))
    }

    /// Returns the location of the object, to move or remove it. `path` is what
    /// messages call it.
    pub fn at<'b>(&'b self, path: &'b str) -> FileAt<'b> {
        FileAt {
            dir: &self.place.dir,
            name: self.name,
            path,
        }
    }
}

/// Checks that the configuration allows the queue to be walked.
///
/// # Errors
///
/// Maildrop is hashed.
pub fn check(queue: Queue, layout: &Layout) -> Result<(), WorkError> {
    if queue == Queue::Maildrop && layout.depth_kept(queue) > 0 {
        Err(WorkError::HashedMaildrop)
    } else {
        Ok(())
    }
}

/// Returns whether a directory is deeper in its queue than hash_queue_depth
/// requires.
pub fn is_too_deep(queue: Queue, path: &[u8], layout: &Layout) -> bool {
    path.split(|&b| b == b'/').count() > layout.depth_kept(queue)
}

/// Removes a directory that the walk has finished and that the queue does not
/// need. Keeps a directory in which a blocked move, which was reported at that
/// time, left a file.
///
/// # Errors
///
/// The directory cannot be removed, for example because it is not empty.
pub fn remove_left(
    queue: Queue,
    parent: &OpenDir,
    path: &[u8],
    ops: &SpoolOps<'_>,
) -> Result<(), WorkError> {
    let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    match parent.dir.remove_directory(OsStr::from_bytes(name)) {
        Err(cause) if is(&cause, Errno::ENOTEMPTY) && ops.was_blocked() => Ok(()),
        Err(cause) if !is(&cause, Errno::ENOENT) => Err(WorkError::RemoveDirectory {
            path: format!("{queue}/{}", to_printable(path)),
            cause,
        }),
        _ => Ok(()),
    }
}
