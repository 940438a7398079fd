//! Moves deleted messages to the trash, all of one call as one batch.
//!
//! Owns the order of the steps: the journal's lines are on the disk before a
//! message moves, its logs move before it, and nothing is replaced.

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
use crate::sys::time::{LocalTime, Zone, now};

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
    announced: Mutex<MovesInProgress>,
    /// Whether any message was announced, and whether anything was moved.
    has_announced: AtomicBool,
    has_moved: AtomicBool,
}

/// What is about to be moved, and the lock that goes with it: undo and purge
/// wait until all that was announced is moved.
#[derive(Debug, Default)]
struct MovesInProgress {
    lock: Option<LockedJournal>,
    /// How many hold it.
    holders: usize,
    /// Where the messages are, by inode number.
    messages: HashMap<u64, Queue>,
}

/// Keeps the journal locked while announced messages are moved.
#[derive(Debug)]
struct HeldLock<'t>(&'t Trash<'t>);

impl<'a> Trash<'a> {
    /// Begins a batch, and writes that down: a call that moves nothing is one
    /// that `restore` has to find.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written: nothing can be moved then.
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

    /// Another message may have got the ID between the look and the move: it
    /// is here now, and has to be found.
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
        if let Some(why) = self.issue(id) {
            return Ok(match at.dir.stat(at.os_name()) {
                // What has its place here is the message itself: another
                // process moved it while we waited for the lock.
                Err(cause) if is(&cause, Errno::ENOENT) => RetentionOutcome::Gone,
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
