//! The trash: deleted messages wait in saved/ until they are brought back or
//! removed for good.
//!
//! A message `ID` lies at its place in saved/, Postfix's own directory, where
//! `postcat -q ID` finds it; beside it its logs as `ID.defer`, `ID.bounce` and
//! `ID.trace`, which are no queue IDs. All of it moves by rename, the logs
//! first, never onto anything. Before a message moves, a line in
//! `saved/journal.spoolbox` is on the disk (`records`, `journal_file`), and another if
//! it has gone on to another queue by then. A kill at any moment leaves a batch
//! that `restore` brings back and `purge` removes: both look at what is really
//! there and take the journal for a hint.
//!
//! Owns how messages get in here. Who may do it is the applets' business.

mod batches;
mod compact;
mod journal_file;
mod locate;
mod logs;
mod purge;
pub mod records;
mod restore;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use thiserror::Error;

use crate::actions::bulk::SpoolContext;
use crate::actions::report::{ActionLog, Warning, WorkError};
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::{error_text, is};
use crate::sys::process::process_number;
use crate::sys::signals::Interrupts;
use crate::sys::time::{LocalTime, Zone, now};

use batches::{Batches, Keep};
use journal_file::{JournalDirectory, LockedJournal, PATH};
use logs::LogsRestored;
use records::{Attempt, Event, JournalRecord, TrashedMessage, clipped};

pub use batches::{BatchSummary, list};
pub use purge::purge;
pub use records::{Caller, Word};
pub use restore::undo;

/// Why the trash cannot be used. The texts say what to do.
#[derive(Debug, Error)]
pub enum TrashError {
    /// saved/ is missing.
    #[error("open directory saved: No such file or directory; \"postfix check\" makes it")]
    NoDirectory,
    /// The journal, or its directory, cannot be opened or read.
    #[error("open {path}: {}", error_text(.cause))]
    Open {
        /// What it is.
        path: &'static str,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The journal cannot be written.
    #[error("write {PATH}: {}; what is not in there is not moved", error_text(.0))]
    Write(io::Error),
    /// It cannot be written anew.
    #[error("write {PATH}.new: {}", error_text(.0))]
    WriteNew(io::Error),
    /// There is no end to something that is no record.
    #[error(
        "{PATH} is damaged: from byte {0} on there is more that is no record than is read; move \
         it away to begin a new one; the messages stay in saved, where postcat -q finds them"
    )]
    Damaged(u64),
    /// Something else has its name.
    #[error(
        "{PATH} is no journal of the trash, or was damaged at its beginning: move it away to \
         begin a new one; the messages stay in saved, where postcat -q finds them"
    )]
    NoJournal,
    /// A later spoolbox wrote it.
    #[error("{PATH} is of another version of spoolbox: use that one, or move the file away")]
    OtherVersion,
    /// Somebody has the lock for long.
    #[error("{PATH} is in use by another process: try again when that is done")]
    Busy,
    /// No batch is left.
    #[error("nothing to undo: the trash is empty")]
    Empty,
    /// The last call's batch is gone; what is left is of calls before it.
    #[error(
        "nothing to undo: batch {batch} of the last call was purged; of the one before: \
         postsuper --undo={earlier}"
    )]
    LastPurged {
        /// The batch of the last call.
        batch: Word,
        /// The newest that is left.
        earlier: Word,
    },
    /// There is no batch of that name.
    #[error("no batch {0} in the trash: --trash-list shows those there are")]
    NoBatch(String),
    /// All of the batch was brought back or removed.
    #[error("batch {batch} was {how} before: --trash-list shows those there are")]
    Closed {
        /// Its name.
        batch: Word,
        /// What became of it.
        how: &'static str,
    },
}

impl TrashError {
    fn open(path: &'static str) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Open { path, cause }
    }

    fn write(cause: io::Error) -> Self {
        Self::Write(cause)
    }

    fn write_new(cause: io::Error) -> Self {
        Self::WriteNew(cause)
    }

    fn closed(batch: &Word, how: &'static str) -> Self {
        let batch = batch.clone();
        Self::Closed { batch, how }
    }
}

/// Takes messages, all of them as one batch.
#[derive(Debug)]
pub struct Trash<'a> {
    ops: SpoolOps<'a>,
    interrupts: &'a Interrupts,
    directory: JournalDirectory,
    /// The journal's size when the batch was begun.
    size_before: u64,
    batch: Word,
    who: Caller,
    comment: Option<Vec<u8>>,
    announced: Mutex<Announced>,
    /// Whether any message was announced, and whether anything was moved.
    has_announced: AtomicBool,
    has_moved: AtomicBool,
}

