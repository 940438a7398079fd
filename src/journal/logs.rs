//! Moves the logs of a message into the trash and back.
//!
//! Defines the names of the logs in saved/. Never replaces a file.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;
use nix::errno::Errno;

use super::error::{RenameFailure, is_refusal};
use super::locate::look;
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{Warning, WorkError};
use crate::spool::{Queue, QueueId, Walk, WalkError};
use crate::sys::dir::Dir;
use crate::sys::error_text::{error_text, is};

/// The largest length of a file name in bytes.
pub const NAME_MAX: usize = 255;

/// The result of moving logs back. Of several logs, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogsRestored {
    All,
    /// At least one log stays in the trash because its place is taken; this was
    /// logged.
    Refused,
    /// At least one log in the trash could not be examined; this was logged.
    Unseen,
}

/// Returns the name of a log in saved/. The dot prevents it from being a queue
/// ID.
pub fn name(id: &QueueId, log: Queue) -> Vec<u8> {
    [id.as_bytes(), b".", log.name().as_bytes()].concat()
}

/// Returns the queue ID and the log queue that a name in saved/ stands for;
/// `None` if it is not the name of a log.
pub fn parse_name(name: &[u8]) -> Option<(QueueId, Queue)> {
    let (id, log) = name.rsplit_once_str(".")?;
    let log = Queue::parse(log).filter(|queue| Queue::LOGS.contains(queue))?;
    Some((QueueId::parse(id)?, log))
}

/// A log that may have to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// The log in this queue was seen before.
    Seen(Queue),
    /// There may be a log in this queue.
    Unknown(Queue),
}

/// Returns the logs that a message has or, where that cannot be examined, may have.
/// Queues that lacked one in `snapshot` are skipped.
pub fn of(ops: &SpoolOps<'_>, id: &QueueId, snapshot: &NameSnapshot) -> Vec<LogSource> {
    let source = |log: Queue| {
        if snapshot.lacks(log, id) {
            return None;
        }
        match look(ops, log, id) {
            Ok(Some(_)) => Some(LogSource::Seen(log)),
            Ok(None) => None,
            // It is looked for again when it has to be moved, which reports why it
            // cannot be: passed over, it would stay behind.
            Err(_) => Some(LogSource::Unknown(log)),
        }
    };
    Queue::LOGS.into_iter().filter_map(source).collect()
}

/// Returns the queues of the logs that were seen.
pub fn seen(sources: &[LogSource]) -> Vec<Queue> {
    let seen = |source: &LogSource| match source {
        LogSource::Seen(log) => Some(*log),
        LogSource::Unknown(_) => None,
    };
    sources.iter().filter_map(seen).collect()
}

/// The kinds of logs that the trash may have.
#[derive(Clone, Debug)]
pub struct KindsInTrash(Vec<Queue>);

impl KindsInTrash {
    /// Reads the names in the trash. The lock on the journal must be held: nothing is
    /// moved there meanwhile.
    pub fn read(spool: &Dir) -> Self {
        // What cannot be read is looked for, which reports why.
        kinds_in_saved(spool).map_or_else(|_| Self::default(), Self)
    }

    fn lack(&self, log: Queue) -> bool {
        !self.0.contains(&log)
    }
}

/// All kinds, if nothing is known.
impl Default for KindsInTrash {
    fn default() -> Self {
        Self(Queue::LOGS.to_vec())
    }
}

fn kinds_in_saved(spool: &Dir) -> Result<Vec<Queue>, WalkError> {
    let mut walk = Walk::new(spool, Queue::Saved)?;
    let mut kinds = Vec::new();
    while kinds.len() < Queue::LOGS.len()
        && let Some(found) = walk.next_name()?
    {
        if let Some((_, log)) = parse_name(found.name)
            && !kinds.contains(&log)
        {
            kinds.push(log);
        }
    }
    Ok(kinds)
}

/// Moves a log into the trash, if there is one.
///
/// # Errors
///
/// The log cannot be moved, or its name in the trash is taken.
pub fn take(ops: &SpoolOps<'_>, id: &QueueId, source: LogSource) -> Result<(), RenameFailure> {
    let (LogSource::Seen(log) | LogSource::Unknown(log)) = source;
    let path = ops.path(log, id.as_bytes());
    let moved = match ops.home(log, id.as_bytes()) {
        Ok(dir) => {
            let at = FileAt {
                dir: &dir,
                name: id.as_bytes(),
                path: &path,
            };
            // Most messages lack some of the logs, and renaming a missing log
            // would create directories; so check that it exists.
            let checked = match source {
                LogSource::Seen(_) => Ok(()),
                LogSource::Unknown(_) => dir.stat(id.as_os_str()).map(drop),
            };
            checked
                .and_then(|()| ops.rename_to_free(at, Queue::Saved, id.as_bytes(), &name(id, log)))
        }
        Err(cause) => Err(cause),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(()),
        Err(cause) => Err(RenameFailure {
            path,
            to: ops.path_of(Queue::Saved, id.as_bytes(), &name(id, log)),
            cause,
        }),
    }
}

