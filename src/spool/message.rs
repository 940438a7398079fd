//! One file of a queue: whether it is a complete message, and opening it so
//! that it cannot be replaced in between. Observed with Postfix 3.7.11.

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

/// Owner read, write and execute: the file is complete.
const READY: u32 = 0o700;
/// Group execute: forced to expire.
const EXPIRED: u32 = 0o010;
/// A second link is normal for this many seconds, while a file is renamed by
/// link and unlink on some file systems.
const LINK_GRACE: i64 = 60;

/// A complete message, open for reading.
#[derive(Debug)]
pub struct Message {
    /// The queue file.
    pub file: File,
    /// What fstat(2) said of it.
    pub stat: FileStat,
}

impl Message {
    /// Whether it was forced to expire.
    pub fn is_expired(&self) -> bool {
        self.stat.st_mode & EXPIRED != 0
    }

    /// The bytes of the queue file.
    pub fn source(&self) -> FileSource<&File> {
        FileSource {
            size: u64::try_from(self.stat.st_size).unwrap_or(0),
            file: &self.file,
        }
    }

    /// The warning about a file that has had a second link for too long.
    pub fn link_warning(&self, path: &str, now: i64) -> Option<String> {
        link_warning(&self.stat, path, now)
    }
}

/// Which file a message is, to be known again: a name in the queue can be
/// another message's a moment later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// The identity of what was looked at.
    pub fn of(stat: &FileStat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// What a name in a queue is, by lstat(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCheck {
    /// A complete message, with a warning if it has had a second link for too
    /// long.
    Message(Option<String>),
    /// A file that is still being written, or corrupt.
    NotReady,
    /// No file.
    NotRegular,
}

/// What a name in a queue is, by what lstat(2) reported.
pub fn look(stat: &FileStat, path: &str, now: i64) -> FileCheck {
    if !is_regular(stat) {
        FileCheck::NotRegular
    } else if is_ready(stat) {
        FileCheck::Message(link_warning(stat, path, now))
    } else {
        FileCheck::NotReady
    }
}

/// Whether it is a regular file.
pub fn is_regular(stat: &FileStat) -> bool {
    FileKind::of(stat) == FileKind::File
}

/// Whether it is a complete message and there is nothing to warn of.
pub fn is_plain(stat: &FileStat) -> bool {
    is_regular(stat) && is_ready(stat) && stat.st_nlink == 1
}

/// Whether the permissions are those of a complete message.
pub fn is_ready(stat: &FileStat) -> bool {
    stat.st_mode & READY == READY
}

/// The warning about a file that has had a second link for too long.
fn link_warning(stat: &FileStat, path: &str, now: i64) -> Option<String> {
    let old = now.saturating_sub(stat.st_ctime) > LINK_GRACE;
    (stat.st_nlink > 1 && old).then(|| {
        format!(
            "{path}: uid {}: file has {} links",
            stat.st_uid, stat.st_nlink
        )
    })
}

/// Why a name in a queue is no message that can be listed.
#[derive(Debug, Error)]
pub enum NoMessage {
    /// It vanished, moved, or is still being written. Not reported.
    #[error("not there")]
    NotThere,
    /// Its place cannot be examined.
    #[error("{path}: {}", error_text(.cause))]
    Place {
        /// The file, relative to the queue directory.
        path: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// It is no regular file.
    #[error("{path}: uid {uid}: not a regular file")]
    NotRegular {
        /// The file, relative to the queue directory.
        path: String,
        /// Its owner.
        uid: u32,
    },
    /// It cannot be opened.
    #[error("open {queue} {name}: {}", error_text(.cause))]
    Open {
        /// The queue.
        queue: Queue,
        /// The name in the queue.
        name: String,
        /// What the kernel said.
        cause: io::Error,
    },
}

impl NoMessage {
    /// Whether the message may be fine, and it is the process that lacks
    /// something: to pass it over would be to lose it from sight.
    pub fn is_exhaustion(&self) -> bool {
        match self {
            Self::Open { cause, .. } | Self::Place { cause, .. } => is_exhaustion(cause),
            Self::NotThere | Self::NotRegular { .. } => false,
        }
    }
}

/// Whether an error says that descriptors or memory have run out.
pub fn is_exhaustion(error: &io::Error) -> bool {
    const LACKS: [Errno; 3] = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];
    is_any(error, &LACKS)
}

/// Opens what is called `name` in `dir`, and looks at what was opened.
pub fn open_any(dir: &Dir, name: &[u8]) -> io::Result<(File, FileStat)> {
    let file = dir.open_file(OsStr::from_bytes(name))?;
    let stat = stat_open(&file)?;
    Ok((file, stat))
}

/// Opens the file `name`, relative to `dir`, if it is a complete message of
/// `queue`. `path` is what a warning calls it.
pub fn open(dir: &Dir, name: &[u8], queue: Queue, path: &str) -> Result<Message, NoMessage> {
    let file_name = OsStr::from_bytes(name);
    let opened = open_any(dir, name)
        .map(|(file, stat)| (stat, Ok(file)))
        // What cannot be opened is examined by its name: it may be a link, a
        // socket, or a file that is not finished.
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
