//! The open directories of a walk, from where it begins down to the current
//! one, and the names that are read from them.
//!
//! Owns how a walk descends: by descriptors, relative to the directory above.
//! Which directories are entered, and when, is decided by `walk` and `tree`.

use std::io;
use std::sync::Arc;

use crate::sys::dir::{Dir, FileKind, NameStream};

/// An open directory of a walk.
#[derive(Debug)]
pub struct OpenDir {
    /// The directory.
    pub dir: Dir,
    /// Its path: below the queue's directory, where it is empty or such as
    /// `3/A`; or as [`super::tree::Tree`] was given it.
    pub path: Vec<u8>,
}

/// A name that a walk has read.
#[derive(Clone, Copy, Debug)]
pub struct DirEntry<'a> {
    /// The directory that has it.
    pub place: &'a Arc<OpenDir>,
    /// The name.
    pub name: &'a [u8],
    /// The kind of file that readdir(3) reported, if it did.
    pub kind: Option<FileKind>,
}

/// The open directories, and the name that was read last. Each directory has a
/// state `S` of the walk's own.
#[derive(Debug)]
pub(super) struct Descent<S> {
    levels: Vec<Level<S>>,
    name: Vec<u8>,
    kind: Option<FileKind>,
}

#[derive(Debug)]
struct Level<S> {
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
    /// Enters an open directory.
    ///
    /// # Errors
    ///
    /// Its names cannot be read.
    pub(super) fn enter(&mut self, dir: Dir, path: Vec<u8>, state: S) -> io::Result<()> {
        let names = dir.names()?;
        let place = Arc::new(OpenDir { dir, path });
        self.levels.push(Level {
            place,
            names,
            state,
        });
        Ok(())
    }

    /// Reads the next name of the current directory. False at its end, and if
    /// no directory is open.
    ///
    /// # Errors
    ///
    /// The directory cannot be read on.
    pub(super) fn read_name(&mut self) -> io::Result<bool> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(false);
        };
        let kind = level.names.next(&mut self.name)?;
        self.kind = kind.flatten();
        Ok(kind.is_some())
    }

    /// Reads the names of the current directory once more.
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

    /// Leaves the current directory.
    pub(super) fn leave(&mut self) -> Option<Arc<OpenDir>> {
        self.levels.pop().map(|level| level.place)
    }

    /// The current directory.
    pub(super) fn place(&self) -> Option<&Arc<OpenDir>> {
        self.levels.last().map(|level| &level.place)
    }

    /// The state of the current directory.
    pub(super) fn state(&mut self) -> Option<&mut S> {
        self.levels.last_mut().map(|level| &mut level.state)
    }

    /// How many directories are open.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// The name that was read last.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The name that was read last, in the current directory.
    pub(super) fn entry(&self) -> Option<DirEntry<'_>> {
        let (name, kind) = (self.name.as_slice(), self.kind);
        self.place().map(|place| DirEntry { place, name, kind })
    }
}

/// The path of a name in a directory.
pub fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    match parent {
        [] => name.to_vec(),
        [.., b'/'] => [parent, name].concat(),
        _ => [parent, b"/", name].concat(),
    }
}
