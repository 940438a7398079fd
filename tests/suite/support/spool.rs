//! Puts things into the spool of an instance: messages, logs, and what does
//! not belong there.
//!
//! A message's name comes from its inode, as Postfix's do, unless the test
//! names it; its place from its name, unless the test says where.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, makedev, mknod, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{geteuid, mkfifo};
use spoolbox::spool::QueueId;

use super::instance::{Instance, set_mode};

/// What a file shall be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A short ID with the file's own inode number.
    Short { microseconds: u32 },
    /// A long ID with the file's own inode number.
    Long { seconds: u64, microseconds: u32 },
    /// As it is, ID or not.
    Literal(Vec<u8>),
}

impl Name {
    /// The name of a file with this inode number.
    fn bytes(&self, inode: u64) -> Vec<u8> {
        let id = match self {
            Name::Short { microseconds } => QueueId::short(*microseconds, inode),
            Name::Long {
                seconds,
                microseconds,
            } => QueueId::long(*seconds, *microseconds, inode),
            Name::Literal(name) => return name.clone(),
        };
        id.as_bytes().to_vec()
    }
}

/// Where a file shall lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where its name belongs.
    Right,
    /// In this directory below the queue; empty is the queue itself.
    Below(PathBuf),
}

/// Who shall own a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnedBy {
    MailOwner,
    Root,
}

/// A file to be put into a queue.
#[derive(Clone, Debug)]
pub struct NewFile {
    pub queue: String,
    pub name: Name,
    pub place: Place,
    pub content: Vec<u8>,
    pub mode: u32,
    /// Seconds since the epoch; now if not given.
    pub mtime: Option<i64>,
    pub owner: OwnedBy,
}

impl NewFile {
    /// A finished message with a short ID.
    pub fn new(queue: &str, content: Vec<u8>) -> Self {
        Self {
            queue: queue.into(),
            name: Name::Short {
                microseconds: 0x3A_789,
            },
            place: Place::Right,
            content,
            mode: 0o700,
            mtime: Some(1_700_000_000),
            owner: OwnedBy::MailOwner,
        }
    }

    pub fn named(mut self, name: Name) -> Self {
        self.name = name;
        self
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub fn mtime(mut self, mtime: i64) -> Self {
        self.mtime = Some(mtime);
        self
    }
}

/// A file that was put into a queue.
#[derive(Clone, Debug)]
pub struct Placed {
    pub queue: String,
    pub name: Vec<u8>,
    /// Relative to the queue directory.
    pub path: PathBuf,
    pub inode: u64,
}

impl Placed {
    /// The name as text, for command lines.
    pub fn id(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// The spool of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Spool<'a> {
    instance: &'a Instance,
}

impl<'a> Spool<'a> {
    pub fn of(instance: &'a Instance) -> Self {
        Self { instance }
    }

    /// The absolute path of something in the spool.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.instance.queue_directory().join(relative)
    }

    /// Writes a file into its queue.
    pub fn put(&self, file: &NewFile) -> Placed {
        self.put_if_free(file)
            .unwrap_or_else(|| panic!("something is in the way of {:?}", file.name))
    }

    /// Writes a file into its queue unless something else has that place.
    pub fn put_if_free(&self, file: &NewFile) -> Option<Placed> {
        let queue = self.path(&file.queue);
        let mut temporary = tempfile::NamedTempFile::new_in(&queue)
            .unwrap_or_else(|error| panic!("{}: {error}", queue.display()));
        temporary
            .write_all(&file.content)
            .expect("write of a queue file");
        let inode = temporary.as_file().metadata().expect("fstat").ino();
        let name = file.name.bytes(inode);
        let directory = match &file.place {
            Place::Right => self.instance.layout().directory(&file.queue, &name),
            Place::Below(below) => Path::new(&file.queue).join(below),
        };
        let path = directory.join(OsStr::from_bytes(&name));
        if !self.is_free(&path) {
            return None;
        }
        self.make_directories(&directory);
        let target = self.path(&path);
        temporary
            .persist(&target)
            .unwrap_or_else(|error| panic!("{}: {error}", target.display()));
        self.give(&target, file.owner);
        set_mode(&target, file.mode);
        if let Some(mtime) = file.mtime {
            set_mtime(&target, mtime);
        }
        Some(Placed {
            queue: file.queue.clone(),
            name,
            path,
            inode,
        })
    }

    /// Whether nothing has this path, and all above it are directories or can
    /// be made.
    pub fn is_free(&self, relative: &Path) -> bool {
        let parents_are_directories = relative.ancestors().skip(1).all(|above| {
            let found = fs::symlink_metadata(self.path(above));
            found.is_ok_and(|found| found.is_dir()) || !self.path(above).exists()
        });
        parents_are_directories && fs::symlink_metadata(self.path(relative)).is_err()
    }

    /// Writes the log that `queue` (defer, bounce or trace) keeps for `id`.
    pub fn put_log(&self, queue: &str, id: &[u8], content: &[u8]) -> Placed {
        self.put(
            &NewFile::new(queue, content.to_vec())
                .named(Name::Literal(id.to_vec()))
                .mode(0o600),
        )
    }

    /// Makes a directory, and those above it, as the mail owner would.
    pub fn make_directories(&self, relative: &Path) {
        let mut path = self.instance.queue_directory();
        for part in relative.components() {
            path.push(part);
            if !path.exists() {
                fs::create_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                set_mode(&path, 0o700);
                self.give(&path, OwnedBy::MailOwner);
            }
        }
    }

    /// A second name for a file.
    pub fn hard_link(&self, from: &Path, to: &Path) {
        self.make_parent(to);
        fs::hard_link(self.path(from), self.path(to)).expect("a hard link");
    }

    pub fn symlink(&self, target: &Path, relative: &Path) {
        self.make_parent(relative);
        let path = self.path(relative);
        symlink(target, &path).expect("a symbolic link");
        if geteuid().is_root() {
            let owner = self.instance.owner();
            lchown(&path, Some(owner.uid), Some(owner.gid)).expect("lchown");
        }
    }

    pub fn fifo(&self, relative: &Path) {
        self.make_parent(relative);
        let path = self.path(relative);
        mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
        self.give(&path, OwnedBy::MailOwner);
    }

    pub fn socket(&self, relative: &Path) {
        self.make_parent(relative);
        let path = self.path(relative);
        UnixListener::bind(&path).expect("a socket");
        set_mode(&path, 0o700);
        self.give(&path, OwnedBy::MailOwner);
    }

    /// A device node that reads as end of file at once. Root only; a machine
    /// that forbids device nodes gets a FIFO.
    pub fn device(&self, relative: &Path) {
        self.make_parent(relative);
        let path = self.path(relative);
        match mknod(&path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 3)) {
            Ok(()) => self.give(&path, OwnedBy::MailOwner),
            Err(_) => self.fifo(relative),
        }
    }

    fn make_parent(&self, relative: &Path) {
        if let Some(parent) = relative.parent() {
            self.make_directories(parent);
        }
    }

    fn give(&self, path: &Path, to: OwnedBy) {
        if !geteuid().is_root() {
            return;
        }
        let owner = self.instance.owner();
        let (uid, gid) = match to {
            OwnedBy::MailOwner => (owner.uid, owner.gid),
            OwnedBy::Root => (0, 0),
        };
        chown(path, Some(uid), Some(gid)).expect("chown in the spool");
    }
}

/// Sets the modification time of a path, a link itself rather than its target.
pub fn set_mtime(path: &Path, seconds: i64) {
    let time = TimeSpec::new(seconds, 0);
    utimensat(
        AT_FDCWD,
        path,
        &time,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )
    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
