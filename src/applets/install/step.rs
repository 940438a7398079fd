//! The steps of an installation and of its removal, and how each is carried
//! out.
//!
//! Every step can be repeated after an interruption. A file is replaced by
//! renaming a finished one over it: callers find either the old one or the new
//! one, complete.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::diversion::Diversion;
use super::manifest::Manifest;
use super::owner;
use super::owner::Owner;
use super::target::InstallTarget;

/// The running program, even if its file has been replaced.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

/// A step of an installation or removal.
#[derive(Clone, Debug)]
pub enum InstallStep {
    /// Makes a directory.
    MakeDirectory(PathBuf),
    /// Moves one of Postfix's files aside.
    Divert(Diversion),
    /// Writes a file.
    Write(NewFile),
    /// Makes a symbolic link.
    Link {
        /// The path of the link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// Writes the manifest.
    Record(NewFile),
    /// Renames one of Postfix's files back, in place of ours.
    Restore(Diversion),
    /// Unregisters a diversion.
    EndDiversion(Diversion),
    /// Removes a file or a link.
    Remove(PathBuf),
    /// Removes a directory, unless it has other contents.
    RemoveDirectory(PathBuf),
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub source: ByteSource,
    /// The permission bits.
    pub mode: u32,
    /// Its owner.
    pub owner: Owner,
}

/// The source of a file's content.
#[derive(Clone, Debug)]
pub enum ByteSource {
    /// The running program.
    Program,
    /// These bytes.
    Bytes(Cow<'static, [u8]>),
}

impl ByteSource {
    /// Opens it for reading.
    ///
    /// # Errors
    ///
    /// This program cannot be opened.
    pub fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        Ok(match self {
            Self::Program => Box::new(File::open(THIS_PROGRAM)?),
            Self::Bytes(bytes) => Box::new(&**bytes),
        })
    }
}

impl InstallStep {
    /// Carries out the step.
    ///
    /// # Errors
    ///
    /// The step that failed, and its cause.
    pub fn perform(&self) -> Result<()> {
        let done = match self {
            Self::MakeDirectory(path) => make_directory(path),
            Self::Write(file) | Self::Record(file) => file.write(),
            Self::Link { path, target } => {
                in_one_step(path, |unfinished| symlink(target, unfinished))
            }
            Self::Restore(diversion) => fs::rename(&diversion.to, &diversion.from),
            Self::Remove(path) => remove_if_there(path),
            Self::RemoveDirectory(path) => remove_if_empty(path),
            Self::Divert(diversion) => {
                return diversion.make().with_context(|| failed(self));
            }
            Self::EndDiversion(diversion) => {
                return diversion.end().with_context(|| failed(self));
            }
        };
        done.with_context(|| failed(self))
    }
}

fn failed(step: &InstallStep) -> String {
    format!("cannot {step}")
}

impl fmt::Display for InstallStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDirectory(path) => write!(f, "make directory {}", path.display()),
            Self::Divert(Diversion { from, to }) => {
                write!(f, "divert {} to {}", from.display(), to.display())
            }
            Self::Write(file) => {
                let (path, owner) = (file.path.display(), &file.owner);
                write!(f, "write {path} ({owner}{:04o})", file.mode)
            }
            Self::Link { path, target } => {
                write!(f, "link {} -> {}", path.display(), target.display())
            }
            Self::Record(file) => write!(f, "record it in {}", file.path.display()),
            Self::Restore(Diversion { from, to }) => {
                write!(f, "move {} back to {}", to.display(), from.display())
            }
            Self::EndDiversion(Diversion { from, .. }) => {
                write!(f, "end the diversion of {}", from.display())
            }
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::RemoveDirectory(path) => {
                write!(f, "remove directory {} if it is empty", path.display())
            }
        }
    }
}

impl NewFile {
    /// The step that writes the manifest of a target.
    pub fn manifest(target: &InstallTarget, manifest: &Manifest) -> Self {
        let (owner, mode) = owner::of_text(target);
        Self {
            path: target.manifest(),
            source: ByteSource::Bytes(Cow::Owned(manifest.to_text().into())),
            mode,
            owner,
        }
    }

    fn write(&self) -> io::Result<()> {
        in_one_step(&self.path, |unfinished| {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(unfinished)?;
            io::copy(&mut self.source.open()?, &mut file)?;
            self.owner.give(&file)?;
            // Set after the owner, since chown(2) clears the set-gid bit.
            file.set_permissions(Permissions::from_mode(self.mode))?;
            // Without this, a power failure could leave an empty file under the
            // final name.
            file.sync_all()
        })
    }
}

/// Creates something under a temporary name next to `path` and renames it to
/// `path`.
fn in_one_step(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let unfinished = unfinished(path);
    remove_if_there(&unfinished)?;
    let made = make(&unfinished).and_then(|()| fs::rename(&unfinished, path));
    if made.is_err() {
        // The first error is the one to report.
        let _ = remove_if_there(&unfinished);
    }
    made
}

/// The temporary name of an unfinished file. It is always the same, so that the
/// next run finds what an interrupted run left.
pub fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.spoolbox-new"))
}

fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn remove_if_empty(path: &Path) -> io::Result<()> {
    match fs::remove_dir(path) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Ok(())
        }
        removed => removed,
    }
}
