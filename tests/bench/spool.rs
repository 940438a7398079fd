//! A large spool for the benchmark: deferred messages with defer logs, as a
//! mail server with a dead destination has them.

use std::fs;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::User;
use spoolbox::queue_file::records::writer::QueueFile;
use spoolbox::spool::{Layout, Queue, QueueId};
use tempfile::TempDir;

/// Lines of a message: about two kilobytes, as most mail has.
const LINES: usize = 30;
const ARRIVAL: i64 = 1_700_000_000;

/// A spool, removed when it is dropped.
pub struct Spool {
    directory: TempDir,
    owner: User,
    layout: Layout,
}

impl Spool {
    /// Writes `messages` deferred messages.
    pub fn build(messages: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("chmod");
        let spool = Self {
            directory,
            owner: User::from_name("postfix")
                .expect("users")
                .expect("user postfix"),
            layout: Layout::new(&[b"deferred".to_vec(), b"defer".to_vec()], 1),
        };
        spool.skeleton();
        for number in 0..messages {
            spool.message(number);
        }
        spool
    }

    /// The directory of main.cf.
    pub fn etc(&self) -> String {
        self.directory.path().join("etc").display().to_string()
    }

    /// The queue directory.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("spool")
    }

    /// A file with the queue IDs of all that is deferred or on hold, one a line.
    pub fn ids(&self) -> PathBuf {
        let path = self.directory.path().join("ids");
        let below = "0123456789ABCDEF".chars().map(|c| format!("deferred/{c}"));
        let mut text = String::new();
        for directory in below.chain(["hold".to_owned()]) {
            // A queue that was emptied may have lost its directories.
            let Ok(entries) = fs::read_dir(self.root().join(directory)) else {
                continue;
            };
            for entry in entries {
                text.push_str(&entry.expect("an entry").file_name().to_string_lossy());
                text.push('\n');
            }
        }
        fs::write(&path, text).expect("the list");
        path
    }

    fn skeleton(&self) {
        let etc = self.directory.path().join("etc");
        fs::create_dir(&etc).expect("etc");
        let top = self.directory.path().display();
        let text = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\n\
             maillog_file = {top}/mail.log\nmaillog_file_prefixes = {top}\n",
            self.root().display()
        );
        fs::write(etc.join("main.cf"), text).expect("main.cf");
        // Postfix waits for a main.cf that was changed within the last second.
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let file = OpenOptions::new()
            .append(true)
            .open(etc.join("main.cf"))
            .expect("main.cf");
        file.set_modified(past).expect("utimes");
        fs::create_dir(self.root()).expect("spool");
        for queue in [
            "maildrop", "incoming", "active", "hold", "bounce", "trace", "public", "pid", "flush",
            "saved",
        ] {
            self.directory(&self.root().join(queue));
        }
        for queue in ["deferred", "defer"] {
            self.directory(&self.root().join(queue));
            for letter in "0123456789ABCDEF".chars() {
                self.directory(&self.root().join(queue).join(letter.to_string()));
            }
        }
    }

    fn message(&self, number: usize) {
        let recipient = format!("user{}@dest{}.example", number, number % 100);
        let sender = format!("sender{}@example.com", number % 1000);
        let mut lines = vec![format!("Subject: message {number}"), String::new()];
        lines
            .extend((0..LINES).map(|line| {
                format!("{line:4} the quick brown fox jumps over the lazy dog, again")
            }));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let file = QueueFile::new(
            ARRIVAL + number as i64 % 100_000,
            &sender,
            &[&recipient],
            &lines,
        );
        let temporary = self.root().join("deferred/new.tmp");
        let inode = self.file(&temporary, &file.to_bytes(), 0o700);
        let id = QueueId::short(u32::try_from(number * 7919 % 1_000_000).unwrap_or(0), inode);
        let path = self
            .root()
            .join(self.layout.path(Queue::Deferred, id.as_bytes()));
        fs::rename(&temporary, &path).expect("rename");
        let log = format!(
            "<{recipient}>: connect to dest[192.0.2.1]:25: Connection refused\nrecipient={recipient}\n\
             offset=500\ndsn_orig_rcpt=rfc822;{recipient}\nstatus=4.4.1\naction=delayed\n\
             reason=connect to dest[192.0.2.1]:25: Connection refused\n\n"
        );
        let path = self
            .root()
            .join(self.layout.path(Queue::Defer, id.as_bytes()));
        self.file(&path, log.as_bytes(), 0o600);
    }

    fn directory(&self, path: &Path) {
        fs::create_dir(path).expect("a directory");
        fs::set_permissions(path, Permissions::from_mode(0o700)).expect("chmod");
        self.give(path);
    }

    fn file(&self, path: &Path, bytes: &[u8], mode: u32) -> u64 {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .expect("a new file");
        file.write_all(bytes).expect("room on the disk");
        self.give(path);
        file.metadata().expect("fstat").ino()
    }

    fn give(&self, path: &Path) {
        let (user, group) = (self.owner.uid.as_raw(), self.owner.gid.as_raw());
        chown(path, Some(user), Some(group)).expect("chown");
    }
}
