//! The steps by which files of the spool move and vanish: one rename, never
//! onto another file, or one unlink, each relative to an open directory.
//!
//! Owns which directory a name is worked on in: handles of queues and of hash
//! directories are opened without following links, because the account they
//! belong to may be compromised. Decides nothing about messages.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::warning::{Obstacle, Warning};
use crate::spool::message::Identity;
use crate::spool::{Layout, Queue};
use crate::sys::dir::{Dir, FileKind};
use crate::sys::error_text::is;
use crate::text::to_printable;

/// Open handles of hash directories at most; more are opened anew.
const HANDLES_MAX: usize = 300;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// It was taken.
    Done,
    /// The file was not there any more.
    Gone,
}

/// What became of a file that was to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It did.
    Done,
    /// It was not there any more.
    Gone,
    /// Something has the new name: both stay. [`SpoolOps::blocked`] names it.
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

/// Whether missing directories are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MissingDirectory {
    Make,
    IsAnError,
}

/// A file by its place: an open directory, a name, and what to call it.
#[derive(Clone, Copy, Debug)]
pub struct FileAt<'a> {
    /// The directory.
    pub dir: &'a Dir,
    /// The name in it.
    pub name: &'a [u8],
    /// The path below the queue directory.
    pub path: &'a str,
}

impl FileAt<'_> {
    /// The name as the kernel takes it.
    pub fn os_name(&self) -> &OsStr {
        OsStr::from_bytes(self.name)
    }
}

/// Takes steps in one spool. Copies share their handles: there are many
/// workers, and fewer descriptors.
#[derive(Clone, Debug)]
pub struct SpoolOps<'a> {
    spool: &'a Dir,
    layout: &'a Layout,
    handles: Arc<Mutex<Handles>>,
    handles_max: usize,
}

/// What copies of a [`SpoolOps`] share.
#[derive(Debug, Default)]
struct Handles {
    /// Open directories of queues.
    queues: HashMap<Queue, Arc<Dir>>,
    /// Open hash directories, by their paths.
    hashed: HashMap<Vec<u8>, Arc<Dir>>,
    /// Whether a file had to stay where it was, see [`Moved::Blocked`].
    was_blocked: bool,
}

impl<'a> SpoolOps<'a> {
    /// Operations in the queue directory `spool`,
    /// in a process that may open this many more files.
    pub fn new(spool: &'a Dir, layout: &'a Layout, open_files: u64) -> Self {
        let affordable = usize::try_from(open_files / 4).unwrap_or(HANDLES_MAX);
        Self {
            spool,
            layout,
            handles_max: affordable.min(HANDLES_MAX),
            handles: Arc::default(),
        }
    }

    /// The path of a name where it belongs.
    pub fn path(&self, queue: Queue, name: &[u8]) -> String {
        to_printable(self.layout.path(queue, name).as_bytes())
    }

    /// Forgets hash directories: one may have been removed and made anew.
    pub fn forget(&self) {
        self.handles().hashed.clear();
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory where a name belongs, open.
    pub fn home(&self, queue: Queue, name: &[u8]) -> io::Result<Arc<Dir>> {
        self.find_home(queue, name, MissingDirectory::IsAnError)
    }

    /// Removes a file, or an empty directory in its place as remove(3) does.
    pub fn remove(at: FileAt<'_>) -> Result<StepResult, WorkError> {
        let removed = match at.dir.remove_file(at.os_name()) {
            Err(cause) if is(&cause, Errno::EISDIR) => at.dir.remove_directory(at.os_name()),
            other => other,
        };
        gone_or(removed).map_err(|cause| WorkError::Remove {
            path: at.path.to_owned(),
            cause,
        })
    }

    /// Removes the file of `queue` called `name` from where it belongs.
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

    /// Moves a file to where `home` belongs in `queue`, there to be called
    /// `name`; makes the directories it needs. What has that name already
    /// stays, and so does the file.
    ///
    /// # Errors
    ///
    /// What rename(2) fails with; `EISDIR` where a directory has that name, as
    /// in Postfix.
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

    /// Remembers that a file stays because something has the name it should
    /// get. Returns the warning about that.
    pub fn blocked(&self, at: FileAt<'_>, queue: Queue, home: &[u8], name: &[u8]) -> Warning {
        let file = at.dir.stat(at.os_name()).ok();
        let file = file.as_ref().map(Identity::of);
        let issue = self.look_at(queue, home, name);
        self.handles().was_blocked = true;
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

    /// Whether any file had to stay where it was since this value was made.
    pub fn was_blocked(&self) -> bool {
        self.handles().was_blocked
    }

    /// Whether something is called `name` where `home` belongs. What cannot be
    /// looked at counts as nothing.
    pub fn is_taken(&self, queue: Queue, home: &[u8], name: &[u8]) -> bool {
        self.look_at(queue, home, name).is_some()
    }

    fn look_at(&self, queue: Queue, home: &[u8], name: &[u8]) -> Option<FileStat> {
        let dir = self.home(queue, home).ok()?;
        dir.stat(OsStr::from_bytes(name)).ok()
    }

    /// As [`SpoolOps::rename`], but an error (`EEXIST`) if something has that
    /// name there.
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
            // Either end may be missing, or a directory was made anew.
            self.forget();
            let made = self.find_home(queue, home, MissingDirectory::Make);
            renamed = made.and_then(rename);
        }
        gone_or(renamed)
    }

