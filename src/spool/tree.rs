//! Walks a whole directory tree, as qshape(1) does: visits every file below a
//! queue's directory, at any depth.
//!
//! The files in a directory come before those in its subdirectories, both in
//! readdir order. A directory that cannot be entered is reported, and the walk
//! continues without it. Symbolic links are never followed.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;

use super::descent::{Descent, DirEntry, OpenDir, join};
use crate::sys::dir::{Dir, FileKind};

/// The largest number of nested directories that are entered. Hashed queues
/// have a few; more would only cost descriptors.
const DEPTH_MAX: usize = 256;

/// A file, or a problem found on the walk.
#[derive(Debug)]
pub enum Visited<'a> {
    /// A regular file, or the name of one that was there when the directory was
    /// read.
    File(DirEntry<'a>),
    /// A file or directory that cannot be examined, entered or read.
    Obstacle(TraversalIssue),
}

/// A file or directory that cannot be examined, entered or read. The walk
/// continues without it.
#[derive(Debug)]
pub struct TraversalIssue {
    /// The path of the parent directory; empty for the starting point.
    pub parent: Vec<u8>,
    /// The name in that directory, or the path of the starting point.
    pub name: Vec<u8>,
    /// The system error.
    pub cause: io::Error,
}

/// A walk through the tree below one path.
#[derive(Debug)]
pub struct Tree {
    descent: Descent<DirectoryPass>,
    begin: Begin,
    pending: Option<TraversalIssue>,
}

/// The starting point of a walk.
#[derive(Debug)]
enum Begin {
    Directory,
    /// The path of a file, which is visited once.
    File {
        place: Arc<OpenDir>,
        name: Vec<u8>,
        is_visited: bool,
    },
}

/// The current pass over a directory. A directory is read once for its files
/// and, if it has any subdirectories, a second time for those, so that their
/// names need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DirectoryPass {
    Files { has_directories: bool },
    Directories,
}

impl Tree {
    /// Creates a walk below `path`, which is relative to `base` unless it is
    /// absolute, and may name a file.
    pub fn new(base: &Dir, path: &[u8]) -> Self {
        let mut tree = Self {
            descent: Descent::default(),
            begin: Begin::Directory,
            pending: None,
        };
        // A trailing slash makes the kernel follow a symbolic link, as in the
        // original; the slash is not shown.
        let shown = match path {
            [shown @ .., b'/'] if !shown.is_empty() => shown,
            _ => path,
        };
        let path = OsStr::from_bytes(path);
        match base.stat(path).map(|stat| FileKind::of(&stat)) {
            Ok(FileKind::Directory) => tree.enter(base, path, &[], shown),
            Ok(FileKind::File) => tree.begin_at_file(base, Path::new(path)),
            Ok(_) => {}
            Err(cause) => tree.issue(&[], shown, cause),
        }
        tree
    }