/// What is about to be moved, and the lock that goes with it: undo and purge
/// wait until all that was announced is moved.
#[derive(Debug, Default)]
struct Announced {
    lock: Option<LockedJournal>,
    /// How many hold it.
    holders: usize,
    /// Where the messages are, by inode number.
    messages: HashMap<u64, Queue>,
}

/// Some messages were announced; they are moved while this is held.
#[derive(Debug)]
pub struct Announcement<'t>(&'t Trash<'t>);

/// What became of a message that was to go to the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrashOutcome {
    /// It is there.
    Done,
    /// It was not where it was seen.
    Gone,
    /// It stays where it is, and the reason was told.
    Refused,
}

impl<'a> Trash<'a> {
    /// Begins a batch, and writes that down: a call that moves nothing is one
    /// that `restore` has to find.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written: nothing can be moved then.
    pub fn begin(
        field: SpoolContext<'a>,
        who: Caller,
        comment: Option<&[u8]>,
    ) -> Result<Self, WorkError> {
        let directory = JournalDirectory::open(field.spool)?;
        let trash = Self {
            size_before: directory.journal_size(),
            directory,
            ops: field.ops(),
            interrupts: field.interrupts,
            batch: new_batch(now()),
            who,
            comment: comment.map(clipped),
            announced: Mutex::default(),
            has_announced: AtomicBool::default(),
            has_moved: AtomicBool::default(),
        };
        let comment = trash.comment.clone();
        let locked = trash.directory.lock(trash.interrupts)?;
        locked.append(&trash.record(Event::Begin { comment }))?;
        Ok(trash)
    }

    /// Ends the batch. Returns its name if anything was moved, so that it can be
    /// undone.
    ///
    /// What is written here is of use to later calls, and they do without it if
    /// it cannot be written.
    pub fn finish(&self) -> Option<&Word> {
        let has_moved = self.has_moved.load(Ordering::Relaxed);
        let moved_nothing = !has_moved && self.has_announced.load(Ordering::Relaxed);
        let has_doubled = compact::has_doubled(self.size_before, self.directory.journal_size());
        if (moved_nothing || has_doubled)
            && let Ok(mut locked) = self.directory.lock(self.interrupts)
        {
            if moved_nothing {
                let _ = locked.append(&self.record(Event::MovedNothing));
            }
            if has_doubled {
                self.tidy(&mut locked);
            }
        }
        has_moved.then_some(&self.batch)
    }

    fn tidy(&self, locked: &mut LockedJournal) {
        let mut action_log = ActionLog::default();
        let read = Batches::read(
            locked.journal(),
            self.interrupts,
            Keep::Newest,
            &mut action_log,
        );
        if let Ok(mut batches) = read {
            compact::tidy(
                locked,
                &mut batches,
                &self.ops,
                self.interrupts,
                &mut action_log,
            );
        }
    }

