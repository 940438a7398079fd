//! The steps of an action on one message: one rename, unlink or chmod each.
//!
//! A message moves by one rename. Its logs are removed before it, so that an
//! interruption leaves the message in place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::action::ActionStep;
use super::announcer::Announcer;
use super::effects::Effects;
use super::error::WorkError;
use super::expiry::expire;
use super::postponement::postpone;
use super::report::{ActionDone, ActionLog};
use super::spool_ops::{FileAt, Moved, SpoolOps, StepResult};
use super::warning::Warning;
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::is;
use crate::sys::time::now;

/// Performs steps on messages.
#[derive(Debug)]
pub(super) struct MessageSteps<'a> {
    pub(super) ops: SpoolOps<'a>,
    pub(super) effects: Effects<'a>,
    /// Announces the steps to the journal.
    pub(super) announcer: Announcer<'a>,
}

impl<'a> MessageSteps<'a> {
    pub(super) fn new(ops: SpoolOps<'a>, effects: Effects<'a>) -> Self {
        Self {
            ops,
            effects,
            announcer: Announcer::new(effects),
        }
    }

    /// Performs a step on a message, and returns what is reported if it is done.
    pub(super) fn perform(
        &mut self,
        step: ActionStep,
        at: FileAt<'_>,
        (id, stat): (&QueueId, &FileStat),
        action_log: &mut ActionLog,
    ) -> Result<(Moved, ActionDone), WorkError> {
        Ok(match step {
            ActionStep::Delete => (self.delete(at, id)?.into(), ActionDone::Removed),
            ActionStep::Expire => (expire(at, action_log)?.into(), ActionDone::Expired),
            ActionStep::Requeue => (self.requeue(at, stat, action_log)?, ActionDone::Requeued),
            ActionStep::Hold => (self.move_to(Queue::Hold, at, action_log)?, ActionDone::Held),
            ActionStep::Release => {
                let moved = self.release_file(at, id, stat, action_log)?;
                (moved, ActionDone::Released)
            }
            ActionStep::Postpone => {
                let until = self.effects.next_attempt.of(id);
                let postponed = postpone(at, until, stat, action_log);
                (postponed.into(), ActionDone::Postponed)
            }
            // It is performed by the editor, which reports it too.
            ActionStep::ChangeRecipients => (Moved::Gone, ActionDone::RecipientsDropped),
        })
    }

    /// Removes the logs, then the message.
    fn delete(&mut self, at: FileAt<'_>, id: &QueueId) -> Result<StepResult, WorkError> {
        for queue in Queue::LOGS {
            self.ops.remove_from_home(queue, id.as_bytes())?;
        }
        SpoolOps::remove(at)
    }

    fn move_to(
        &mut self,
        target: Queue,
        at: FileAt<'_>,
        action_log: &mut ActionLog,
    ) -> Result<Moved, WorkError> {
        let moved = self.ops.rename(at, target, at.name, at.name)?;
        if moved == Moved::Blocked {
            action_log.warn(&self.ops.blocked(at, target, at.name, at.name));
        }
        Ok(moved)
    }

    /// Moves a message from hold to deferred.
    ///
    /// Its next attempt is set before the move: in deferred, the queue manager
    /// could begin the delivery at any time.
    fn release_file(
        &mut self,
        at: FileAt<'_>,
        id: &QueueId,
        before: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<Moved, WorkError> {
        let Some(until) = self.effects.next_attempt.of(id) else {
            return self.move_to(Queue::Deferred, at, action_log);
        };
        if postpone(at, Some(until), before, action_log) == StepResult::Gone {
            return Ok(Moved::Gone);
        }
        let moved = self.move_to(Queue::Deferred, at, action_log);
        if !matches!(moved, Ok(Moved::Done)) {
            // The message stays on hold; if this fails, only its time differs.
            drop(at.dir.restore_times(at.os_name(), before));
        }
        moved
    }

    /// Moves a message to maildrop, to be picked up as if it had just arrived.
    ///
    /// Its time stamps are set before the move: if the program is interrupted
    /// between the two steps, the command can be repeated. (Postfix sets them
    /// after the move. An interruption then leaves a message in maildrop that
    /// pickup(8) ignores until the time of its next delivery attempt.)
    fn requeue(
        &mut self,
        at: FileAt<'_>,
        before: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<Moved, WorkError> {
        let time = self.announcer.requeue_time();
        let timestamps_reset = at.dir.set_times(at.os_name(), time);
        let moved = self.move_to(Queue::Maildrop, at, action_log);
        match (&moved, timestamps_reset) {
            (Ok(Moved::Done), Err(_)) => self.reset_timestamps(at.name, action_log),
            // The message stays where it is, so its time stamps are restored.
            // If that fails, its next delivery is merely attempted earlier than
            // planned.
            (Err(_) | Ok(Moved::Blocked), Ok(())) => {
                drop(at.dir.restore_times(at.os_name(), before));
            }
            _ => {}
        }
        moved
    }

    /// Sets the time stamps of a message in maildrop.
    fn reset_timestamps(&mut self, name: &[u8], action_log: &mut ActionLog) {
        let done = self
            .ops
            .home(Queue::Maildrop, name)
            .and_then(|dir| dir.set_times(OsStr::from_bytes(name), now()));
        match done {
            // A missing file is no error: pickup(8) may already have taken it.
            Err(cause) if !is(&cause, Errno::ENOENT) => action_log.warn(&Warning::Times {
                path: self.ops.path(Queue::Maildrop, name),
                cause,
            }),
            _ => {}
        }
    }
}
