//! One file of a queue: whether it is a complete message, and how to open it so
//! that the file cannot be replaced between the check and its use.
//!
//! Observed with Postfix 3.7.11.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use thiserror::Error;

use super::Queue;
use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::error_text::{error_text, is_any};
use crate::sys::source::FileSource;

/// The owner read, write and execute bits: the file is complete.
const READY: u32 = 0o700;
/// The group execute bit: the message is forced to expire.
const EXPIRED: u32 = 0o010;
/// The number of seconds for which a second hard link is normal: on some file
/// systems, a file is renamed by link and unlink.
const LINK_GRACE: i64 = 60;

/// A complete message, open for reading.
#[derive(Debug)]
pub struct Message {
    /// The queue file.
    pub file: File,
    /// The fstat(2) result for the file.
    pub stat: FileStat,
}

impl Message {
    /// Returns whether the message was forced to expire.
    pub fn is_expired(&self) -> bool {
        self.stat.st_mode & EXPIRED != 0
    }

    /// Returns the contents of the queue file.
    pub fn source(&self) -> FileSource<&File> {
        FileSource {
            size: u64::try_from(self.stat.st_size).unwrap_or(0),
            file: &self.file,
        }
    }

    /// Returns a warning if the file has had a second hard link for too long.
    /// `path` is what the warning calls the file; `now` is in seconds since the
    /// epoch.
    pub fn link_warning(&self, path: &str, now: impl FnOnce() -> i64) -> Option<String> {
        link_warning(&self.stat, path, now)
    }
}

/// The identity of a file, to recognize it again: its name in the queue may be
/// given to another message at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Returns the identity of the file that a stat(2) result describes.
    pub fn of(stat: &FileStat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// The kind of object that a name in a queue refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCheck {
    /// A complete message, with a warning if it has had a second hard link for
    /// too long.
    Message(Option<String>),
    /// A file that is still being written, or corrupt.
    NotReady,
    /// Not a regular file.
    NotRegular,
}

/// Returns the kind of object that an lstat(2) result describes. `path` is what
/// the warning calls it; `now` is in seconds since the epoch.
pub fn look(stat: &FileStat, path: &str, now: i64) -> FileCheck {
    if !is_regular(stat) {
        FileCheck::NotRegular
    } else if is_ready(stat) {
        FileCheck::Message(link_warning(stat, path, || now))
    } else {
        FileCheck::NotReady
    }
}

/// Returns whether the object is a regular file.
pub fn is_regular(stat: &FileStat) -> bool {
    FileKind::of(stat) == FileKind::File
}

/// Returns whether the file is a complete message with one hard link, so that
/// there is nothing to warn about.
pub fn is_plain(stat: &FileStat) -> bool {
    is_regular(stat) && is_ready(stat) && stat.st_nlink == 1
}

/// Returns whether the permissions are those of a complete message.
pub fn is_ready(stat: &FileStat) -> bool {
    stat.st_mode & READY == READY
}

/// Returns a warning if the file has had a second hard link for too long.
fn link_warning(stat: &FileStat, path: &str, now: impl FnOnce() -> i64) -> Option<String> {
    // Nearly every file has one link, and the time costs a call.
    let is_old = || now().saturating_sub(stat.st_ctime) > LINK_GRACE;
    (stat.st_nlink > 1 && is_old()).then(|| {
        format!(
            "{path}: uid {}: file has {} links",
            stat.st_uid, stat.st_nlink
        )
    })
}

/// The reason why a name in a queue cannot be listed as a message.
#[derive(Debug, Error)]
pub enum NoMessage {
    /// The file has vanished or moved, or is still being written. Not reported.
    #[error("not there")]
    NotThere,
    /// The file cannot be examined.
    #[error("{path}: {}", error_text(.cause))]
    Place {
        /// The file, relative to the queue directory.
        path: String,
        /// The system error.
        cause: io::Error,
    },
    /// The object is not a regular file.
    #[error("{path}: uid {uid}: not a regular file")]
    NotRegular {
        /// The file, relative to the queue directory.
        path: String,
        /// The user ID of its owner.
        uid: u32,
    },
    /// The file cannot be opened.
    #[error("open {queue} {name}: {}", error_text(.cause))]
    Open {
        /// The queue.
        queue: Queue,
        /// The file name.
        name: String,
        /// The system error.
        cause: io::Error,
    },
}

impl NoMessage {
    /// Returns whether the process has run out of a resource, although the
    /// message may be intact. Such a message must not be skipped silently.
    pub fn is_exhaustion(&self) -> bool {
        match self {
            Self::Open { cause, .. } | Self::Place { cause, .. } => is_exhaustion(cause),
            Self::NotThere | Self::NotRegular { .. } => false,
        }
    }
}

/// Returns whether an error means that descriptors or memory have run out.
pub fn is_exhaustion(error: &io::Error) -> bool {
    const LACKS: [Errno; 3] = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];
    is_any(error, &LACKS)
}

/// Opens the file called `name` in `dir`, and returns it with its fstat(2)
/// result.
///
/// # Errors
///
/// Those of openat(2) and fstat(2).
pub fn open_any(dir: &Dir, name: &[u8]) -> io::Result<(File, FileStat)> {
    let file = dir.open_file(OsStr::from_bytes(name))?;
    let stat = stat_open(&file)?;
    Ok((file, stat))
}

/// Opens the file `name`, relative to `dir`, if it is a complete message of
/// `queue`. `path` is what a warning calls it.
///
/// # Errors
///
/// The file is not a complete message, or cannot be examined or opened.
pub fn open(dir: &Dir, name: &[u8], queue: Queue, path: &str) -> Result<Message, NoMessage> {
    let file_name = OsStr::from_bytes(name);
    let opened = open_any(dir, name)
        .map(|(file, stat)| (stat, Ok(file)))
        // A file that cannot be opened is examined by name: it may be a
        // symbolic link, a socket, or an unfinished file.
        .or_else(|cause| Ok::<_, io::Error>((dir.stat(file_name)?, Err(cause))));
    let (stat, file) = match opened {
        Ok(opened) => opened,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(NoMessage::NotThere),
        Err(cause) => {
            return Err(NoMessage::Place {
                path: path.to_owned(),
                cause,
            });
        }
    };
    if !is_regular(&stat) {
        return Err(NoMessage::NotRegular {
            path: path.to_owned(),
            uid: stat.st_uid,
        });
    }
    if !is_ready(&stat) {
        return Err(NoMessage::NotThere);
    }
    match file {
        Ok(file) => Ok(Message { file, stat }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(NoMessage::NotThere),
        Err(cause) => Err(NoMessage::Open {
            queue,
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            cause,
        }),
    }
}
