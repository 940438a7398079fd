//! The target of an installation: the prefix, and the directory that is used as
//! `/` when a package is built.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, ensure};

use super::layout::MANIFEST;

/// The place where the items are installed.
#[derive(Clone, Debug)]
pub struct InstallTarget {
    prefix: PathBuf,
    destdir: Option<PathBuf>,
}

impl InstallTarget {
    /// Returns a target. Fails if one of the directories cannot be used.
    ///
    /// # Errors
    ///
    /// The prefix, or the directory in front of it, cannot be used.
    pub fn new(prefix: PathBuf, destdir: Option<PathBuf>) -> Result<Self> {
        // The manifest stores paths as words in lines.
        let text = prefix.to_str().unwrap_or_default();
        let is_writable = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        ensure!(
            prefix.is_absolute() && prefix.components().all(is_plain) && is_writable,
            "--prefix has to be an absolute path without .. and blanks: {}",
            prefix.display()
        );
        // Normalized: without a trailing slash, for example.
        let prefix = prefix.components().collect();
        Ok(Self { prefix, destdir })
    }

    /// Whether the running system is changed, rather than a package's
    /// directory.
    pub fn is_this_system(&self) -> bool {
        self.destdir.is_none()
    }

    /// The absolute path of a path below the prefix.
    pub fn place(&self, below_prefix: &Path) -> PathBuf {
        self.prefix.join(below_prefix)
    }

    /// The path at which an absolute path is accessed now, with the destdir in
    /// front.
    pub fn now(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            None => path.to_owned(),
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
        }
    }

    /// The path of the manifest, with the destdir in front.
    pub fn manifest(&self) -> PathBuf {
        self.now(&self.place(Path::new(MANIFEST)))
    }
}