    /// As [`SpoolOps::rename`], from where `old` belongs. The target's directory
    /// is made even if there is nothing to move, as Postfix does.
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
            Err(cause) if is(&cause, Errno::ENOENT) => {
                match self.find_home(queue, home, MissingDirectory::Make) {
                    Ok(_) => Ok(Moved::Gone),
                    Err(cause) => Err(failed(self, cause)),
                }
            }
            Err(cause) => Err(failed(self, cause)),
        }
    }

    /// The path of `name` in the directory where `home` belongs.
    pub fn path_of(&self, queue: Queue, home: &[u8], name: &[u8]) -> String {
        let directory = self.layout.directory(queue, home);
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let below = [&directory, separator, name].concat();
        format!("{queue}/{}", to_printable(&below))
    }

    fn find_home(
        &self,
        queue: Queue,
        name: &[u8],
        missing: MissingDirectory,
    ) -> io::Result<Arc<Dir>> {
        let directory = self.layout.directory(queue, name);
        if directory.is_empty() {
            return self.queue(queue, missing);
        }
        let key = [queue.name().as_bytes(), b"/", &directory].concat();
        if let Some(dir) = self.handles().hashed.get(&key) {
            return Ok(Arc::clone(dir));
        }
        let mut dir = self.queue(queue, missing)?;
        for level in directory.split(|&b| b == b'/') {
            dir = Arc::new(step_into(&dir, OsStr::from_bytes(level), missing)?);
        }
        let hashed = &mut self.handles().hashed;
        if hashed.len() >= self.handles_max {
            hashed.clear();
        }
        hashed.insert(key, Arc::clone(&dir));
        Ok(dir)
    }

    /// The directory of a queue. It may be a link, because its parent is not
    /// the mail owner's.
    fn queue(&self, queue: Queue, missing: MissingDirectory) -> io::Result<Arc<Dir>> {
        if let Some(dir) = self.handles().queues.get(&queue) {
            return Ok(Arc::clone(dir));
        }
        let name = OsStr::new(queue.name());
        let dir = match self.spool.open_place_through_link(name) {
            Err(cause) if is(&cause, Errno::ENOENT) && missing == MissingDirectory::Make => {
                make(self.spool, name)?;
                self.spool.open_place_through_link(name)
            }
            other => other,
        };
        let dir = Arc::new(dir?);
        self.handles().queues.insert(queue, Arc::clone(&dir));
        Ok(dir)
    }
}

fn step_into(parent: &Dir, name: &OsStr, missing: MissingDirectory) -> io::Result<Dir> {
    match parent.open_place(name) {
        Err(cause) if is(&cause, Errno::ENOENT) && missing == MissingDirectory::Make => {
            make(parent, name)?;
            parent.open_place(name)
        }
        other => other,
    }
}

/// Makes a directory; another process may do the same at the same time.
fn make(parent: &Dir, name: &OsStr) -> io::Result<()> {
    match parent.make_directory(name) {
        Err(cause) if is(&cause, Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// A step on a file that has vanished is not an error: others work on the
/// same spool.
fn gone_or(result: io::Result<()>) -> io::Result<StepResult> {
    match result {
        Ok(()) => Ok(StepResult::Done),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(StepResult::Gone),
        Err(cause) => Err(cause),
    }
}
