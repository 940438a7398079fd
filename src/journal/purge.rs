//! Removes old batches from the journal and the trash permanently, and logs in the trash that
//! belong to no message.
//!
//! Removes only files that were moved to the trash at or before the given time.
//! A message that was restored and deleted again since then is handled with its
//! later batch.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::batches::{Batch, BatchContent, Batches, Keep};
use super::closing::{Remaining, close, report, report_many};
use super::compact;
use super::event::Event;
use super::journal_file::JournalFile;
use super::locate::{MessageLocation, find, look};
use super::locked_journal::JournalDirectory;
use super::logs;
use super::logs::LogsRestored;
use super::recorded_message::RecordedMessage;
use super::records::{Caller, Word};
use crate::actions::report::{ActionDone, ActionLog, ActionObserver, Counters};
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{Act, SpoolContext, Warning, WorkError};
use crate::spool::message;
use crate::spool::{Queue, QueueId, Walk, WalkError};
use crate::sys::error_text::is;

/// Removes the batches that were begun at or before `until`, in seconds since
/// the epoch.
pub fn purge(
    context: SpoolContext<'_>,
    until: i64,
    who: &Caller,
    journal: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let mut purger = Purger {
        context,
        ops: context.ops(),
        until,
        action_log: ActionLog::default(),
    };
    let ended = purger.run(who, journal);
    report(&mut purger.action_log, journal);
    (purger.action_log.counters, ended)
}

struct Purger<'a> {
    context: SpoolContext<'a>,
    ops: SpoolOps<'a>,
    until: i64,
    action_log: ActionLog,
}

