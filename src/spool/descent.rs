//! The stack of open directories of a walk, from the starting point to the
//! current directory, and the names read from them.
//!
//! A walk descends by descriptors: each directory is opened relative to its
//! parent. Which directories are entered, and when, is decided by `walk` and
//! `tree`.

use std::io;
use std::sync::Arc;

use crate::sys::dir::{Dir, FileKind, NameStream};

/// An open directory of a walk.
#[derive(Debug)]
pub struct OpenDir {
    /// The directory.
    pub dir: Dir,
    /// Its path: relative to the queue's own directory, for which it is empty,
    /// for example `3/A`; or as it was given to [`super::tree::Tree`].
    pub path: Vec<u8>,
}

/// A directory entry that a walk has read.
#[derive(Clone, Copy, Debug)]
pub struct DirEntry<'a> {
    /// The directory that contains the entry.
    pub place: &'a Arc<OpenDir>,
    /// The name.
    pub name: &'a [u8],
    /// The file type, if readdir(3) reported one.
    pub kind: Option<FileKind>,
}

/// The open directories, and the name that was read last. Each directory
/// carries a state `S` that the walk defines.
#[derive(Debug)]
pub(super) struct Descent<S> {
    levels: Vec<OpenLevel<S>>,
    name: Vec<u8>,
    kind: Option<FileKind>,
}

#[derive(Debug)]
struct OpenLevel<S> {
    place: Arc<OpenDir>,
    names: NameStream,
    state: S,
}

impl<S> Default for Descent<S> {
    fn default() -> Self {
        Self {
            levels: Vec::new(),
            name: Vec::new(),
            kind: None,
        }
    }
}

impl<S> Descent<S> {
    /// Makes an open directory the current one.
    ///
    /// # Errors
    ///
    /// Its names cannot be read.
    pub(super) fn enter(&mut self, dir: Dir, path: Vec<u8>, state: S) -> io::Result<()> {
        let names = dir.names()?;
        let place = Arc::new(OpenDir { dir, path });
        self.levels.push(OpenLevel {
            place,
            names,
            state,
        });
        Ok(())
    }

    /// Reads the next name in the current directory. Returns false at its end,
    /// or if no directory is open.
    ///
    /// # Errors
    ///
    /// The directory cannot be read further.
    pub(super) fn read_name(&mut self) -> io::Result<bool> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(false);
        };
        let kind = level.names.next(&mut self.name)?;
        self.kind = kind.flatten();
        Ok(kind.is_some())
    }

    /// Starts over with the first name in the current directory.
    ///
    /// # Errors
    ///
    /// The directory cannot be rewound or read.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        if let Some(level) = self.levels.last_mut() {
            level.place.dir.rewind()?;
            level.names = level.place.dir.names()?;
        }
        Ok(())
    }

    /// Leaves the current directory and returns it.
    pub(super) fn leave(&mut self) -> Option<Arc<OpenDir>> {
        self.levels.pop().map(|level| level.place)
    }

    /// Returns the current directory.
    pub(super) fn place(&self) -> Option<&Arc<OpenDir>> {
        self.levels.last().map(|level| &level.place)
    }

    /// Returns the state of the current directory.
    pub(super) fn state(&mut self) -> Option<&mut S> {
        self.levels.last_mut().map(|level| &mut level.state)
    }

    /// Returns the number of open directories.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Returns the name that was read last.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the entry that was read last.
    pub(super) fn entry(&self) -> Option<DirEntry<'_>> {
        let (name, kind) = (self.name.as_slice(), self.kind);
        self.place().map(|place| DirEntry { place, name, kind })
    }
}

/// Joins a directory and a name to a path.
pub fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    match parent {
        [] => name.to_vec(),
        [.., b'/'] => [parent, name].concat(),
        _ => [parent, b"/", name].concat(),
    }
}
