//! Walks a whole tree of directories: every queue file below a queue's
//! directory, wherever it lies, as qshape searches (spec page 09).
//!
//! The files of a directory come before those of its subdirectories, both in
//! readdir order. What cannot be entered is told and passed over. Links are
//! never followed. Whether a file is a message is not decided here.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;

use super::{DirEntry, OpenDir};
use crate::sys::dir::{Dir, FileKind, NameStream};

/// Directories below each other that are entered. Hashed queues have a few;
/// more would only cost descriptors.
const DEPTH_MAX: usize = 256;

/// What a walk comes by.
#[derive(Debug)]
pub enum Visited<'a> {
    /// A name of what is a file, or was one when the directory was read.
    File(DirEntry<'a>),
    /// Something that bars the way.
    Obstacle(TraversalIssue),
}

/// Something that bars the way. The walk goes on beside it.
#[derive(Debug)]
pub struct TraversalIssue {
    /// What cannot be done.
    pub barred: TraversalError,
    /// The path of the directory above; empty for where the walk begins.
    pub parent: Vec<u8>,
    /// The name in it, or the path where the walk begins.
    pub name: Vec<u8>,
    /// What the kernel said.
    pub cause: io::Error,
}

/// What cannot be done with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraversalError {
    /// Looking at what it is.
    Look,
    /// Going there.
    Enter,
    /// Reading its names.
    List,
    /// Reading on, behind some of them.
    Read,
}

/// A walk through the tree below one path.
#[derive(Debug)]
pub struct Tree {
    levels: Vec<Level>,
    name: Vec<u8>,
    begin: Begin,
    met: Option<TraversalIssue>,
}

/// What a walk begins with.
#[derive(Debug)]
enum Begin {
    Directory,
    /// A path that is a file itself; met once.
    File {
        place: Arc<OpenDir>,
        met: bool,
    },
}

/// A directory on the way down.
#[derive(Debug)]
struct Level {
    place: Arc<OpenDir>,
    names: NameStream,
    pass: Pass,
}

/// A directory is read once for its files and, if it has any, once more for
/// its subdirectories: their names are not kept meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Files { has_directories: bool },
    Directories,
}

impl Tree {
    /// A walk below `path`, which is relative to `base` unless it is absolute,
    /// and may be a file.
    pub fn new(base: &Dir, path: &[u8]) -> Self {
        let mut tree = Self {
            levels: Vec::new(),
            name: Vec::new(),
            begin: Begin::Directory,
            met: None,
        };
        // A slash at the end makes the kernel follow a link, as in the
        // original; it is not shown.
        let shown = match path {
            [shown @ .., b'/'] if !shown.is_empty() => shown,
            _ => path,
        };
        let path = OsStr::from_bytes(path);
        match base.stat(path).map(|stat| FileKind::of(&stat)) {
            Ok(FileKind::Directory) => tree.enter(base, path, &[], shown),
            Ok(FileKind::File) => tree.begin_at_file(base, Path::new(path)),
            Ok(_) => {}
            Err(cause) => tree.issue(TraversalError::Look, &[], shown, cause),
        }
        tree
    }

