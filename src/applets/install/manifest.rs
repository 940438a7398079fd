//! The manifest, a list of what was installed. Uninstall removes exactly that,
//! and a repeated install recognizes its own files.
//!
//! It is written before anything else and again at the end: after an
//! interruption it lists every file of ours. A path can be listed twice, with
//! its state before and after an upgrade.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

use super::diversion::Diversion;
use super::found::{ExistingItem, Fingerprint};

/// The first line, which ends with the version of the format.
const TITLE: &str = "spoolbox installed 1";

/// The installed items. Paths are absolute and do not include the destdir.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<ManifestEntry>,
}

/// A line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestEntry {
    /// A directory that did not exist before the installation.
    Directory(PathBuf),
    /// A file and the fingerprint of its content.
    File(PathBuf, Fingerprint),
    /// A symbolic link and its target.
    Link(PathBuf, PathBuf),
    /// A diversion of one of Postfix's files.
    Diversion(Diversion),
}

impl Manifest {
    /// Reads the manifest; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a manifest.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
        };
        Self::parse(&text)
            .with_context(|| format!("cannot parse {}", path.display()))
            .map(Some)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        ensure!(lines.next() == Some(TITLE), "unexpected first line");
        let entry = |line: &str| entry(line).ok_or_else(|| anyhow!("bad line: {line}"));
        let entries = lines.map(entry).collect::<Result<_>>()?;
        Ok(Self { entries })
    }

    /// Formats the manifest.
    pub fn to_text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        for entry in &self.entries {
            // Writing to a String cannot fail.
            let _ = match entry {
                ManifestEntry::Directory(path) => writeln!(text, "directory {}", path.display()),
                ManifestEntry::File(path, print) => {
                    writeln!(text, "file {} {print}", path.display())
                }
                ManifestEntry::Link(path, target) => {
                    writeln!(text, "link {} {}", path.display(), target.display())
                }
                ManifestEntry::Diversion(Diversion { from, to }) => {
                    writeln!(text, "diversion {} {}", from.display(), to.display())
                }
            };
        }
        text
    }

    /// Adds an entry unless it is already listed.
    pub fn add(&mut self, entry: ManifestEntry) {
        if !self.entries.contains(&entry) {
            self.entries.push(entry);
        }
    }

    /// Returns the union of both manifests: these entries first, then the
    /// others.
    pub fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        other.entries.iter().for_each(|e| both.add(e.clone()));
        both
    }

    /// Whether both have the same entries, in any order.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let has = |entry: &ManifestEntry| other.entries.contains(entry);
        self.entries.len() == other.entries.len() && self.entries.iter().all(has)
    }

    /// Whether `found`, which exists at `path`, was installed by us.
    pub fn knows(&self, path: &Path, found: &ExistingItem) -> bool {
        self.entries.iter().any(|entry| match (entry, found) {
            (ManifestEntry::File(known, print), ExistingItem::File(there, _)) => {
                known == path && print == there
            }
            (ManifestEntry::Link(known, target), ExistingItem::Link(there)) => {
                known == path && target == there
            }
            _ => false,
        })
    }

    /// The paths of files and links, without duplicates, in the order of the
    /// lines.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = Vec::new();
        for entry in &self.entries {
            if let ManifestEntry::File(path, _) | ManifestEntry::Link(path, _) = entry
                && !paths.contains(&path.as_path())
            {
                paths.push(path);
            }
        }
        paths
    }

    /// The directories, in the order of the lines.
    pub fn directories(&self) -> impl DoubleEndedIterator<Item = &Path> {
        self.entries.iter().filter_map(|entry| match entry {
            ManifestEntry::Directory(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// The diversions, in the order of the lines.
    pub fn diversions(&self) -> impl Iterator<Item = &Diversion> {
        self.entries.iter().filter_map(|entry| match entry {
            ManifestEntry::Diversion(diversion) => Some(diversion),
            _ => None,
        })
    }

    /// The diversion of a path.
    pub fn diversion_of(&self, path: &Path) -> Option<&Diversion> {
        self.diversions().find(|diversion| diversion.from == path)
    }
}

fn entry(line: &str) -> Option<ManifestEntry> {
    let words: Vec<&str> = line.split(' ').collect();
    Some(match words.as_slice() {
        ["directory", path] => ManifestEntry::Directory(safe(path)?),
        ["file", path, size, sum] => {
            ManifestEntry::File(safe(path)?, Fingerprint::parse(size, sum)?)
        }
        ["link", path, target] => ManifestEntry::Link(safe(path)?, target.into()),
        ["diversion", from, to] => ManifestEntry::Diversion(Diversion {
            from: safe(from)?,
            to: safe(to)?,
        }),
        _ => return None,
    })
}

/// Parses an absolute path without `.` and `..` components.
fn safe(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    (path.is_absolute() && path.components().all(is_plain)).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let print = Fingerprint::of(&mut b"x".as_slice()).unwrap();
        let mut manifest = Manifest::default();
        manifest.add(ManifestEntry::Directory("/usr/local/lib/spoolbox".into()));
        manifest.add(ManifestEntry::File("/usr/local/bin/spoolbox".into(), print));
        manifest.add(ManifestEntry::Link(
            "/b/mailq".into(),
            "../sbin/postqueue".into(),
        ));
        manifest.add(ManifestEntry::Diversion(Diversion {
            from: "/usr/bin/mailq".into(),
            to: "/usr/bin/mailq.postfix".into(),
        }));
        manifest
    }

    #[test]
    fn a_written_manifest_is_read_back() {
        assert_eq!(Manifest::parse(&sample().to_text()).unwrap(), sample());
    }

    #[test]
    fn a_file_that_is_not_a_manifest_is_refused() {
        let good = sample().to_text();
        for text in [
            String::new(),
            "spoolbox installed 2\n".to_owned(),
            format!("{good}\n"),
            format!("{good}file /a 1\n"),
            format!("{good}directory usr\n"),
            format!("{good}directory /usr/../etc\n"),
        ] {
            assert!(Manifest::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_ours_only_as_it_was_written() {
        let manifest = sample();
        let link = |target: &str| ExistingItem::Link(target.into());
        let path = Path::new("/b/mailq");
        assert!(manifest.knows(path, &link("../sbin/postqueue")));
        assert!(!manifest.knows(path, &link("../sbin/sendmail")));
        assert!(!manifest.knows(Path::new("/c"), &link("../sbin/postqueue")));
        assert!(!manifest.knows(path, &ExistingItem::Directory));
    }
}
