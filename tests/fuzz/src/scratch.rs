//! Files for what reads files: one directory for each thread, its files
//! written anew for each input.

use std::fs;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use spoolbox::spool::message::Message;
use spoolbox::sys::dir::{Dir, stat_open};
use tempfile::TempDir;

/// A spool with one message, and a main.cf.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    spool: Dir,
}

thread_local! {
    static SCRATCH: Scratch = Scratch::new();
}

/// Calls `work` with this thread's directory.
pub fn with<T>(work: impl FnOnce(&Scratch) -> T) -> T {
    SCRATCH.with(work)
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for queue in ["deferred", "defer"] {
            fs::create_dir(directory.path().join(queue)).expect("a directory");
        }
        let spool = Dir::open(directory.path()).expect("the directory");
        Self { directory, spool }
    }

    /// The queue directory, where main.cf is too.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The queue directory, open.
    pub fn spool(&self) -> &Dir {
        &self.spool
    }

    /// Puts these bytes into a file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(self.path().join(name)).expect("a file");
        file.write_all(bytes).expect("room");
        file
    }

    /// A complete message with these bytes, open.
    pub fn message(&self, bytes: &[u8]) -> Message {
        let file = self.write("deferred/F022ED", bytes);
        file.set_permissions(Permissions::from_mode(0o700))
            .expect("one's own file");
        let stat = stat_open(&file).expect("fstat");
        Message { file, stat }
    }
}