    /// The next thing on the way; `None` at the end.
    pub fn next_met(&mut self) -> Option<Visited<'_>> {
        let place = match (self.next_step()?, &self.begin) {
            (Step::Barred(issue), _) => return Some(Visited::Obstacle(issue)),
            (Step::Itself, Begin::File { place, .. }) => place,
            (Step::Itself | Step::File, _) => &self.levels.last()?.place,
        };
        let name = self.name.as_slice();
        let told = Some(FileKind::File);
        Some(Visited::File(DirEntry { place, name, told }))
    }

    fn next_step(&mut self) -> Option<Step> {
        if let Begin::File { met, .. } = &mut self.begin
            && !std::mem::replace(met, true)
        {
            return Some(Step::Itself);
        }
        loop {
            if let Some(issue) = self.met.take() {
                return Some(Step::Barred(issue));
            }
            if self.advance()? == Advance::File {
                return Some(Step::File);
            }
        }
    }

    /// Goes to the next name.
    fn advance(&mut self) -> Option<Advance> {
        let level = self.levels.last_mut()?;
        let kind = match level.names.next(&mut self.name) {
            Ok(Some(kind)) => kind,
            Ok(None) => {
                self.end_pass();
                return Some(Advance::Elsewhere);
            }
            Err(cause) => {
                self.leave_early(cause);
                return Some(Advance::Elsewhere);
            }
        };
        let name = OsStr::from_bytes(&self.name);
        let kind = kind.or_else(|| Some(FileKind::of(&level.place.dir.stat(name).ok()?)));
        match (kind, &mut level.pass) {
            (Some(FileKind::File), Pass::Files { .. }) => return Some(Advance::File),
            (Some(FileKind::Directory), Pass::Files { has_directories }) => *has_directories = true,
            (Some(FileKind::Directory), Pass::Directories) => {
                let place = Arc::clone(&level.place);
                let name = std::mem::take(&mut self.name);
                self.enter(&place.dir, OsStr::from_bytes(&name), &place.path, &name);
            }
            _ => {}
        }
        Some(Advance::Elsewhere)
    }

    /// Turns to a directory's subdirectories, or leaves it.
    fn end_pass(&mut self) {
        let has_more = Pass::Files {
            has_directories: true,
        };
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        if level.pass != has_more {
            self.levels.pop();
            return;
        }
        let dir = &level.place.dir;
        match dir.rewind().and_then(|()| dir.names()) {
            Ok(names) => {
                level.names = names;
                level.pass = Pass::Directories;
            }
            Err(cause) => self.leave_early(cause),
        }
    }

    /// Leaves a directory that cannot be read on.
    fn leave_early(&mut self, cause: io::Error) {
        if let Some(level) = self.levels.pop() {
            self.issue(TraversalError::Read, &[], &level.place.path, cause);
        }
    }

    /// Enters a directory, which is shown as `name` in `parent_path`.
    fn enter(&mut self, parent: &Dir, directory: &OsStr, parent_path: &[u8], name: &[u8]) {
        if self.levels.len() >= DEPTH_MAX {
            let cause = Errno::ENAMETOOLONG.into();
            return self.issue(TraversalError::Enter, parent_path, name, cause);
        }
        let (dir, names) = match open(parent, directory) {
            Ok(opened) => opened,
            Err((barred, cause)) => return self.issue(barred, parent_path, name, cause),
        };
        let path = join(parent_path, name);
        self.levels.push(Level {
            place: Arc::new(OpenDir { dir, path }),
            names,
            pass: Pass::Files {
                has_directories: false,
            },
        });
    }

    fn begin_at_file(&mut self, base: &Dir, path: &Path) {
        let above = match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => above.as_os_str(),
            _ => OsStr::new("."),
        };
        let name = path.file_name().unwrap_or_default().as_bytes();
        match base.open_place_through_link(above) {
            Ok(dir) => {
                self.name = name.to_vec();
                let path = above.as_bytes().to_vec();
                let place = Arc::new(OpenDir { dir, path });
                self.begin = Begin::File { place, met: false };
            }
            Err(cause) => self.issue(TraversalError::Enter, &[], above.as_bytes(), cause),
        }
    }

    fn issue(&mut self, barred: TraversalError, parent: &[u8], name: &[u8], cause: io::Error) {
        self.met = Some(TraversalIssue {
            barred,
            parent: parent.to_vec(),
            name: name.to_vec(),
            cause,
        });
    }
}

/// What comes next.
enum Step {
    /// The path where the walk begins, a file.
    Itself,
    /// A file in the directory that is open now.
    File,
    Barred(TraversalIssue),
}

/// Where a walk got to.
#[derive(PartialEq, Eq)]
enum Advance {
    File,
    Elsewhere,
}

/// Opens a directory and begins to read it; says what is barred if not.
fn open(parent: &Dir, name: &OsStr) -> Result<(Dir, NameStream), (TraversalError, io::Error)> {
    let enterable = |dir: &Dir| dir.stat(OsStr::new("."));
    match parent.open_dir(name) {
        Ok(dir) => {
            enterable(&dir).map_err(|cause| (TraversalError::Enter, cause))?;
            let names = dir.names().map_err(|cause| (TraversalError::List, cause))?;
            Ok((dir, names))
        }
        Err(cause) => {
            let place = parent.open_place(name);
            match place.and_then(|place| enterable(&place)) {
                Ok(_) => Err((TraversalError::List, cause)),
                Err(_) => Err((TraversalError::Enter, cause)),
            }
        }
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
