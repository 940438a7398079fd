//! What a spool looks like, in a form in which two spools that were built
//! alike can be compared although their inode numbers differ.
//!
//! Every file that was put into the spool has a label. Where its inode number
//! shows up, in hexadecimal or in base 51 at the end of a name, the label
//! stands instead: in paths, and in what a tool printed.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use spoolbox::spool::QueueId;

use super::spool::Placed;

/// An mtime this close to now was set by the tool.
const FRESH_SECONDS: i64 = 600;

/// What a name ends with because of its inode number, and the label that
/// stands for it.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    by_ending: HashMap<String, String>,
}

impl Labels {
    /// Labels for the files of one spool, in the order they were put there:
    /// two spools built by the same steps get the same labels.
    pub fn of<'a>(placed: impl IntoIterator<Item = &'a Placed>) -> Self {
        let mut by_ending = HashMap::new();
        for file in placed {
            let number = by_ending.len();
            for ending in [
                format!("{:X}", file.inode),
                format!("z{}", base_51(file.inode)),
            ] {
                by_ending
                    .entry(ending)
                    .or_insert_with(|| format!("<{number}>"));
            }
        }
        Self { by_ending }
    }

    /// A name with the label in place of the inode number, if it ends in one
    /// of ours; a `#FIX` or `#` after it stays.
    pub fn canonical(&self, name: &str) -> String {
        const TIME_LEAST: usize = 5;
        // The second is the mark of an expired message, glued to its ID in a
        // listing; the others are logs in the trash.
        let suffixes = ["#FIX", "#", ".defer", ".bounce", ".trace"];
        let suffix = suffixes
            .into_iter()
            .find(|s| name.ends_with(s))
            .unwrap_or("");
        let stem = name.strip_suffix(suffix).unwrap_or(name);
        for at in TIME_LEAST..stem.len() {
            let Some((time, ending)) = stem.split_at_checked(at) else {
                continue;
            };
            if let Some(label) = self.by_ending.get(ending) {
                return format!("{time}{label}{suffix}");
            }
        }
        name.to_owned()
    }

    /// Text with every word that is a name made canonical.
    pub fn canonical_text(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '#';
        while let Some(start) = rest.find(in_name) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !in_name(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            done.push_str(before);
            done.push_str(&self.canonical(word));
            rest = after;
        }
        done + rest
    }
}

fn base_51(inode: u64) -> String {
    let id = QueueId::long(0, 0, inode).to_string();
    // Six digits of seconds, four of microseconds, the letter z.
    id.get(11..).unwrap_or_default().to_owned()
}

/// Whether an mtime is the one that was set before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modified {
    JustNow,
    At(i64),
}

/// One object of a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub kind: &'static str,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub links: u64,
    pub size: u64,
    pub content: u64,
    pub modified: Modified,
}

/// All objects of a spool by canonical path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    objects: BTreeMap<String, Object>,
}

impl Snapshot {
    /// Looks at everything below `root`, links not followed.
    pub fn of(root: &Path, labels: &Labels) -> Self {
        let mut snapshot = Self::default();
        snapshot.enter(root, "", labels);
        snapshot
    }

    /// The number of files below some of its directories.
    pub fn count_files(&self, directories: &[&str]) -> usize {
        let is_counted = |path: &str| {
            let top = path.split('/').next().unwrap_or_default();
            directories.contains(&top)
        };
        let objects = self.objects.iter();
        objects
            .filter(|(path, object)| is_counted(path) && object.kind == "file")
            .count()
    }

    /// Leaves out what is not wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(&str, &Object) -> bool) {
        self.objects.retain(|path, object| is_wanted(path, object));
    }

    /// Takes every object for one with a single hard link.
    pub fn forget_links(&mut self) {
        for object in self.objects.values_mut() {
            object.links = 1;
        }
    }

    /// Whether all of this is in another, and the same there.
    pub fn is_part_of(&self, other: &Self) -> bool {
        let mut objects = self.objects.iter();
        objects.all(|(path, object)| other.objects.get(path) == Some(object))
    }

    /// How two snapshots differ; `None` if they do not.
    pub fn difference(&self, theirs: &Self) -> Option<String> {
        let mut lines = Vec::new();
        for (path, object) in &self.objects {
            match theirs.objects.get(path) {
                None => lines.push(format!("    only ours:   {path}: {object:?}")),
                Some(other) if other != object => lines.push(format!(
                    "    {path}\n      ours:   {object:?}\n      theirs: {other:?}"
                )),
                Some(_) => {}
            }
        }
        for (path, object) in &theirs.objects {
            if !self.objects.contains_key(path) {
                lines.push(format!("    only theirs: {path}: {object:?}"));
            }
        }
        (!lines.is_empty()).then(|| format!("  spool:\n{}\n", lines.join("\n")))
    }

    fn enter(&mut self, directory: &Path, prefix: &str, labels: &Labels) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => panic!("{}: {error}", directory.display()),
        };
        for entry in entries {
            let entry = entry.expect("a directory entry");
            let name = entry.file_name().as_bytes().escape_ascii().to_string();
            let path = format!("{prefix}{}", labels.canonical(&name));
            let object = look(&entry.path());
            if object.kind == "directory" {
                self.enter(&entry.path(), &format!("{path}/"), labels);
            }
            self.objects.insert(path, object);
        }
    }
}

fn look(path: &Path) -> Object {
    let found = path.symlink_metadata().expect("lstat");
    let kind = found.file_type();
    let (kind, content) = match kind {
        _ if kind.is_dir() => ("directory", Vec::new()),
        _ if kind.is_symlink() => {
            let target = fs::read_link(path).expect("readlink");
            ("link", target.as_os_str().as_bytes().to_vec())
        }
        _ if kind.is_file() => ("file", fs::read(path).unwrap_or_default()),
        _ if kind.is_fifo() => ("fifo", Vec::new()),
        _ if kind.is_socket() => ("socket", Vec::new()),
        _ => ("device", Vec::new()),
    };
    let is_directory = kind == "directory";
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    Object {
        kind,
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        links: if is_directory { 0 } else { found.nlink() },
        size: if is_directory { 0 } else { found.size() },
        content: hasher.finish(),
        modified: if is_directory {
            Modified::JustNow
        } else {
            modified(found.mtime())
        },
    }
}

fn modified(seconds: i64) -> Modified {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if (seconds.saturating_sub(now)).abs() < FRESH_SECONDS {
        Modified::JustNow
    } else {
        Modified::At(seconds)
    }
}