impl Purger<'_> {
    fn run(&mut self, who: &Caller, journal: &mut dyn ActionObserver) -> Result<(), WorkError> {
        let (spool, interrupts) = (self.context.spool, self.context.interrupts);
        if JournalFile::open_to_read(spool)?.is_none() {
            return Ok(());
        }
        let mut locked = JournalDirectory::open(spool)?.lock(interrupts)?;
        let file = locked.journal();
        let mut batches = Batches::read(file, interrupts, Keep::Oldest, &mut self.action_log)?;
        let left = self.messages(file, &batches, journal)?;
        let is_empty =
            |(name, left): (Word, Remaining)| (left == Remaining::Nothing).then_some(name);
        let purged: Vec<Word> = left.into_iter().filter_map(is_empty).collect();
        close(&locked, &purged, who, &Event::Purged)?;
        for name in &purged {
            batches.empty(name, BatchContent::Purged);
        }
        self.logs_without_message()?;
        let (ops, action_log) = (&self.ops, &mut self.action_log);
        compact::tidy(&mut locked, &mut batches, ops, interrupts, action_log);
        Ok(())
    }

    /// Removes the messages of all old batches, in the order of the journal.
    /// Returns what is left of each of these batches.
    fn messages(
        &mut self,
        file: &JournalFile,
        batches: &Batches,
        journal: &mut dyn ActionObserver,
    ) -> Result<HashMap<Word, Remaining>, WorkError> {
        let mut left: HashMap<Word, Remaining> = HashMap::new();
        file.read(0, self.context.interrupts, |numbered| {
            let Some(line) = numbered.line else {
                return Ok(());
            };
            let Event::Act { act, entry, .. } = &line.event else {
                return Ok(());
            };
            let batch = batches.at(&line.batch, numbered.offset);
            if batch.is_some_and(|batch| self.is_old(batch)) {
                let done = match act {
                    Act::Delete => self.message(entry),
                    // Nothing was kept of the message.
                    _ => Ok(Remaining::Nothing),
                };
                report_many(&mut self.action_log, journal);
                let all = left.entry(line.batch).or_insert(Remaining::Nothing);
                *all = all.and(done?);
            }
            Ok(())
        })?;
        Ok(left)
    }

    fn is_old(&self, batch: &Batch) -> bool {
        batch.content == BatchContent::Messages && batch.time <= self.until
    }

    fn message(&mut self, entry: &RecordedMessage) -> Result<Remaining, WorkError> {
        match find(&self.ops, entry, &mut self.action_log) {
            MessageLocation::Trash(stat) if stat.st_ctime > self.until => Ok(Remaining::Something),
            MessageLocation::Trash(_) => {
                // The logs are removed first: if the process is killed in
                // between, the message can still be found.
                self.remove_logs(entry)?;
                if self.remove(&entry.id, entry.id.as_bytes())? == StepResult::Done {
                    self.action_log
                        .done(ActionDone::Purged, &entry.id, entry.queue);
                }
                Ok(Remaining::Nothing)
            }
            // The message is in a queue, so its logs are moved back. Logs whose
            // place is taken by newer ones are obsolete.
            MessageLocation::Queue => {
                let mut action_log = ActionLog::default();
                match logs::put_back_any(&self.ops, &entry.id, &mut action_log)? {
                    LogsRestored::All | LogsRestored::Refused => {
                        self.remove_logs(entry).map(|()| Remaining::Nothing)
                    }
                    LogsRestored::Unseen => {
                        self.action_log.lines.append(&mut action_log.lines);
                        Ok(Remaining::Something)
                    }
                }
            }
            MessageLocation::Missing => self.remove_logs(entry).map(|()| Remaining::Nothing),
            MessageLocation::Replaced => {
                let path = self.ops.path(Queue::Saved, entry.id.as_bytes());
                let why = "is not the file that was moved there, and is kept";
                self.warn(path, why.to_owned());
                Ok(Remaining::Another)
            }
            MessageLocation::Unknown => Ok(Remaining::Something),
        }
    }

    fn warn(&mut self, path: String, why: String) {
        self.action_log.warn(&Warning::Trash { path, why });
    }

    /// Removes logs of messages that are neither in the trash nor in a queue;
    /// they are left by deliveries that ended meanwhile and by interrupted
    /// calls. Logs of a message in a queue are moved back to it.
    fn logs_without_message(&mut self) -> Result<(), WorkError> {
        match self.walk_logs() {
            Err(WorkError::Walk(error)) => {
                let (WalkError::Open { path, .. } | WalkError::Read { path, .. }) = &error;
                self.warn(path.clone(), format!("logs there may remain: {error}"));
                Ok(())
            }
            done => done,
        }
    }

    fn walk_logs(&mut self) -> Result<(), WorkError> {
        let mut walk = Walk::new(self.context.spool, Queue::Saved)?;
        while let Some(found) = walk.next_name()? {
            if self.context.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let Some((id, log)) = logs::parse_name(found.name) else {
                continue;
            };
            let layout = self.context.layout;
            if layout.is_home(Queue::Saved, &found.place.path, id.as_bytes()) {
                self.log_without_message(&id, log)?;
            }
        }
        Ok(())
    }

    fn log_without_message(&mut self, id: &QueueId, log: Queue) -> Result<(), WorkError> {
        match look(&self.ops, Queue::Saved, id) {
            Ok(None) => {}
            // The log will be removed together with its message.
            Ok(Some(_)) => return Ok(()),
            Err(cause) => {
                let path = self.ops.path(Queue::Saved, id.as_bytes());
                self.action_log.warn(&Warning::Look { path, cause });
                return Ok(());
            }
        }
        for queue in Queue::LISTED {
            match look(&self.ops, queue, id) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    let mut action_log = ActionLog::default();
                    if logs::put_back_any(&self.ops, id, &mut action_log)? == LogsRestored::Unseen {
                        self.action_log.lines.append(&mut action_log.lines);
                        return Ok(());
                    }
                    break;
                }
                Err(cause) => {
                    let path = self.ops.path(queue, id.as_bytes());
                    self.action_log.warn(&Warning::Look { path, cause });
                    return Ok(());
                }
            }
        }
        self.remove(id, &logs::name(id, log)).map(drop)
    }

    fn remove_logs(&mut self, entry: &RecordedMessage) -> Result<(), WorkError> {
        for log in Queue::LOGS {
            self.remove(&entry.id, &logs::name(&entry.id, log))?;
        }
        Ok(())
    }

    /// Removes a file from the directory where the message belongs in the
    /// trash, if the file is old enough.
    fn remove(&mut self, id: &QueueId, name: &[u8]) -> Result<StepResult, WorkError> {
        let path = self.ops.path_of(Queue::Saved, id.as_bytes(), name);
        let home = self.ops.home(Queue::Saved, id.as_bytes());
        let found = home.and_then(|home| Ok((home.stat(OsStr::from_bytes(name))?, home)));
        match found {
            Ok((stat, home)) if stat.st_ctime <= self.until && message::is_regular(&stat) => {
                SpoolOps::remove(FileAt {
                    dir: &home,
                    name,
                    path: &path,
                })
            }
            Ok(_) => Ok(StepResult::Gone),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(StepResult::Gone),
            Err(cause) => Err(WorkError::Remove { path, cause }),
        }
    }
}
