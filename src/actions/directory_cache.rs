//! Keeps the queue and hash directories open in which files are changed.
//!
//! They are opened without following symbolic links, because the account that owns
//! them may be compromised.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::error_text::is;

/// The largest number of hash directories that are kept open. The cache is
/// emptied when it is full.
const HANDLES_MAX: usize = 300;

/// Whether missing directories are created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingDirectory {
    /// They are created.
    Create,
    /// They are an error, `ENOENT`.
    Fail,
}

/// The open directories of one spool. Clones share them, so many workers need only a
/// few descriptors.
#[derive(Clone, Debug)]
pub struct DirectoryCache<'a> {
    spool: &'a Dir,
    layout: &'a Layout,
    handles: Arc<Mutex<Handles>>,
    handles_max: usize,
}

/// The open directories.
#[derive(Debug, Default)]
struct Handles {
    /// Open queue directories.
    queues: HashMap<Queue, Arc<Dir>>,
    /// Open hash directories, by path.
    hashed: HashMap<Vec<u8>, Arc<Dir>>,
}

impl<'a> DirectoryCache<'a> {
    /// Creates an empty cache for the queue directory `spool`, which keeps at most
    /// `descriptors` hash directories open.
    pub fn new(spool: &'a Dir, layout: &'a Layout, descriptors: u64) -> Self {
        let affordable = usize::try_from(descriptors).unwrap_or(HANDLES_MAX);
        Self {
            spool,
            layout,
            handles_max: affordable.min(HANDLES_MAX),
            handles: Arc::default(),
        }
    }

    /// Closes the cached hash directories: one of them may have been removed
    /// and created again.
    pub fn forget(&self) {
        self.handles().hashed.clear();
    }

    /// Opens the directory where a file called `name` belongs in `queue`.
    ///
    /// # Errors
    ///
    /// Those of openat(2) and mkdir(2).
    pub fn home(
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
            dir = Arc::new(open_level(&dir, OsStr::from_bytes(level), missing)?);
        }
        let hashed = &mut self.handles().hashed;
        if hashed.len() >= self.handles_max {
            hashed.clear();
        }
        hashed.insert(key, Arc::clone(&dir));
        Ok(dir)
    }

    /// Opens the directory of a queue. It may be a symbolic link, because its
    /// parent directory does not belong to the mail owner.
    fn queue(&self, queue: Queue, missing: MissingDirectory) -> io::Result<Arc<Dir>> {
        if let Some(dir) = self.handles().queues.get(&queue) {
            return Ok(Arc::clone(dir));
        }
        let name = OsStr::new(queue.name());
        let dir = match self.spool.open_place_through_link(name) {
            Err(cause) if is(&cause, Errno::ENOENT) && missing == MissingDirectory::Create => {
                create_directory(self.spool, name)?;
                self.spool.open_place_through_link(name)
            }
            other => other,
        };
        let dir = Arc::new(dir?);
        self.handles().queues.insert(queue, Arc::clone(&dir));
        Ok(dir)
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_level(parent: &Dir, name: &OsStr, missing: MissingDirectory) -> io::Result<Dir> {
    match parent.open_place(name) {
        Err(cause) if is(&cause, Errno::ENOENT) && missing == MissingDirectory::Create => {
            create_directory(parent, name)?;
            parent.open_place(name)
        }
        other => other,
    }
}

/// Creates a directory. It is no error if another process has just created it.
fn create_directory(parent: &Dir, name: &OsStr) -> io::Result<()> {
    match parent.make_directory(name) {
        Err(cause) if is(&cause, Errno::EEXIST) => Ok(()),
        other => other,
    }
}
