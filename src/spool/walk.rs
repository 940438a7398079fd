//! Walks one queue in readdir order, by open directories (spec page 03).
//!
//! One-letter directories are entered at once when they are met. Everything
//! else is a name; whether it is a message is `message`'s business.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use nix::errno::Errno;
use thiserror::Error;

use super::Queue;
use crate::sys::dir::{Dir, FileKind, NameStream};
use crate::sys::error_text::{error_text, is, is_any};
use crate::text::to_printable;

/// How often a directory is opened that is there again whenever it was missing.
const OPENS_MAX: usize = 10;
/// Bytes of a path that the kernel takes, with the NUL behind it.
const PATH_MAX: usize = 4096;

/// A directory of a queue that cannot be opened or read. The walk is over.
#[derive(Debug, Error)]
pub enum WalkError {
    /// It cannot be opened.
    #[error("scan_dir_push: open directory {path}: {}", error_text(.cause))]
    Open {
        /// The directory, relative to the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// It cannot be read on. (A deliberate difference: Postfix passes over in
    /// silence what it cannot see then.)
    #[error("read directory {path}: {}", error_text(.cause))]
    Read {
        /// The directory, relative to the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
}

/// An open directory of a queue and its place below the queue's own.
#[derive(Debug)]
pub struct OpenDir {
    /// The directory.
    pub dir: Dir,
    /// Its path below the queue's directory: empty, or such as `3/A`.
    pub path: Vec<u8>,
}

/// A name that was met on a walk.
#[derive(Clone, Copy, Debug)]
pub struct DirEntry<'a> {
    /// The directory it lies in.
    pub place: &'a Arc<OpenDir>,
    /// The name.
    pub name: &'a [u8],
    /// What the directory tells of it.
    pub told: Option<FileKind>,
}

/// What a walk comes by.
#[derive(Debug)]
pub enum Step<'a> {
    /// A name that is not a directory to be entered.
    Name(DirEntry<'a>),
    /// The end of a directory that was entered.
    Left {
        /// The open directory that holds it.
        parent: Arc<OpenDir>,
        /// Its path below the queue's directory.
        path: Vec<u8>,
    },
}

/// A walk through one queue.
#[derive(Debug)]
pub struct Walk {
    queue: Queue,
    levels: Vec<Level>,
    name: Vec<u8>,
    /// What was told of the name.
    told: Option<FileKind>,
    /// The directory that was left last.
    left: Vec<u8>,
}

/// How far a walk went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advance {
    /// To a name, or to the end of the queue.
    Name,
    /// Out of a directory below the queue's own.
    Left,
}

#[derive(Debug)]
struct Level {
    place: Arc<OpenDir>,
    names: NameStream,
}

impl Walk {
    /// Begins a walk. The queue's own directory may be a link, because its
    /// parent is not the mail owner's; those below it may not.
    pub fn new(spool: &Dir, queue: Queue) -> Result<Self, WalkError> {
        let failed = |cause| WalkError::Open {
            path: queue.to_string(),
            cause,
        };
        let dir = spool
            .open_dir_through_link(OsStr::new(queue.name()))
            .map_err(failed)?;
        let names = dir.names().map_err(failed)?;
        let place = Arc::new(OpenDir {
            dir,
            path: Vec::new(),
        });
        Ok(Self {
            queue,
            levels: vec![Level { place, names }],
            name: Vec::new(),
            told: None,
            left: Vec::new(),
        })
    }

    /// The next name that is not a directory to be entered, with the open
    /// directory it lies in; `None` at the end of the queue.
    pub fn next_name(&mut self) -> Result<Option<DirEntry<'_>>, WalkError> {
        while self.advance()? == Advance::Left {}
        Ok(self.found())
    }

    /// The next step; `None` at the end of the queue.
    pub fn step(&mut self) -> Result<Option<Step<'_>>, WalkError> {
        if self.advance()? == Advance::Left {
            let parent = self.levels.last().map(|level| Arc::clone(&level.place));
            let path = std::mem::take(&mut self.left);
            return Ok(parent.map(|parent| Step::Left { parent, path }));
        }
        Ok(self.found().map(Step::Name))
    }

    /// The name that was just read, in the directory that is open now.
    fn found(&self) -> Option<DirEntry<'_>> {
        let (name, told) = (self.name.as_slice(), self.told);
        let place = self.levels.last().map(|level| &level.place);
        place.map(|place| DirEntry { place, name, told })
    }

    /// Goes on to the next name, or out of a directory.
    fn advance(&mut self) -> Result<Advance, WalkError> {
        while let Some(level) = self.levels.last_mut() {
            let told = level.names.next(&mut self.name);
            let queue = self.queue;
            let told = told.map_err(|cause| WalkError::Read {
                path: path_in(queue, &level.place.path),
                cause,
            })?;
            self.told = told.flatten();
            if told.is_none() {
                self.left.clone_from(&level.place.path);
                self.levels.pop();
                if !self.levels.is_empty() {
                    return Ok(Advance::Left);
                }
            } else if self.name.len() == 1 && self.queue.has_subdirectories() {
                self.enter()?;
            } else {
                break;
            }
        }
        Ok(Advance::Name)
    }

    /// Enters the directory whose name was just read.
    fn enter(&mut self) -> Result<(), WalkError> {
        let Some(parent) = self.levels.last().map(|l| Arc::clone(&l.place)) else {
            return Ok(());
        };
        let mut path = parent.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&self.name);
        let failed = |cause| WalkError::Open {
            path: path_in(self.queue, &path),
            cause,
        };
        // Postfix opens by path, and no deeper than a path can be long.
        let length = self.queue.name().len().saturating_add(path.len());
        if length.saturating_add(1) >= PATH_MAX {
            return Err(failed(Errno::ENAMETOOLONG.into()));
        }
        let name = OsStr::from_bytes(&self.name);
        let Some(dir) = open_subdirectory(&parent.dir, name).map_err(failed)? else {
            return Ok(());
        };
        let names = dir.names().map_err(failed)?;
        let place = Arc::new(OpenDir { dir, path });
        self.levels.push(Level { place, names });
        Ok(())
    }
}

/// The path of a directory in a queue, or of the queue's own.
fn path_in(queue: Queue, path: &[u8]) -> String {
    match path.is_empty() {
        true => queue.to_string(),
        false => format!("{queue}/{}", to_printable(path)),
    }
}

/// Opens a directory in a queue; `None` if it has vanished since its name was
/// read, or is a link to a directory: links are not followed in there.
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
            // It is back, or was something else for a moment.
            Ok(FileKind::Directory) if is_swapped && tries.next().is_some() => {}
            Ok(FileKind::Directory) if is(&cause, Errno::ENOENT) => return Ok(None),
            Ok(FileKind::Link) => return look_through_link(parent, name),
            _ => return Err(cause),
        }
    }
}

fn look_through_link(parent: &Dir, name: &OsStr) -> io::Result<Option<Dir>> {
    // Only looks at what the link leads to, to say what is wrong with it.
    match FileKind::of(&parent.stat_through_link(name)?) {
        FileKind::Directory => Ok(None),
        _ => Err(Errno::ENOTDIR.into()),
    }
}
