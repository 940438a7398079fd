//! Moves deleted messages to the trash, all messages of one call as one batch.
//!
//! Enforces the order of the steps: the journal records are on disk before a
//! message moves, its logs are moved before it, and no file is replaced.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::batches::{Batches, Keep};
use super::error::{RenameFailure, is_refusal};
use super::journal_file::{JournalDirectory, LockedJournal};
use super::logs::LogsRestored;
use super::records::{Attempt, Caller, Event, JournalRecord, TrashedMessage, Word, clipped};
use super::{compact, locate, logs};
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{
    Announced, Announcement, Retention, RetentionOutcome, SpoolContext, Warning, WorkError,
};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::{error_text, is};
use crate::sys::process::process_number;
use crate::sys::signals::Interrupts;
use crate::sys::time::{Zone, now};

/// A batch to which deleted messages are moved.
#[derive(Debug)]
pub struct Trash<'a> {
    ops: SpoolOps<'a>,
    interrupts: &'a Interrupts,
    directory: JournalDirectory,
    /// The size of the journal when the batch was begun, in bytes.
    size_before: u64,
    batch: Word,
    who: Caller,
    comment: Option<Vec<u8>>,
    announced: Mutex<MovesInProgress>,
    /// Whether any message was announced, and whether anything was moved.
    has_announced: AtomicBool,
    has_moved: AtomicBool,
}

/// The messages that are about to be moved, and the lock that is held
/// meanwhile: undo and purge wait until all announced messages have been moved.
#[derive(Debug, Default)]
struct MovesInProgress {
    lock: Option<LockedJournal>,
    /// The number of [`HeldLock`] values.
    holders: usize,
    /// The queue of each announced message, by inode number.
    messages: HashMap<u64, Queue>,
}

/// Keeps the journal locked while announced messages are moved.
#[derive(Debug)]
struct HeldLock<'t>(&'t Trash<'t>);

