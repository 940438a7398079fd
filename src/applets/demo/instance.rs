//! Writes the demo instance: main.cf and a spool, with the modes and owners
//! that Postfix would set.

use std::fs;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use nix::unistd::{Group, User};

use super::messages::{DemoMessage, IdKind};
use crate::spool::{Layout, Queue, QueueId};

/// The queues that have hashed subdirectories: Postfix's default.
const HASHED: [&str; 2] = ["deferred", "defer"];
const HASH_DEPTH: u32 = 1;
/// The directories of a spool and their modes.
const DIRECTORIES: [(&str, u32); 14] = [
    ("active", 0o700),
    ("bounce", 0o700),
    ("corrupt", 0o700),
    ("defer", 0o700),
    ("deferred", 0o700),
    ("flush", 0o700),
    ("hold", 0o700),
    ("incoming", 0o700),
    ("maildrop", 0o730),
    ("pid", 0o755),
    ("private", 0o700),
    ("public", 0o710),
    ("saved", 0o700),
    ("trace", 0o700),
];
/// The directories that programs of the group postdrop may reach.
const FOR_POSTDROP: [&str; 2] = ["maildrop", "public"];

/// A demo instance on disk.
#[derive(Debug)]
pub struct Instance {
    /// Its directory, which contains `etc` and `spool`.
    pub directory: PathBuf,
    /// The number of messages in the instance.
    pub messages: usize,
}

impl Instance {
    /// Writes an instance owned by `owner` into an empty directory.
    ///
    /// # Errors
    ///
    /// A file or directory cannot be created, or its owner cannot be changed.
    pub fn write(directory: &Path, owner: User, messages: &[DemoMessage]) -> Result<Self> {
        ensure!(
            is_plain(directory),
            "main.cf cannot contain the path {}",
            directory.display()
        );
        let writer = SpoolWriter {
            spool: directory.join("spool"),
            owner,
            layout: Layout::new(&HASHED.map(|name| name.as_bytes().to_vec()), HASH_DEPTH),
        };
        writer.main_cf(directory)?;
        writer.directories()?;
        for message in messages {
            writer.message(message)?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            messages: messages.len(),
        })
    }
}

struct SpoolWriter {
    spool: PathBuf,
    owner: User,
    layout: Layout,
}

impl SpoolWriter {
    fn main_cf(&self, directory: &Path) -> Result<()> {
        let etc = directory.join("etc");
        make_directory(&etc, 0o755)?;
        let text = format!(
            "# A demo: no mail system runs on this queue.\n\
             compatibility_level = 3.6\n\
             queue_directory = {}\n\
             mail_owner = {}\n\
             syslog_name = spoolbox-demo\n",
            self.spool.display(),
            self.owner.name
        );
        let path = etc.join("main.cf");
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn directories(&self) -> Result<()> {
        make_directory(&self.spool, 0o755)?;
        let postdrop = Group::from_name("postdrop").ok().flatten();
        for (name, mode) in DIRECTORIES {
            let path = self.spool.join(name);
            make_directory(&path, mode)?;
            // The directory pid stays root's: the lock file of the master
            // process is in it.
            if name != "pid" {
                let group = postdrop.as_ref().filter(|_| FOR_POSTDROP.contains(&name));
                self.give(&path, group.map(|g| g.gid.as_raw()))?;
            }
        }
        Ok(())
    }

    /// Writes a message and its log files. The queue ID contains the inode
    /// number, so the file is created under a temporary name and renamed.
    fn message(&self, message: &DemoMessage) -> Result<()> {
        let unnamed = self.spool.join(message.queue.name()).join("new.tmp");
        let bytes = match message.queue {
            Queue::Maildrop => message.file.to_maildrop_bytes(),
            _ => message.file.to_bytes(),
        };
        self.file(&unnamed, &bytes, message.mode)?;
        let modified =
            SystemTime::UNIX_EPOCH + Duration::from_secs(message.file.arrival.unsigned_abs());
        set_modified(&unnamed, modified)?;
        let inode = fs::metadata(&unnamed)
            .context("a new file has disappeared")?
            .ino();
        let id = match message.kind {
            IdKind::Short => QueueId::short(message.microseconds, inode),
            IdKind::Long => QueueId::long(
                message.file.arrival.unsigned_abs(),
                message.microseconds,
                inode,
            ),
        };
        let path = self.place(message.queue, &id)?;
        fs::rename(&unnamed, &path)
            .with_context(|| format!("cannot rename a file to {}", path.display()))?;
        for (queue, log) in &message.logs {
            let path = self.place(*queue, &id)?;
            self.file(&path, log.as_bytes(), 0o600)?;
        }
        Ok(())
    }

    /// Returns the path of a queue ID. Creates its directory if it is missing.
    fn place(&self, queue: Queue, id: &QueueId) -> Result<PathBuf> {
        let path = self.spool.join(self.layout.path(queue, id.as_bytes()));
        let directory = path.parent().context("no directory")?;
        if !directory.exists() {
            make_directory(directory, 0o700)?;
            self.give(directory, None)?;
        }
        Ok(path)
    }

    fn file(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
        let open = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        open.and_then(|mut file| {
            file.write_all(bytes)?;
            file.set_permissions(Permissions::from_mode(mode))
        })
        .with_context(|| format!("cannot write {}", path.display()))?;
        self.give(path, None)
    }

    /// Changes the owner of a file to the mail owner, if the caller is root.
    fn give(&self, path: &Path, group: Option<u32>) -> Result<()> {
        if !nix::unistd::getuid().is_root() {
            return Ok(());
        }
        let group = group.unwrap_or(self.owner.gid.as_raw());
        chown(path, Some(self.owner.uid.as_raw()), Some(group))
            .with_context(|| format!("cannot change the owner of {}", path.display()))
    }
}

fn make_directory(path: &Path, mode: u32) -> Result<()> {
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .with_context(|| format!("cannot create {}", path.display()))
}

fn set_modified(path: &Path, time: SystemTime) -> Result<()> {
    OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .with_context(|| format!("cannot set the time of {}", path.display()))
}

/// Whether `path` can be written into main.cf without quoting.
fn is_plain(path: &Path) -> bool {
    let text = path.to_string_lossy();
    !text.chars().any(|c| c == '$' || c.is_control()) && text.trim() == text
}