    /// Returns the next file or problem; `None` at the end.
    pub fn next_met(&mut self) -> Option<Visited<'_>> {
        match self.next_step()? {
            TreeStep::Issue(issue) => Some(Visited::Obstacle(issue)),
            TreeStep::File => self.descent.entry().map(Visited::File),
            TreeStep::Itself => match &self.begin {
                Begin::File { place, name, .. } => Some(Visited::File(DirEntry {
                    place,
                    name,
                    kind: Some(FileKind::File),
                })),
                Begin::Directory => None,
            },
        }
    }

    fn next_step(&mut self) -> Option<TreeStep> {
        if let Begin::File { is_visited, .. } = &mut self.begin
            && !std::mem::replace(is_visited, true)
        {
            return Some(TreeStep::Itself);
        }
        loop {
            if let Some(issue) = self.pending.take() {
                return Some(TreeStep::Issue(issue));
            }
            if self.advance()? == TreeAdvance::File {
                return Some(TreeStep::File);
            }
        }
    }

    /// Reads the next name, and enters it if it is a directory to be entered
    /// now.
    fn advance(&mut self) -> Option<TreeAdvance> {
        self.descent.place()?;
        match self.descent.read_name() {
            Ok(true) => {}
            Ok(false) => {
                self.end_pass();
                return Some(TreeAdvance::Elsewhere);
            }
            Err(cause) => {
                self.leave_early(cause);
                return Some(TreeAdvance::Elsewhere);
            }
        }
        let DirEntry { place, name, kind } = self.descent.entry()?;
        let name = OsStr::from_bytes(name);
        let kind = kind.or_else(|| Some(FileKind::of(&place.dir.stat(name).ok()?)));
        match (kind, self.descent.state()?) {
            (Some(FileKind::File), DirectoryPass::Files { .. }) => return Some(TreeAdvance::File),
            (Some(FileKind::Directory), DirectoryPass::Files { has_directories }) => {
                *has_directories = true
            }
            (Some(FileKind::Directory), DirectoryPass::Directories) => {
                let place = Arc::clone(self.descent.place()?);
                let name = self.descent.name().to_vec();
                self.enter(&place.dir, OsStr::from_bytes(&name), &place.path, &name);
            }
            _ => {}
        }
        Some(TreeAdvance::Elsewhere)
    }

    /// Ends the current pass: begins the pass for the subdirectories, or leaves
    /// the directory.
    fn end_pass(&mut self) {
        let has_more = DirectoryPass::Files {
            has_directories: true,
        };
        if self.descent.state().is_none_or(|pass| *pass != has_more) {
            self.descent.leave();
            return;
        }
        match self.descent.rewind() {
            Ok(()) => {
                if let Some(pass) = self.descent.state() {
                    *pass = DirectoryPass::Directories;
                }
            }
            Err(cause) => self.leave_early(cause),
        }
    }

    /// Reports and leaves a directory that cannot be read further.
    fn leave_early(&mut self, cause: io::Error) {
        if let Some(place) = self.descent.leave() {
            self.issue(&[], &place.path, cause);
        }
    }

    /// Enters a directory, which messages call `name` in `parent_path`.
    fn enter(&mut self, parent: &Dir, directory: &OsStr, parent_path: &[u8], name: &[u8]) {
        if self.descent.depth() >= DEPTH_MAX {
            let cause = Errno::ENAMETOOLONG.into();
            return self.issue(parent_path, name, cause);
        }
        let pass = DirectoryPass::Files {
            has_directories: false,
        };
        let entered = open(parent, directory)
            .and_then(|dir| self.descent.enter(dir, join(parent_path, name), pass));
        if let Err(cause) = entered {
            self.issue(parent_path, name, cause);
        }
    }

    fn begin_at_file(&mut self, base: &Dir, path: &Path) {
        let above = match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => above.as_os_str(),
            _ => OsStr::new("."),
        };
        let name = path.file_name().unwrap_or_default().as_bytes();
        match base.open_place_through_link(above) {
            Ok(dir) => {
                let path = above.as_bytes().to_vec();
                self.begin = Begin::File {
                    place: Arc::new(OpenDir { dir, path }),
                    name: name.to_vec(),
                    is_visited: false,
                };
            }
            Err(cause) => self.issue(&[], above.as_bytes(), cause),
        }
    }

    fn issue(&mut self, parent: &[u8], name: &[u8], cause: io::Error) {
        self.pending = Some(TraversalIssue {
            parent: parent.to_vec(),
            name: name.to_vec(),
            cause,
        });
    }
}

/// The next item of a walk.
enum TreeStep {
    /// The starting point itself, which is a file.
    Itself,
    /// A file in the current directory.
    File,
    Issue(TraversalIssue),
}

/// The result of reading one name.
#[derive(PartialEq, Eq)]
enum TreeAdvance {
    File,
    Elsewhere,
}

/// Opens a directory. A directory that may be read but not searched is an
/// error.
fn open(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    let dir = parent.open_dir(name)?;
    dir.stat(OsStr::new("."))?;
    Ok(dir)
}