impl<'a> Trash<'a> {
    /// Begins a batch and records that, so that `restore` also finds a call
    /// that moves nothing.
    ///
    /// # Errors
    ///
    /// The journal cannot be written. Nothing can be moved then.
    pub fn begin(
        context: SpoolContext<'a>,
        who: Caller,
        comment: Option<&[u8]>,
    ) -> Result<Self, WorkError> {
        let directory = JournalDirectory::open(context.spool)?;
        let trash = Self {
            size_before: directory.journal_size(),
            directory,
            ops: context.ops(),
            interrupts: context.interrupts,
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

    /// Ends the batch. Returns its name if anything was moved, so that the user
    /// can undo it.
    ///
    /// Failures are ignored: the records written here help later calls, which
    /// work without them too.
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

    /// Records that these messages are about to be moved, and waits until the
    /// records are on disk. One wait covers all messages.
    fn announce_all<'i>(
        &self,
        messages: impl IntoIterator<Item = Announced<'i>>,
    ) -> Result<HeldLock<'_>, WorkError> {
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

    /// Returns whether a message with this ID is in a queue, or cannot be
    /// searched for.
    fn is_in_a_queue(&self, id: &QueueId) -> bool {
        let is_in = |queue| !matches!(locate::look(&self.ops, queue, id), Ok(None));
        Queue::LISTED.into_iter().any(is_in)
    }

    /// Returns the reason why a message cannot be moved to the trash, as far as
    /// this can be known before anything is moved.
    fn obstacle(&self, id: &QueueId) -> Option<String> {
        if logs::name(id, Queue::Bounce).len() > logs::NAME_MAX {
            return Some("its name is too long for the trash".to_owned());
        }
        let found = self.ops.home(Queue::Saved, id.as_bytes());
        let found = found.and_then(|home| home.stat(id.as_os_str()));
        let path = self.ops.path(Queue::Saved, id.as_bytes());
        found.ok().map(|_| format!("{path} already exists"))
    }

    /// Moves the logs, then the message. If the process is killed in between,
    /// the message is still in its queue and can be deleted again.
    fn move_in(&self, at: FileAt<'_>, id: &QueueId) -> Result<StepResult, RenameFailure> {
        for log in Queue::LOGS {
            logs::take(&self.ops, id, log)?;
        }
        let name = id.as_bytes();
        let moved = self.ops.rename_to_free(at, Queue::Saved, name, name);
        moved.map_err(|cause| RenameFailure {
            path: at.path.to_owned(),
            to: self.ops.path(Queue::Saved, name),
            cause,
        })
    }

    /// Records another message that got the ID between the examination and the
    /// move: it is in the trash now, and must be found there.
    fn check_identity(&self, id: &QueueId, queue: Queue, seen: &FileStat) -> Result<(), WorkError> {
        let home = self.ops.home(Queue::Saved, id.as_bytes());
        match home.and_then(|home| home.stat(id.as_os_str())) {
            Ok(stat) if stat.st_ino != seen.st_ino => {
                self.announce_all([(id, queue, &stat)]).map(drop)
            }
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

    fn hold(&self) -> Result<HeldLock<'_>, WorkError> {
        let mut announced = self.announced();
        if announced.lock.is_none() {
            announced.lock = Some(self.directory.lock(self.interrupts)?);
        }
        announced.holders = announced.holders.saturating_add(1);
        Ok(HeldLock(self))
    }

    fn announced(&self) -> MutexGuard<'_, MovesInProgress> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Retention for Trash<'_> {
    fn announce<'a>(
        &'a self,
        messages: &mut dyn Iterator<Item = Announced<'_>>,
    ) -> Result<Announcement<'a>, WorkError> {
        Ok(Box::new(self.announce_all(messages)?))
    }

    fn take(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<RetentionOutcome, WorkError> {
        let _held = self.announce_all([(id, queue, stat)])?;
        if let Some(why) = self.obstacle(id) {
            return Ok(match at.dir.stat(at.os_name()) {
                // The file in the trash is the message itself: another process
                // moved it while this one waited for the lock.
                Err(cause) if is(&cause, Errno::ENOENT) => RetentionOutcome::Gone,
                _ => refuse(at.path, why, action_log),
            });
        }
        let moved = self.move_in(at, id);
        match moved {
            Ok(StepResult::Done) => self.has_moved.store(true, Ordering::Relaxed),
            // The message was delivered, so its logs are obsolete.
            Ok(StepResult::Gone) if !self.is_in_a_queue(id) => {}
            // The message was refused, or is in another queue now; its logs are
            // moved back.
            _ => {
                // A log whose place is taken is obsolete, because the queue has
                // a newer one.
                if logs::put_back(&self.ops, id, action_log)? == LogsRestored::Unseen {
                    self.has_moved.store(true, Ordering::Relaxed);
                }
            }
        }
        match moved {
            Ok(StepResult::Gone) => Ok(RetentionOutcome::Gone),
            Ok(StepResult::Done) => {
                self.check_identity(id, queue, stat)?;
                Ok(RetentionOutcome::Done)
            }
            Err(RenameFailure { path, cause, to }) if is_refusal(&cause) => {
                let why = format!("cannot be moved to {to}: {}", error_text(&cause));
                Ok(refuse(&path, why, action_log))
            }
            Err(RenameFailure { path, cause, to }) => Err(WorkError::Rename {
                from: path,
                to,
                cause,
            }),
        }
    }
}

impl Drop for HeldLock<'_> {
    fn drop(&mut self) {
        let mut announced = self.0.announced();
        announced.holders = announced.holders.saturating_sub(1);
        if announced.holders == 0 {
            *announced = MovesInProgress::default();
        }
    }
}

fn refuse(path: &str, why: String, action_log: &mut ActionLog) -> RetentionOutcome {
    let path = path.to_owned();
    action_log.warn(&Warning::Trash { path, why });
    RetentionOutcome::Refused
}

/// Returns the name of a new batch, made of the time and the process ID.
fn new_batch(time: i64) -> Word {
    let time = Zone::Utc.date_time(time).unwrap_or_default();
    let name = format!("{}-{}", time.format("%Y%m%d-%H%M%S"), process_number());
    // The name consists of digits and dashes, so it is valid.
    Word::parse(name.as_bytes()).unwrap_or_else(Word::unknown)
}
