//! The file of `--output`. A regular file is replaced atomically, and its mode
//! and owner are kept.
//!
//! A FIFO or character device is written to. Symbolic links and everything else
//! are refused: root must not replace /dev/null with a file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

use nix::sys::stat::{FileStat, SFlag};
use thiserror::Error;

use crate::sys::dir::{Dir, stat_open};
use crate::sys::dir_changes::{set_mode, set_owner};
use crate::sys::error_text::error_text;

/// The mode of a file that did not exist.
const NEW_MODE: u32 = 0o644;
/// The mode bits that are kept.
const MODE_BITS: u32 = 0o7777;

/// Why the file was not changed.
#[derive(Debug, Error)]
pub(super) enum OutputError {
    /// The path is a symbolic link.
    #[error("it is a symbolic link; name the file that is to be written")]
    Link,
    /// The path is neither a regular file nor anything else that can be written
    /// to.
    #[error("it is not a file, a FIFO or a character device")]
    NoFile,
    /// The owner of the file would change.
    #[error("its owner and group cannot be kept: {}", error_text(.0))]
    Owner(io::Error),
    /// A system call failed.
    #[error("{}", error_text(.0))]
    Call(#[from] io::Error),
}

/// Writes `text` to the file, which is created if it does not exist. Readers
/// of a regular file see either the old or the new content; the new file gets
/// its name only when its content is on the disk.
pub(super) fn write(file: &Path, text: &mut impl Read) -> Result<(), OutputError> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let name = file.file_name().ok_or_else(invalid)?;
    let parent = file.parent().ok_or_else(invalid)?;
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let directory = Dir::open(parent)?;
    let before = match directory.stat(name) {
        Ok(stat) => Some(stat),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match before.as_ref().map(kind) {
        None | Some(SFlag::S_IFREG) => replace(&directory, name, text, before.as_ref()),
        Some(SFlag::S_IFIFO | SFlag::S_IFCHR) => write_to(&directory, name, text),
        Some(SFlag::S_IFLNK) => Err(OutputError::Link),
        Some(_) => Err(OutputError::NoFile),
    }
}

/// Writes to a FIFO or character device.
fn write_to(directory: &Dir, name: &OsStr, text: &mut impl Read) -> Result<(), OutputError> {
    let mut stream = directory.open_stream(name)?;
    // The name may refer to another file by now.
    match kind(&stat_open(&stream)?) {
        SFlag::S_IFIFO | SFlag::S_IFCHR => Ok(io::copy(text, &mut stream).map(drop)?),
        _ => Err(OutputError::NoFile),
    }
}

/// Creates a new file next to the old one and renames it over the old one.
fn replace(
    directory: &Dir,
    name: &OsStr,
    text: &mut impl Read,
    before: Option<&FileStat>,
) -> Result<(), OutputError> {
    let mut new = OsString::from(".");
    new.push(name);
    new.push(format!(".{}", std::process::id()));
    // The file must not exist: it could belong to another program.
    let file = directory.make_file(&new)?;
    let done = fill(file, text, before)
        .and_then(|()| Ok(directory.replace(name, &new)?))
        .and_then(|()| Ok(directory.sync()?));
    if done.is_err() {
        // The incomplete file is of no use, and the error is already reported.
        let _ = directory.remove_file(&new);
    }
    done
}

/// Writes the new file, and gives it the owner and mode of the old one.
fn fill(
    mut file: File,
    text: &mut impl Read,
    before: Option<&FileStat>,
) -> Result<(), OutputError> {
    io::copy(text, &mut file)?;
    let made = stat_open(&file)?;
    let mode = match before {
        None => NEW_MODE,
        Some(before) => {
            let owner = (before.st_uid, before.st_gid);
            if (made.st_uid, made.st_gid) != owner {
                set_owner(&file, owner).map_err(OutputError::Owner)?;
            }
            before.st_mode & MODE_BITS
        }
    };
    set_mode(&file, mode)?;
    Ok(file.sync_all()?)
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & MODE_BITS
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mail.prom");
        write(&file, &mut &b"old"[..]).unwrap();
        assert_eq!(mode(&file), NEW_MODE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        write(&file, &mut &b"new"[..]).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&directory.path().join("no/mail.prom"), &mut &b""[..]).is_err());
        assert!(write(directory.path(), &mut &b""[..]).is_err());
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        assert!(matches!(
            write(&link, &mut &b"new"[..]),
            Err(OutputError::Link)
        ));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"old");
    }
}
