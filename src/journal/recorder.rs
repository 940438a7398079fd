//! Records the acts of one call as one batch, and moves deleted messages to the
//! trash.
//!
//! Enforces the order of the steps: the journal records are on disk before a
//! message is changed, its logs are moved before it, and no file is replaced.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::act_fields::parts;
use super::acts_in_progress::ActsInProgress;
use super::batches::{Batches, Keep};
use super::error::{JournalError, RenameFailure, is_refusal};
use super::event::{Attempt, Event};
use super::locked_journal::{JournalDirectory, LockedJournal};
use super::logs::{LogSource, LogsRestored};
use super::recorded_message::RecordedMessage;
use super::records::{Caller, JournalRecord, Word, clipped};
use super::{compact, locate, logs};
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{
    Act, ActJournal, AnnouncedAct, Announcement, DeletionReport, SpoolContext, TakeOutcome,
    Warning, WorkError,
};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::{error_text, is};
use crate::sys::process::process_number;
use crate::sys::signals::Interrupts;
use crate::sys::time::{Zone, now};

/// How a batch begins.
#[derive(Clone, Debug)]
pub struct BatchStart<'c> {
    /// The user who made the call.
    pub who: Caller,
    /// The comment that the user gave, if any.
    pub comment: Option<&'c [u8]>,
    /// The name that the user gave; `None` for one made of the time and the
    /// process ID.
    pub name: Option<Word>,
    /// How deleted messages are reported.
    pub deletions: DeletionReport,
}

/// A batch in which acts are recorded.
#[derive(Debug)]
pub struct Recorder<'a> {
    ops: SpoolOps<'a>,
    interrupts: &'a Interrupts,
    directory: JournalDirectory,
    /// The size of the journal when the batch was begun, in bytes.
    size_before: u64,
    batch: Word,
    who: Caller,
    comment: Option<Vec<u8>>,
    deletions: DeletionReport,
    announced: Mutex<ActsInProgress>,
    /// Whether any act was announced, and whether any was performed.
    has_announced: AtomicBool,
    has_acted: AtomicBool,
}

/// Keeps the journal locked while announced acts are performed.
#[derive(Debug)]
struct HeldLock<'t>(&'t Recorder<'t>);

impl<'a> Recorder<'a> {
    /// Begins a batch and records that, so that `undo` also finds a call that
    /// does nothing.
    ///
    /// # Errors
    ///
    /// The journal cannot be written, or has a batch with that name. Nothing
    /// can be done then.
    pub fn begin(context: SpoolContext<'a>, start: BatchStart<'_>) -> Result<Self, WorkError> {
        let directory = JournalDirectory::open(context.spool)?;
        let recorder = Self {
            size_before: directory.journal_size(),
            directory,
            ops: context.ops(),
            interrupts: context.interrupts,
            batch: start.name.clone().unwrap_or_else(|| new_batch(now())),
            who: start.who,
            comment: start.comment.map(clipped),
            deletions: start.deletions,
            announced: Mutex::default(),
            has_announced: AtomicBool::default(),
            has_acted: AtomicBool::default(),
        };
        let comment = recorder.comment.clone();
        let locked = recorder.directory.lock(recorder.interrupts)?;
        if start.name.is_some() {
            recorder.check_name(&locked)?;
        }
        locked.append(&recorder.record(Event::Begin { comment }))?;
        Ok(recorder)
    }

    /// Checks that no batch has the name that the user gave.
    fn check_name(&self, locked: &LockedJournal) -> Result<(), WorkError> {
        let mut action_log = ActionLog::default();
        let journal = locked.journal();
        let batches = Batches::read(journal, self.interrupts, Keep::Newest, &mut action_log)?;
        match batches.at(&self.batch, u64::MAX) {
            Some(batch) => Err(JournalError::NameTaken(batch.name.clone()).into()),
            None => Ok(()),
        }
    }