/// Moves all logs of a message back to where they belong, the `recorded` ones and
/// any other of a kind that the trash has. A log whose place is taken stays in the
/// trash.
///
/// # Errors
///
/// A log cannot be moved for another reason.
pub fn put_back(
    ops: &SpoolOps<'_>,
    id: &QueueId,
    (recorded, kinds): (&[Queue], &KindsInTrash),
    action_log: &mut ActionLog,
) -> Result<LogsRestored, WorkError> {
    let Some(saved) = found(ops.home(Queue::Saved, id.as_bytes()), ops, id)? else {
        return Ok(LogsRestored::All);
    };
    let mut back = LogsRestored::All;
    for log in Queue::LOGS {
        let source = if recorded.contains(&log) {
            LogSource::Seen(log)
        } else if kinds.lack(log) {
            continue;
        } else {
            LogSource::Unknown(log)
        };
        back = back.max(put_back_log(ops, &saved, (id, source), action_log)?);
    }
    Ok(back)
}

/// Like [`put_back`] for a message of which nothing is known.
///
/// # Errors
///
/// Those of [`put_back`].
pub fn put_back_any(
    ops: &SpoolOps<'_>,
    id: &QueueId,
    action_log: &mut ActionLog,
) -> Result<LogsRestored, WorkError> {
    put_back(ops, id, (&[], &KindsInTrash::default()), action_log)
}

/// Moves a log back, if it is in the trash.
fn put_back_log(
    ops: &SpoolOps<'_>,
    saved: &Dir,
    (id, source): (&QueueId, LogSource),
    action_log: &mut ActionLog,
) -> Result<LogsRestored, WorkError> {
    let (LogSource::Seen(log) | LogSource::Unknown(log)) = source;
    let (name, home) = (name(id, log), id.as_bytes());
    let path = ops.path_of(Queue::Saved, home, &name);
    if matches!(source, LogSource::Unknown(_)) {
        match saved.stat(OsStr::from_bytes(&name)) {
            Ok(_) => {}
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(LogsRestored::All),
            Err(cause) => {
                action_log.warn(&Warning::Look { path, cause });
                return Ok(LogsRestored::Unseen);
            }
        }
    }
    let at = FileAt {
        dir: saved,
        name: &name,
        path: &path,
    };
    let to = ops.path(log, home);
    match ops.rename_to_free(at, log, home, home) {
        Ok(StepResult::Done | StepResult::Gone) => Ok(LogsRestored::All),
        Err(cause) if is_refusal(&cause) => {
            let why = format!(
                "stays in the trash, cannot be moved to {to}: {}",
                error_text(&cause)
            );
            action_log.warn(&Warning::Trash { path, why });
            Ok(LogsRestored::Refused)
        }
        Err(cause) => Err(WorkError::Rename {
            from: path,
            to,
            cause,
        }),
    }
}

/// Turns a missing directory into `None`.
fn found<T>(home: io::Result<T>, ops: &SpoolOps<'_>, id: &QueueId) -> Result<Option<T>, WorkError> {
    match home {
        Ok(home) => Ok(Some(home)),
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        Err(cause) => Err(WorkError::Remove {
            path: ops.path(Queue::Saved, id.as_bytes()),
            cause,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::spool::Layout;

    #[test]
    fn a_log_that_cannot_be_examined_may_be_there() {
        let root = tempfile::tempdir().unwrap();
        let id = QueueId::parse(b"4F1A2B3C").unwrap();
        fs::create_dir(root.path().join("defer")).unwrap();
        fs::write(root.path().join("defer/4F1A2B3C"), "a log").unwrap();
        fs::write(root.path().join("bounce"), "no directory").unwrap();
        let (spool, layout) = (Dir::open(root.path()).unwrap(), Layout::new(&[], 0));
        let ops = SpoolOps::new(&spool, &layout, 100);
        let mut snapshot = NameSnapshot::default();
        for lookups in [0, 1_000] {
            snapshot.renew(&ops, Queue::LOGS, lookups);
            let sources = of(&ops, &id, &snapshot);
            assert!(
                sources.contains(&LogSource::Unknown(Queue::Bounce)),
                "{sources:?}"
            );
            assert_eq!(seen(&sources), [Queue::Defer]);
            assert_eq!(sources.len(), 2, "the directory of the third is missing");
        }
    }
}
