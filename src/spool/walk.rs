//! Walks one queue in readdir order, as Postfix's tools do.
//!
//! Directories with one-letter names are entered at once. Everything else is
//! returned as a name; whether it is a message is decided in `message`. A
//! directory that cannot be read ends the walk.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use nix::errno::Errno;
use thiserror::Error;

use super::Queue;
use super::descent::{Descent, DirEntry, OpenDir, join};
use crate::sys::dir::{Dir, FileKind};
use crate::sys::error_text::{error_text, is, is_any};
use crate::text::to_printable;

/// The number of attempts to open a directory that is missing when it is opened
/// and present when it is examined.
const OPENS_MAX: usize = 10;
/// The largest path that the kernel accepts, in bytes, including the final NUL.
const PATH_MAX: usize = 4096;

/// A directory in a queue that cannot be opened or read. It ends the walk.
#[derive(Debug, Error)]
pub enum WalkError {
    /// The directory cannot be opened.
    #[error("scan_dir_push: open directory {path}: {}", error_text(.cause))]
    Open {
        /// The directory, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// The directory cannot be read to its end. (A deliberate difference:
    /// Postfix leaves out the rest and reports nothing.)
    #[error("read directory {path}: {}", error_text(.cause))]
    Read {
        /// The directory, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
}

/// A step of a walk.
#[derive(Debug)]
pub enum Step<'a> {
    /// A name other than that of a directory that the walk enters.
    Name(DirEntry<'a>),
    /// A directory that the walk has finished.
    Left {
        /// Its parent directory, open.
        parent: Arc<OpenDir>,
        /// Its path, relative to the queue's own directory.
        path: Vec<u8>,
    },
}

/// A walk through one queue.
#[derive(Debug)]
pub struct Walk {
    queue: Queue,
    descent: Descent<()>,
}

/// The position that a walk has advanced to.
#[derive(Debug)]
enum Advance {
    /// At a name.
    Name,
    /// After a directory other than the queue's own, with this path.
    Left(Vec<u8>),
    /// At the end of the queue.
    End,
}

impl Walk {
    /// Begins a walk. The queue's own directory may be a symbolic link, because
    /// its parent does not belong to the mail owner; directories below it may
    /// not.
    ///
    /// # Errors
    ///
    /// The queue's directory cannot be opened or read.
    pub fn new(spool: &Dir, queue: Queue) -> Result<Self, WalkError> {
        let mut descent = Descent::default();
        spool
            .open_dir_through_link(OsStr::new(queue.name()))
            .and_then(|dir| descent.enter(dir, Vec::new(), ()))
            .map_err(|cause| WalkError::Open {
                path: queue.to_string(),
                cause,
            })?;
        Ok(Self { queue, descent })
    }

    /// Returns the next name other than that of a directory that the walk
    /// enters; `None` at the end of the queue.
    ///
    /// # Errors
    ///
    /// A directory cannot be opened or read. This ends the walk.
    pub fn next_name(&mut self) -> Result<Option<DirEntry<'_>>, WalkError> {
        loop {
            match self.advance()? {
                Advance::Name => return Ok(self.descent.entry()),
                Advance::Left(_) => {}
                Advance::End => return Ok(None),
            }
        }
    }

    /// Returns the next step; `None` at the end of the queue.
    ///
    /// # Errors
    ///
    /// A directory cannot be opened or read. This ends the walk.
    pub fn step(&mut self) -> Result<Option<Step<'_>>, WalkError> {
        Ok(match self.advance()? {
            Advance::Name => self.descent.entry().map(Step::Name),
            Advance::Left(path) => self.descent.place().map(|parent| {
                let parent = Arc::clone(parent);
                Step::Left { parent, path }
            }),
            Advance::End => None,
        })
    }

    /// Advances to the next name or to the end of a directory.
    fn advance(&mut self) -> Result<Advance, WalkError> {
        loop {
            let is_name = self.descent.read_name().map_err(|cause| WalkError::Read {
                path: self.current_path(),
                cause,
            })?;
            if !is_name {
                let left = self.descent.leave();
                return Ok(match (left, self.descent.depth()) {
                    (Some(left), 1..) => Advance::Left(left.path.clone()),
                    _ => Advance::End,
                });
            }
            if self.descent.name().len() != 1 || !self.queue.has_subdirectories() {
                return Ok(Advance::Name);
            }
            self.enter()?;
        }
    }

    /// Enters the directory whose name was read last, if it is one.
    fn enter(&mut self) -> Result<(), WalkError> {
        let Some(DirEntry { place, name, .. }) = self.descent.entry() else {
            return Ok(());
        };
        let path = join(&place.path, name);
        let failed = |cause| WalkError::Open {
            path: path_in(self.queue, &path),
            cause,
        };
        // Postfix opens directories by path, so it can go no deeper than the
        // longest path.
        let length = self.queue.name().len().saturating_add(path.len());
        if length.saturating_add(1) >= PATH_MAX {
            return Err(failed(Errno::ENAMETOOLONG.into()));
        }
        let opened = open_subdirectory(&place.dir, OsStr::from_bytes(name)).map_err(failed)?;
        let Some(dir) = opened else {
            return Ok(());
        };
        let (queue, shown) = (self.queue, path.clone());
        let entered = self.descent.enter(dir, path, ());
        entered.map_err(|cause| WalkError::Open {
            path: path_in(queue, &shown),
            cause,
        })
    }

    fn current_path(&self) -> String {
        let path = self.descent.place().map(|place| place.path.as_slice());
        path_in(self.queue, path.unwrap_or_default())
    }
}

/// Returns the path of a directory in a queue, relative to the queue directory.
/// An empty `path` is the queue's own directory.
fn path_in(queue: Queue, path: &[u8]) -> String {
    if path.is_empty() {
        queue.to_string()
    } else {
        format!("{queue}/{}", to_printable(path))
    }
}

/// Opens a directory in a queue; `None` if it has vanished since its name was
/// read, or is a symbolic link to a directory: links in a queue are not
/// followed.
fn open_subdirectory(parent: &Dir, name: &OsStr) -> io::Result<Option<Dir>> {
    let mut tries = 1..OPENS_MAX;
    loop {
        let cause = match parent.open_dir(name) {
            Ok(dir) => return Ok(Some(dir)),
            Err(cause) => cause,
        };
        let is_swapped = is_any(&cause, &[Errno::ENOENT, Errno::ELOOP, Errno::ENOTDIR]);
        match parent.stat(name).map(|stat| FileKind::of(&stat)) {
            Err(error) if is(&error, Errno::ENOENT) => return Ok(None),
            // The directory is back, or was something else for a moment: try
            // again.
            Ok(FileKind::Directory) if is_swapped && tries.next().is_some() => {}
            Ok(FileKind::Directory) if is(&cause, Errno::ENOENT) => return Ok(None),
            Ok(FileKind::Link) => return look_through_link(parent, name),
            _ => return Err(cause),
        }
    }
}

fn look_through_link(parent: &Dir, name: &OsStr) -> io::Result<Option<Dir>> {
    // Examines the target of the link only to report the right error.
    match FileKind::of(&parent.stat_through_link(name)?) {
        FileKind::Directory => Ok(None),
        _ => Err(Errno::ENOTDIR.into()),
    }
}
