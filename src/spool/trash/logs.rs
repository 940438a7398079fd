//! The logs of a message on their way into the trash and back.
//!
//! Owns what they are called in saved/. Never replaces one.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::Failure;
use crate::spool::moves::{At, Mover, Outcome};
use crate::spool::note::{Notes, Oddity, WorkError};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::{error_text, is};

/// Bytes of a name that file systems take.
pub const NAME_MAX: usize = 255;

/// Whether all logs are where they belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    All,
    /// One stays in the trash, where its place is taken; that was told.
    Refused,
    /// Whether one is in the trash cannot be seen; that was told.
    Unseen,
}

/// The name of a log in saved/. The dot makes it no queue ID.
pub fn name(id: &QueueId, log: Queue) -> Vec<u8> {
    [id.as_bytes(), b".", log.name().as_bytes()].concat()
}

/// The message and the log that a name in saved/ is of, if it is a log's.
pub fn parse_name(name: &[u8]) -> Option<(QueueId, Queue)> {
    let dot = name.iter().rposition(|&b| b == b'.')?;
    let (id, log) = (name.get(..dot)?, name.get(dot.checked_add(1)?..)?);
    let log = Queue::parse(log).filter(|queue| Queue::LOGS.contains(queue))?;
    Some((QueueId::parse(id)?, log))
}

/// The logs that a message has.
pub fn of(mover: &Mover<'_>, id: &QueueId) -> Vec<Queue> {
    let has = |log: &Queue| {
        let home = mover.home(*log, id.as_bytes());
        home.is_ok_and(|home| home.stat(id.as_os_str()).is_ok())
    };
    Queue::LOGS.into_iter().filter(has).collect()
}

/// Moves a log into the trash, if there is one.
pub fn take(mover: &Mover<'_>, id: &QueueId, log: Queue) -> Result<(), Failure> {
    let path = mover.path(log, id.as_bytes());
    let moved = match mover.home(log, id.as_bytes()) {
        Ok(dir) => {
            let at = At {
                dir: &dir,
                name: id.as_bytes(),
                path: &path,
            };
            // Most messages have not all of them, and a rename makes
            // directories if it meets none.
            match dir.stat(id.as_os_str()) {
                Ok(_) => mover.rename_to_free(at, Queue::Saved, id.as_bytes(), &name(id, log)),
                Err(cause) => Err(cause),
            }
        }
        Err(cause) => Err(cause),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(()),
        Err(cause) => Err(Failure {
            path,
            to: mover.path_of(Queue::Saved, id.as_bytes(), &name(id, log)),
            cause,
        }),
    }
}

/// Moves all logs of a message back to where they belong; those whose place
/// was taken stay.
pub fn put_back(mover: &Mover<'_>, id: &QueueId, notes: &mut Notes) -> Result<Back, WorkError> {
    let Some(saved) = found(mover.home(Queue::Saved, id.as_bytes()), mover, id)? else {
        return Ok(Back::All);
    };
    let mut back = Back::All;
    for log in Queue::LOGS {
        let (name, home) = (name(id, log), id.as_bytes());
        let path = mover.path_of(Queue::Saved, home, &name);
        match saved.stat(OsStr::from_bytes(&name)) {
            Ok(_) => {}
            Err(cause) if is(&cause, Errno::ENOENT) => continue,
            Err(cause) => {
                notes.odd(&Oddity::Look { path, cause });
                back = Back::Unseen;
                continue;
            }
        }
        let at = At {
            dir: &saved,
            name: &name,
            path: &path,
        };
        let to = mover.path(log, home);
        match mover.rename_to_free(at, log, home, home) {
            Ok(Outcome::Done | Outcome::Gone) => {}
            Err(cause) if super::is_refusal(&cause) => {
                let why = format!(
                    "stays there, cannot be moved to {to}: {}",
                    error_text(&cause)
                );
                notes.odd(&Oddity::Trash { path, why });
                if back == Back::All {
                    back = Back::Refused;
                }
            }
            Err(cause) => {
                return Err(WorkError::Rename {
                    from: path,
                    to,
                    cause,
                });
            }
        }
    }
    Ok(back)
}

/// A directory, unless it is not there.
fn found<T>(home: io::Result<T>, mover: &Mover<'_>, id: &QueueId) -> Result<Option<T>, WorkError> {
    match home {
        Ok(home) => Ok(Some(home)),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        Err(cause) => Err(WorkError::Remove {
            path: mover.path(Queue::Saved, id.as_bytes()),
            cause,
        }),
    }
}
