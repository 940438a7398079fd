//! Files outside the spool that have to stay unchanged: files and directories that the
//! mail owner may change by their permissions, and some that only root may.
//!
//! Hard links into the spool are an exception: removing such a queue file, or setting
//! its time, changes that file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use spoolbox::queue_file::records::writer::QueueFile;

use super::traps::{IDS, id};
use crate::support::instance::{Instance, make_directory, set_mode};

/// In every file outside that is not linked hard: never to be seen.
pub const CANARY: &str = "canary@outside.example";
/// The names by which directories outside are entered, if anybody does.
const DIRECTORIES: [&str; 4] = ["A", "B", "A/A", "saved"];
/// Other names that a tool could reach there.
const OTHERS: [&str; 5] = [
    "journal.spoolbox",
    "B0001AA",
    "a.b",
    "B0001FF#FIX",
    "541319.26809",
];

/// Files and directories outside, and what they were like.
pub struct Outside {
    root: PathBuf,
    linked: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

impl Outside {
    pub fn make(instance: &Instance) -> Self {
        let owner = instance.owner();
        let root = instance.root().join("outside");
        let linked = instance.root().join("linked");
        let give = |path: &Path| chown(path, Some(owner.uid), Some(owner.gid)).expect("chown");
        for directory in [&root, &linked] {
            make_directory(directory, 0o777);
            give(directory);
        }
        let content = QueueFile::new(1_700_000_000, CANARY, &[CANARY], &[CANARY]).to_bytes();
        let file = |path: PathBuf| {
            fs::write(&path, &content).expect("a canary");
            set_mode(&path, 0o777);
            give(&path);
        };
        for directory in DIRECTORIES {
            make_directory(&root.join(directory), 0o777);
            give(&root.join(directory));
        }
        for directory in ["."].into_iter().chain(DIRECTORIES) {
            let names = (0..IDS).map(id);
            let names = names.chain(OTHERS.map(str::to_owned));
            names.for_each(|name| file(root.join(directory).join(name)));
        }
        // A log of the last, whose message is in the spool.
        let log = format!("recipient=r@dest.example\nreason={CANARY}\n\n");
        for directory in ["."].into_iter().chain(DIRECTORIES) {
            fs::write(root.join(directory).join(id(IDS)), &log).expect("a canary");
        }
        fs::write(root.join("secret"), &content).expect("a canary");
        set_mode(&root.join("secret"), 0o600);
        for (name, owner) in [
            ("of-owner", owner.uid),
            ("of-root", 0),
            ("of-nobody", 65_534),
        ] {
            let path = linked.join(name);
            let text = QueueFile::new(1_700_000_000, "linked@x", &["linked@x"], &["x"]);
            fs::write(&path, text.to_bytes()).expect("a canary");
            set_mode(&path, 0o700);
            chown(&path, Some(owner), None).expect("chown");
        }
        let before = look(&root, &linked);
        Self {
            root,
            linked,
            before,
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file that is to be linked hard into the spool.
    pub fn linked(&self, name: &str) -> PathBuf {
        self.linked.join(name)
    }

    /// What has changed since; `None` if nothing has.
    pub fn changes(&self) -> Option<String> {
        let after = look(&self.root, &self.linked);
        let mut text = String::new();
        for (path, was) in &self.before {
            let is = after.get(path).map_or("gone", String::as_str);
            if is != was {
                text.push_str(&format!("{}: was {was}\n  is {is}\n", path.display()));
            }
        }
        let new = after.keys().filter(|path| !self.before.contains_key(*path));
        new.for_each(|path| text.push_str(&format!("{}: new\n", path.display())));
        (!text.is_empty()).then_some(text)
    }
}

fn look(root: &Path, linked: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    enter(root, &mut seen);
    for entry in fs::read_dir(linked).expect("a directory") {
        let path = entry.expect("an entry").path();
        seen.insert(path.clone(), of_linked(&path));
    }
    seen
}

fn enter(directory: &Path, seen: &mut BTreeMap<PathBuf, String>) {
    seen.insert(directory.to_owned(), of(directory));
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => enter(&path, seen),
            false => drop(seen.insert(path.clone(), of(&path))),
        }
    }
}

/// All that can be seen of a file or directory; the ctime tells of every
/// change, also of one that was taken back.
fn of(path: &Path) -> String {
    let found = path.symlink_metadata().expect("lstat");
    let (mtime, ctime) = (found.mtime_nsec(), found.ctime_nsec());
    let times = (found.mtime(), mtime, found.ctime(), ctime);
    format!(
        "{} links {} times {times:?}",
        of_linked(path),
        found.nlink()
    )
}

fn of_linked(path: &Path) -> String {
    let found = path.symlink_metadata().expect("lstat");
    let content = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    format!(
        "inode {} mode {:o} owner {}:{} content {:?}",
        found.ino(),
        found.mode(),
        found.uid(),
        found.gid(),
        content.unwrap_or_default()
    )
}
