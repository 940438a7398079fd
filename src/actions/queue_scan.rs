//! Walks whole queues, for ALL and for -p, -s and -S: provides every object,
//! and removes what no queue should hold.
//!
//! Owns which directories and which objects other than files are removed. What
//! happens to files is decided in `bulk` and `repair`.

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

/// An object found on a walk.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The queue.
    pub queue: Queue,
    /// The directory it is in.
    pub place: &'a OpenDir,
    /// Its name.
    pub name: &'a [u8],
}

/// Whether an object is still there to be worked on.
#[derive(Debug)]
pub enum Presence {
    /// It has vanished or was tidied up.
    Nothing,
    /// It is a file, or something else if all objects are requested.
    There(FileStat),
}

/// What is done with objects that are neither files nor directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialFiles {
    /// They go.
    Remove,
    /// They are worked on as files are.
    Keep,
}

impl Object<'_> {
    /// The path as it was walked, below the queue directory.
    pub fn path(&self) -> String {
        let separator: &[u8] = if self.place.path.is_empty() {
            b""
        } else {
            b"/"
        };
        let below = [&self.place.path, separator, self.name].concat();
        format!("{}/{}", self.queue, to_printable(&below))
    }

    /// Looks at the object.
    pub fn stat(&self) -> io::Result<FileStat> {
        self.place.dir.stat(OsStr::from_bytes(self.name))
    }

    /// Reports what cannot be examined.
    ///
    /// Observed: what may not be looked at is passed over in silence. (In
    /// Postfix so is everything else that cannot be looked at, messages that
    /// are left where they are.)
    ///
    /// # Errors
    ///
    /// Descriptors or memory have run out.
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

    /// Tidies the object up if it is no file.
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
    pub fn remove(&self) -> Result<StepResult, WorkError> {
        SpoolOps::remove(self.at(&self.path()))
    }

    /// The object as something that can be moved.
    pub fn at<'b>(&'b self, path: &'b str) -> FileAt<'b> {
        FileAt {
            dir: &self.place.dir,
            name: self.name,
            path,
        }
    }
}

/// Fails for a queue that must not be walked under this configuration.
pub fn check(queue: Queue, layout: &Layout) -> Result<(), WorkError> {
    if queue == Queue::Maildrop && layout.depth_kept(queue) > 0 {
        Err(WorkError::HashedMaildrop)
    } else {
        Ok(())
    }
}

/// Whether a directory is deeper in its queue than any that is needed.
pub fn is_too_deep(queue: Queue, path: &[u8], layout: &Layout) -> bool {
    path.split(|&b| b == b'/').count() > layout.depth_kept(queue)
}

/// Removes a directory that a walk has left and that is not needed. One that is not
/// empty is an error, unless something had to stay where it was, which was
/// warned of then.
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