    /// Writes down that these messages are about to be moved here, and waits
    /// until that is on the disk: once for all of them.
    pub fn announce<'i>(
        &self,
        messages: impl IntoIterator<Item = (&'i QueueId, Queue, &'i FileStat)>,
    ) -> Result<Announcement<'_>, WorkError> {
        let held = self.hold()?;
        let mut lines = Vec::new();
        for (id, queue, stat) in messages {
            let before = self.announced().messages.insert(stat.st_ino, queue);
            match before {
                Some(before) if before == queue => {}
                Some(_) => lines.extend(self.line(Attempt::Retry, id, queue, stat)),
                None => lines.extend(self.line(Attempt::First, id, queue, stat)),
            }
        }
        if !lines.is_empty() {
            self.has_announced.store(true, Ordering::Relaxed);
            if let Some(locked) = &self.announced().lock {
                locked.append(&lines)?;
            }
        }
        Ok(held)
    }

    /// Moves a message and its logs here.
    pub fn take(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<TrashOutcome, WorkError> {
        let _held = self.announce([(id, queue, stat)])?;
        if let Some(why) = self.issue(id) {
            return Ok(match at.dir.stat(at.os_name()) {
                // What has its place here is the message itself: another
                // process moved it while we waited for the lock.
                Err(cause) if is(&cause, Errno::ENOENT) => TrashOutcome::Gone,
                _ => refuse(at.path, why, action_log),
            });
        }
        let moved = self.move_in(at, id);
        match moved {
            Ok(StepResult::Done) => self.has_moved.store(true, Ordering::Relaxed),
            // It was delivered, and its logs are of no use.
            Ok(StepResult::Gone) if !self.is_in_a_queue(id) => {}
            // The message stays, or has moved on, and its logs with it.
            _ => {
                // One whose place was taken has a newer one there.
                if logs::put_back(&self.ops, id, action_log)? == LogsRestored::Unseen {
                    self.has_moved.store(true, Ordering::Relaxed);
                }
            }
        }
        match moved {
            Ok(StepResult::Gone) => Ok(TrashOutcome::Gone),
            Ok(StepResult::Done) => {
                self.check_identity(id, queue, stat)?;
                Ok(TrashOutcome::Done)
            }
            Err(Failure { path, cause, to }) if is_refusal(&cause) => {
                let why = format!("cannot be moved to {to}: {}", error_text(&cause));
                Ok(refuse(&path, why, action_log))
            }
            Err(Failure { path, cause, to }) => Err(WorkError::Rename {
                from: path,
                to,
                cause,
            }),
        }
    }

    /// Whether a message of that ID is in a queue, or cannot be looked for.
    fn is_in_a_queue(&self, id: &QueueId) -> bool {
        let is_in = |queue| !matches!(locate::look(&self.ops, queue, id), Ok(None));
        Queue::LISTED.into_iter().any(is_in)
    }

    /// What keeps a message from coming here, for all that can be known before
    /// anything is moved.
    fn issue(&self, id: &QueueId) -> Option<String> {
        if logs::name(id, Queue::Bounce).len() > logs::NAME_MAX {
            return Some("its name is too long for the trash".to_owned());
        }
        let found = self.ops.home(Queue::Saved, id.as_bytes());
        let found = found.and_then(|home| home.stat(id.as_os_str()));
        let path = self.ops.path(Queue::Saved, id.as_bytes());
        found.ok().map(|_| format!("{path} is there already"))
    }

    /// The logs first: if we are killed in between, the message is where it
    /// was and can be deleted again.
    fn move_in(&self, at: FileAt<'_>, id: &QueueId) -> Result<StepResult, Failure> {
        for log in Queue::LOGS {
            logs::take(&self.ops, id, log)?;
        }
        let name = id.as_bytes();
        let moved = self.ops.rename_to_free(at, Queue::Saved, name, name);
        moved.map_err(|cause| Failure {
            path: at.path.to_owned(),
            to: self.ops.path(Queue::Saved, name),
            cause,
        })
    }

    /// Another message may have got the ID between the look and the move: it
    /// is here now, and has to be found.
    fn check_identity(&self, id: &QueueId, queue: Queue, seen: &FileStat) -> Result<(), WorkError> {
        let home = self.ops.home(Queue::Saved, id.as_bytes());
        match home.and_then(|home| home.stat(id.as_os_str())) {
            Ok(stat) if stat.st_ino != seen.st_ino => self.announce([(id, queue, &stat)]).map(drop),
            _ => Ok(()),
        }
    }

    fn line(&self, turn: Attempt, id: &QueueId, queue: Queue, stat: &FileStat) -> Vec<u8> {
        let logs = logs::of(&self.ops, id);
        self.record(Event::Trash {
            turn,
            entry: TrashedMessage::of(id, queue, stat, logs),
            comment: self.comment.clone(),
        })
    }

    fn record(&self, event: Event) -> Vec<u8> {
        let line = JournalRecord {
            time: now(),
            batch: self.batch.clone(),
            who: self.who.clone(),
            event,
        };
        line.to_text()
    }

    fn hold(&self) -> Result<Announcement<'_>, WorkError> {
        let mut announced = self.announced();
        if announced.lock.is_none() {
            announced.lock = Some(self.directory.lock(self.interrupts)?);
        }
        announced.holders = announced.holders.saturating_add(1);
        Ok(Announcement(self))
    }

    fn announced(&self) -> MutexGuard<'_, Announced> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        let mut announced = self.0.announced();
        announced.holders = announced.holders.saturating_sub(1);
        if announced.holders == 0 {
            *announced = Announced::default();
        }
    }
}

/// A rename that failed.
#[derive(Debug)]
struct Failure {
    path: String,
    to: String,
    cause: io::Error,
}

/// Whether it is about this one message: something has its place, or the file
/// system cannot tell.
fn is_refusal(cause: &io::Error) -> bool {
    is(cause, Errno::EEXIST) || is(cause, Errno::EINVAL) || is(cause, Errno::ENOSYS)
}

fn refuse(path: &str, why: String, action_log: &mut ActionLog) -> TrashOutcome {
    let path = path.to_owned();
    action_log.warn(&Warning::Trash { path, why });
    TrashOutcome::Refused
}

/// The name of a batch: when it was begun, and by which process.
fn new_batch(time: i64) -> Word {
    let mut text = String::new();
    if let Some(time) = LocalTime::of(time, Zone::Utc) {
        time.write_iso(&mut text);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (day, clock) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let name = format!("{day}-{clock}-{}", process_number());
    // It is made of digits and dashes.
    Word::parse(name.as_bytes()).unwrap_or_else(Word::unknown)
}
