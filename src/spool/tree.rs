//! Walks a whole tree of directories, as qshape(1) does: every file below a
//! queue's directory, at any depth.
//!
//! Owns the order: the files of a directory come before those of its
//! subdirectories, both in readdir order. What cannot be entered is reported,
//! and the walk goes on without it. Links are never followed.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;

use super::descent::{Descent, DirEntry, OpenDir, join};
use crate::sys::dir::{Dir, FileKind};

/// Directories below each other that are entered. Hashed queues have a few;
/// more would only cost descriptors.
const DEPTH_MAX: usize = 256;

/// A file or an issue on the walk.
#[derive(Debug)]
pub enum Visited<'a> {
    /// A name of what is a file, or was one when the directory was read.
    File(DirEntry<'a>),
    /// Something that cannot be entered or read.
    Obstacle(TraversalIssue),
}

/// Something that cannot be entered or read. The walk goes on without it.
#[derive(Debug)]
pub struct TraversalIssue {
    /// The path of the directory above; empty for where the walk begins.
    pub parent: Vec<u8>,
    /// The name in it, or the path where the walk begins.
    pub name: Vec<u8>,
    /// What the kernel said.
    pub cause: io::Error,
}

/// A walk through the tree below one path.
#[derive(Debug)]
pub struct Tree {
    descent: Descent<Pass>,
    begin: Begin,
    met: Option<TraversalIssue>,
}

/// What a walk begins with.
#[derive(Debug)]
enum Begin {
    Directory,
    /// A path that is a file itself; visited once.
    File {
        place: Arc<OpenDir>,
        name: Vec<u8>,
        is_visited: bool,
    },
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
            descent: Descent::default(),
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
            Err(cause) => tree.issue(&[], shown, cause),
        }
        tree
    }

    /// The next file or issue; `None` at the end.
    pub fn next_met(&mut self) -> Option<Visited<'_>> {
        match self.next_step()? {
            Step::Issue(issue) => Some(Visited::Obstacle(issue)),
            Step::File => self.descent.entry().map(Visited::File),
            Step::Itself => match &self.begin {
                Begin::File { place, name, .. } => Some(Visited::File(DirEntry {
                    place,
                    name,
                    kind: Some(FileKind::File),
                })),
                Begin::Directory => None,
            },
        }
    }

    fn next_step(&mut self) -> Option<Step> {
        if let Begin::File { is_visited, .. } = &mut self.begin
            && !std::mem::replace(is_visited, true)
        {
            return Some(Step::Itself);
        }
        loop {
            if let Some(issue) = self.met.take() {
                return Some(Step::Issue(issue));
            }
            if self.advance()? == Advance::File {
                return Some(Step::File);
            }
        }
    }

    /// Goes to the next name.
    fn advance(&mut self) -> Option<Advance> {
        self.descent.place()?;
        match self.descent.read_name() {
            Ok(true) => {}
            Ok(false) => {
                self.end_pass();
                return Some(Advance::Elsewhere);
            }
            Err(cause) => {
                self.leave_early(cause);
                return Some(Advance::Elsewhere);
            }
        }
        let DirEntry { place, name, kind } = self.descent.entry()?;
        let name = OsStr::from_bytes(name);
        let kind = kind.or_else(|| Some(FileKind::of(&place.dir.stat(name).ok()?)));
        match (kind, self.descent.state()?) {
            (Some(FileKind::File), Pass::Files { .. }) => return Some(Advance::File),
            (Some(FileKind::Directory), Pass::Files { has_directories }) => *has_directories = true,
            (Some(FileKind::Directory), Pass::Directories) => {
                let place = Arc::clone(self.descent.place()?);
                let name = self.descent.name().to_vec();
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
        if self.descent.state().is_none_or(|pass| *pass != has_more) {
            self.descent.leave();
            return;
        }
        match self.descent.rewind() {
            Ok(()) => {
                if let Some(pass) = self.descent.state() {
                    *pass = Pass::Directories;
                }
            }
            Err(cause) => self.leave_early(cause),
        }
    }

    /// Leaves a directory that cannot be read on.
    fn leave_early(&mut self, cause: io::Error) {
        if let Some(place) = self.descent.leave() {
            self.issue(&[], &place.path, cause);
        }
    }

    /// Enters a directory, which is shown as `name` in `parent_path`.
    fn enter(&mut self, parent: &Dir, directory: &OsStr, parent_path: &[u8], name: &[u8]) {
        if self.descent.depth() >= DEPTH_MAX {
            let cause = Errno::ENAMETOOLONG.into();
            return self.issue(parent_path, name, cause);
        }
        let pass = Pass::Files {
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
        self.met = Some(TraversalIssue {
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
    Issue(TraversalIssue),
}

/// Where a walk got to.
#[derive(PartialEq, Eq)]
enum Advance {
    File,
    Elsewhere,
}

/// Opens a directory. One that may be read but not searched cannot be entered.
fn open(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    let dir = parent.open_dir(name)?;
    dir.stat(OsStr::new("."))?;
    Ok(dir)
}
