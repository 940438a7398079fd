//! Where to: the prefix, and the directory that is used as `/` when a package
//! is made.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, ensure};

use super::layout::MANIFEST;

/// Where things are installed.
#[derive(Clone, Debug)]
pub struct InstallTarget {
    prefix: PathBuf,
    destdir: Option<PathBuf>,
}

impl InstallTarget {
    /// Fails unless both can be used.
    pub fn new(prefix: PathBuf, destdir: Option<PathBuf>) -> Result<Self> {
        // It is written down, in lines of words.
        let text = prefix.to_str().unwrap_or_default();
        let is_writable = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        ensure!(
            prefix.is_absolute() && prefix.components().all(is_plain) && is_writable,
            "--prefix has to be an absolute path without .. and blanks: {}",
            prefix.display()
        );
        // Without a trailing slash and the like.
        let prefix = prefix.components().collect();
        Ok(Self { prefix, destdir })
    }

    /// Whether it is this system that is changed.
    pub fn is_this_system(&self) -> bool {
        self.destdir.is_none()
    }

    /// An absolute path for one below the prefix.
    pub fn place(&self, below_prefix: &Path) -> PathBuf {
        self.prefix.join(below_prefix)
    }

    /// Where an absolute path is now.
    pub fn now(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            None => path.to_owned(),
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
        }
    }

    /// The manifest, where it is now.
    pub fn manifest(&self) -> PathBuf {
        self.now(&self.place(Path::new(MANIFEST)))
    }
}