    /// Ends the batch. Returns its name if any act was performed, so that the
    /// user can undo it.
    ///
    /// Failures are ignored: the records written here help later calls, which
    /// work without them too.
    pub fn finish(&self) -> Option<&Word> {
        let has_acted = self.has_acted.load(Ordering::Relaxed);
        let did_nothing = !has_acted && self.has_announced.load(Ordering::Relaxed);
        let has_doubled = compact::has_doubled(self.size_before, self.directory.journal_size());
        if (did_nothing || has_doubled)
            && let Ok(mut locked) = self.directory.lock(self.interrupts)
        {
            if did_nothing {
                let _ = locked.append(&self.record(Event::MovedNothing));
            }
            if has_doubled {
                self.tidy(&mut locked);
            }
        }
        has_acted.then_some(&self.batch)
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

    /// Records that these acts are about to be performed, and waits until the
    /// records are on disk. One wait covers all acts.
    fn announce_all<'i>(
        &self,
        acts: impl IntoIterator<Item = AnnouncedAct<'i>>,
    ) -> Result<HeldLock<'_>, WorkError> {
        let held = self.hold()?;
        let acts: Vec<_> = acts.into_iter().collect();
        let mut snapshot = NameSnapshot::default();
        snapshot.renew(&self.ops, Queue::LOGS, acts.len());
        let mut lines = Vec::new();
        for act in acts {
            let turn = self.announced().note(&act);
            if let Some(turn) = turn {
                self.add_lines(turn, act, &snapshot, &mut lines);
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
    fn move_in(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        logs: &[LogSource],
    ) -> Result<StepResult, RenameFailure> {
        for log in logs {
            logs::take(&self.ops, id, *log)?;
        }
        let name = id.as_bytes();
        let moved = self.ops.rename_to_free(at, Queue::Saved, name, name);
        moved.map_err(|cause| RenameFailure {
            path: at.path.to_owned(),
            to: self.ops.path(Queue::Saved, name),
            cause,
        })
    }

    /// Moves the logs of a message back that is not in the trash.
    fn put_logs_back(&self, id: &QueueId, action_log: &mut ActionLog) -> Result<(), WorkError> {
        let back = logs::put_back_any(&self.ops, id, action_log);
        // A log whose place is taken is obsolete, because the queue has a newer
        // one. Any other log that stays in the trash is for --undo to restore,
        // which skips calls without effect.
        if !matches!(back, Ok(LogsRestored::All | LogsRestored::Refused)) {
            self.acted();
        }
        back.map(drop)
    }

    /// Records another message that got the ID between the examination and the
    /// move: it is in the trash now, and must be found there.
    fn check_identity(&self, id: &QueueId, queue: Queue, seen: &FileStat) -> Result<(), WorkError> {
        let home = self.ops.home(Queue::Saved, id.as_bytes());
        match home.and_then(|home| home.stat(id.as_os_str())) {
            Ok(stat) if stat.st_ino != seen.st_ino => {
                self.announce_all([deletion(id, queue, &stat)]).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Appends the records of an act.
    fn add_lines(
        &self,
        turn: Attempt,
        announced: AnnouncedAct<'_>,
        snapshot: &NameSnapshot,
        lines: &mut Vec<u8>,
    ) {
        let AnnouncedAct {
            id,
            queue,
            stat,
            act,
        } = announced;
        let (logs, comment) = match act {
            Act::Delete => {
                let sources = logs::of(&self.ops, id, snapshot);
                let logs = logs::seen(&sources);
                self.announced().note_logs(stat, sources);
                (logs, self.comment.clone())
            }
            _ => (Vec::new(), None),
        };
        let entry = RecordedMessage::of(id, queue, stat, logs);
        let turns = std::iter::once(turn).chain(std::iter::repeat(Attempt::Retry));
        for (act, turn) in parts(act).into_iter().zip(turns) {
            lines.extend(self.record(Event::Act {
                turn,
                act,
                entry: entry.clone(),
                comment: comment.clone(),
            }));
        }
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

    fn announced(&self) -> MutexGuard<'_, ActsInProgress> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActJournal for Recorder<'_> {
    fn announce<'a>(
        &'a self,
        acts: &mut dyn Iterator<Item = AnnouncedAct<'_>>,
    ) -> Result<Announcement<'a>, WorkError> {
        Ok(Box::new(self.announce_all(acts)?))
    }

    fn acted(&self) {
        self.has_acted.store(true, Ordering::Relaxed);
    }

    fn deletions(&self) -> DeletionReport {
        self.deletions
    }

    fn take(
        &self,
        at: FileAt<'_>,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<TakeOutcome, WorkError> {
        let _held = self.announce_all([deletion(id, queue, stat)])?;
        if let Some(why) = self.obstacle(id) {
            return Ok(match at.dir.stat(at.os_name()) {
                // The file in the trash is the message itself: another process
                // moved it while this one waited for the lock.
                Err(cause) if is(&cause, Errno::ENOENT) => TakeOutcome::Gone,
                _ => refuse(at.path, why, action_log),
            });
        }
        let logs = self.announced().logs_to_take(queue, stat);
        let moved = self.move_in(at, id, &logs);
        match moved {
            Ok(StepResult::Done) => self.acted(),
            // The message was delivered, so its logs are obsolete.
            Ok(StepResult::Gone) if !self.is_in_a_queue(id) => {}
            // The message was refused, or is in another queue now.
            _ => self.put_logs_back(id, action_log)?,
        }
        match moved {
            Ok(StepResult::Gone) => Ok(TakeOutcome::Gone),
            Ok(StepResult::Done) => {
                self.check_identity(id, queue, stat)?;
                Ok(TakeOutcome::Done)
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
            *announced = ActsInProgress::default();
        }
    }
}

fn refuse(path: &str, why: String, action_log: &mut ActionLog) -> TakeOutcome {
    let path = path.to_owned();
    action_log.warn(&Warning::Trash { path, why });
    TakeOutcome::Refused
}

/// The announcement of a deletion.
fn deletion<'i>(id: &'i QueueId, queue: Queue, stat: &'i FileStat) -> AnnouncedAct<'i> {
    AnnouncedAct {
        id,
        queue,
        stat,
        act: Act::Delete,
    }
}

/// Returns the name of a new batch, made of the time and the process ID.
fn new_batch(time: i64) -> Word {
    let time = Zone::Utc.date_time(time).unwrap_or_default();
    let name = format!("{}-{}", time.format("%Y%m%d-%H%M%S"), process_number());
    // The name consists of digits and dashes, so it is valid.
    Word::parse(name.as_bytes()).unwrap_or_else(Word::unknown)
}
