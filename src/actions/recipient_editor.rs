//! Changes the recipients of a message: marks them as done and, to return a message,
//! writes its bounce log first.
//!
//! The message is on hold meanwhile (`held_message`). If the program is killed, it
//! will be delivered to each recipient that is not marked once it is released; the
//! same command goes on from there.

use std::collections::HashSet;

use nix::sys::stat::FileStat;

use super::bounce_log_file;
use super::edit_result::{
    EditCandidate, EditFailure, EditResult, leave, left_after, report_dropped, unchanged,
};
use super::error::WorkError;
use super::held_message;
use super::held_message::{HeldMessage, HoldMark, HoldResult};
use super::journal::{Act, ActJournal, AnnouncedAct, Announcement};
use super::recipient_change::{
    BounceReason, RecipientChange, RecipientPlan, RecipientRequest, Refusal,
};
use super::report::{ActionLog, Outcome};
use super::spool_ops::{FileAt, SpoolOps};
use crate::queue_file::recipient_state;
use crate::queue_file::recipient_state::RecipientState;
use crate::queue_file::recipients;
use crate::queue_file::records::Buffers;
use crate::spool::bounce_log::BounceLog;
use crate::spool::message;
use crate::spool::message::{Message, NoMessage};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::error_text;
use crate::text::Charset;

/// The number of bytes of log entries that are collected before they are written.
const ENTRIES_SIZE: usize = 64 * 1024;

/// Changes the recipients of one message after the other.
#[derive(Debug)]
pub(super) struct RecipientEditor<'a> {
    ops: SpoolOps<'a>,
    request: RecipientRequest<'a>,
    journal: Option<&'a dyn ActJournal>,
    buffers: Buffers,
}

impl<'a> RecipientEditor<'a> {
    pub(super) fn new(
        ops: SpoolOps<'a>,
        request: RecipientRequest<'a>,
        journal: Option<&'a dyn ActJournal>,
    ) -> Self {
        Self {
            ops,
            request,
            journal,
            buffers: Buffers::default(),
        }
    }

    pub(super) fn change(&self) -> &'a RecipientChange {
        self.request.change
    }

    /// Whether the change would change anything in a message of `queue`. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// The message would be left as it is, for this reason.
    pub(super) fn forecast(
        &mut self,
        id: &QueueId,
        message: &Message,
        queue: Queue,
    ) -> Result<bool, String> {
        match self.plan(id, message, queue) {
            Ok(plan) => Ok(plan.is_some()),
            Err(failure) => Err(failure.reason()),
        }
    }

    /// Whether a killed call has left a message of `queue` unfinished: on hold, with
    /// recipients that are still to be marked or none; or, after it had released the
    /// message, with the mark of those that are changed.
    pub(super) fn is_interrupted(&mut self, id: &QueueId, message: &Message, queue: Queue) -> bool {
        match self.request.change {
            RecipientChange::Drop(_) => queue != Queue::Active && held_message::is_marked(message),
            RecipientChange::Return(_) => {
                queue == Queue::Hold && self.is_logged(id, message).unwrap_or(false)
            }
        }
    }

    /// Whether the bounce log has an entry about each recipient that is pending. The
    /// entries are written before any recipient is marked.
    fn is_logged(&mut self, id: &QueueId, message: &Message) -> Result<bool, EditFailure> {
        let Some(dir) = bounce_log_file::existing_directory(&self.ops, id)? else {
            return Ok(false);
        };
        let log = bounce_log_file::examine(&self.ops, &dir, id)?;
        let mut is_logged = has_entries(&log);
        let read = recipients::read(message, &mut self.buffers, |recipient| {
            is_logged &= log.has_entry(recipient.offset);
        });
        Ok(read.is_ok() && is_logged)
    }

    /// Changes the recipients of a message.
    ///
    /// # Errors
    ///
    /// Failures that end the work: a file cannot be moved, or the journal cannot be
    /// written. Problems with the message are logged instead.
    pub(super) fn edit(
        &mut self,
        at: FileAt<'_>,
        found: EditCandidate<'_>,
        action_log: &mut ActionLog,
    ) -> Result<EditResult, WorkError> {
        let (id, queue, stat) = found;
        let message = match held_message::open(at, stat) {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(EditResult::Gone),
            Err(cause) if message::is_exhaustion(&cause) => {
                let path = at.path.to_owned();
                return Err(NoMessage::Place { path, cause }.into());
            }
            Err(cause) => return Ok(leave(at.path, found, error_text(&cause), action_log)),
        };
        // A message that would be left as it is does not move.
        match self.plan(id, &message, queue) {
            Ok(Some(_)) => {}
            Ok(None) => {
                // A call that was killed after it had released the message.
                if held_message::is_marked(&message) {
                    held_message::clear_held_mark(&message);
                }
                return Ok(unchanged(found, action_log));
            }
            Err(failure) => return left_after(failure, at.path, found, action_log),
        }
        self.edit_on_hold(at, found, &message, action_log)
    }

    /// Puts a message on hold, changes its recipients, and moves it to where it
    /// belongs then.
    fn edit_on_hold(
        &mut self,
        at: FileAt<'_>,
        found: EditCandidate<'_>,
        message: &Message,
        action_log: &mut ActionLog,
    ) -> Result<EditResult, WorkError> {
        let (id, queue, stat) = found;
        let mark = match self.request.change {
            RecipientChange::Drop(_) => HoldMark::Set,
            RecipientChange::Return(_) => HoldMark::Leave,
        };
        let held = match HeldMessage::hold(&self.ops, at, (id, queue), message, mark)? {
            HoldResult::Held(held) => held,
            HoldResult::Gone => return Ok(EditResult::Gone),
            HoldResult::Blocked(warning) => {
                action_log.warn(&warning);
                action_log.not_done(id.as_bytes(), Outcome::NotMoved(queue));
                return Ok(EditResult::Left);
            }
        };
        match self.perform(&held, stat, action_log) {
            Ok(()) => self.release(&held, action_log),
            Err(failure) => {
                held.put_back(&self.ops, action_log)?;
                left_after(failure, at.path, found, action_log)
            }
        }
    }

    /// Returns what is to be done with a message; `None` if there is nothing.
    fn plan(
        &mut self,
        id: &QueueId,
        message: &Message,
        queue: Queue,
    ) -> Result<Option<RecipientPlan>, EditFailure> {
        if queue == Queue::Active {
            return Err(EditFailure::Refused(Refusal::Active));
        }
        if message.stat.st_nlink > 1 {
            return Err(EditFailure::Refused(Refusal::Links(message.stat.st_nlink)));
        }
        match self.request.change {
            RecipientChange::Drop(_) => self.plan_drop(message, queue),
            RecipientChange::Return(_) => {
                // Missing files are created once the message is on hold.
                let dir = bounce_log_file::existing_directory(&self.ops, id)?;
                let log = dir
                    .as_deref()
                    .map(|dir| bounce_log_file::examine(&self.ops, dir, id));
                let log = log.transpose()?;
                self.plan_return(message, queue, log.as_ref())
            }
        }
    }

    fn plan_drop(
        &mut self,
        message: &Message,
        queue: Queue,
    ) -> Result<Option<RecipientPlan>, EditFailure> {
        let planned = self.request.plan(message, &mut self.buffers);
        let plan = planned.map_err(EditFailure::Refused)?;
        let is_interrupted = queue == Queue::Hold && held_message::is_marked(message);
        Ok((is_interrupted || !plan.records.is_empty()).then_some(plan))
    }

    fn plan_return(
        &mut self,
        message: &Message,
        queue: Queue,
        log: Option<&BounceLog<'_>>,
    ) -> Result<Option<RecipientPlan>, EditFailure> {
        // The entries are written before any recipient is marked.
        let is_interrupted = queue == Queue::Hold && log.is_some_and(has_entries);
        match self.request.plan(message, &mut self.buffers) {
            Ok(plan) if is_interrupted || !plan.records.is_empty() => Ok(Some(plan)),
            Ok(_) => Ok(None),
            Err(Refusal::NoNotice(plan)) if is_interrupted => Ok(Some(plan)),
            Err(refusal) => Err(EditFailure::Refused(refusal)),
        }
    }

    /// Changes the recipients of a message on hold. What was read before it was
    /// moved may be out of date, so it is read again.
    fn perform(
        &mut self,
        held: &HeldMessage<'_>,
        before: &FileStat,
        action_log: &mut ActionLog,
    ) -> Result<(), EditFailure> {
        match self.request.change {
            RecipientChange::Drop(_) => {
                let plan = self.plan_drop(held.message, Queue::Hold)?;
                let plan = plan.unwrap_or_default();
                let records = plan.records.clone();
                let _announced = self.announce(held, before, Act::DropRecipients { records })?;
                self.set_done(held, &plan)?;
                report_dropped(held.id, &plan, action_log);
                Ok(())
            }
            RecipientChange::Return(reason) => self.return_held(held, before, reason),
        }
    }

    /// Writes the bounce log of a message on hold, and marks its recipients.
    fn return_held(
        &mut self,
        held: &HeldMessage<'_>,
        before: &FileStat,
        reason: &BounceReason,
    ) -> Result<(), EditFailure> {
        let dir = bounce_log_file::directory_or_new(&self.ops, held.id)?;
        let mut log = bounce_log_file::examine(&self.ops, &dir, held.id)?;
        let plan = self.plan_return(held.message, Queue::Hold, Some(&log))?;
        let plan = plan.unwrap_or_default();
        let act = Act::Bounce {
            records: plan.records.clone(),
            to: Queue::Deferred,
            log_size: log.size_before(),
        };
        let _announced = self.announce(held, before, act)?;
        let done = self.write_log(held, reason, &plan, &mut log);
        let done = done.and_then(|()| self.set_done(held, &plan));
        if done.is_err() && self.is_unchanged(held, &plan) {
            bounce_log_file::revert(&self.ops, &dir, held.id, log.size_before())?;
        }
        done
    }

    /// Records the act, if there is a journal. The message is on hold already, so
    /// that nothing in it can change any more; until it was moved, there was nothing
    /// to undo.
    fn announce(
        &self,
        held: &HeldMessage<'_>,
        before: &FileStat,
        act: Act,
    ) -> Result<Option<Announcement<'a>>, EditFailure> {
        let Some(journal) = self.journal else {
            return Ok(None);
        };
        let act = AnnouncedAct {
            id: held.id,
            queue: held.from,
            stat: before,
            act,
        };
        let announced = journal.announce(&mut std::iter::once(act));
        announced.map(Some).map_err(EditFailure::Work)
    }

    /// Marks the recipients as done. If one cannot be marked, the others are marked
    /// as pending again.
    fn set_done(&self, held: &HeldMessage<'_>, plan: &RecipientPlan) -> Result<(), EditFailure> {
        let file = &held.message.file;
        for (at, offset) in plan.records.iter().enumerate() {
            if let Err(cause) = recipient_state::set_state(file, *offset, RecipientState::Done) {
                for offset in plan.records.iter().take(at) {
                    recipient_state::set_state(file, *offset, RecipientState::Pending)
                        .map_err(EditFailure::File)?;
                }
                return Err(EditFailure::File(cause));
            }
        }
        Ok(())
    }

    /// Writes an entry about each recipient, and waits until they are on disk: a
    /// recipient that is done and has no entry would be forgotten.
    fn write_log(
        &mut self,
        held: &HeldMessage<'_>,
        reason: &BounceReason,
        plan: &RecipientPlan,
        log: &mut BounceLog<'_>,
    ) -> Result<(), EditFailure> {
        let mut entries = Vec::new();
        let mut written = Ok(());
        let mut planned = plan.records.iter();
        let charset = match self.request.rules.charset {
            Charset::Ascii => Charset::Ascii,
            _ => Charset::StrictUtf8,
        };
        let read = recipients::read(held.message, &mut self.buffers, |recipient| {
            let is_planned = planned.next() == Some(&recipient.offset);
            if !is_planned || log.has_entry(recipient.offset) || written.is_err() {
                return;
            }
            reason.entry(recipient).append_to(charset, &mut entries);
            if entries.len() >= ENTRIES_SIZE {
                written = log.append(&entries);
                entries.clear();
            }
        });
        read.map_err(|error| EditFailure::Refused(error.into()))?;
        let written = written.and_then(|()| log.append(&entries));
        written.and_then(|()| log.sync()).map_err(EditFailure::Log)
    }

    /// Whether all recipients of a plan are still pending.
    fn is_unchanged(&mut self, held: &HeldMessage<'_>, plan: &RecipientPlan) -> bool {
        let planned: HashSet<u64> = plan.records.iter().copied().collect();
        let mut pending = 0usize;
        let read = recipients::read(held.message, &mut self.buffers, |recipient| {
            pending = pending.saturating_add(planned.contains(&recipient.offset).into());
        });
        read.is_ok() && pending == plan.records.len()
    }

    /// Moves a changed message to its queue: back to where it was or, to be
    /// returned, to deferred, to be looked at in the next queue run.
    fn release(
        &self,
        held: &HeldMessage<'_>,
        action_log: &mut ActionLog,
    ) -> Result<EditResult, WorkError> {
        match self.request.change {
            RecipientChange::Return(_) => held.release_now(&self.ops, action_log)?,
            RecipientChange::Drop(_) => held.return_home(&self.ops, action_log)?,
        }
        if let Some(journal) = self.journal {
            journal.acted();
        }
        Ok(EditResult::Done)
    }
}

/// Whether a bounce log had entries.
fn has_entries(log: &BounceLog<'_>) -> bool {
    log.size_before().is_some_and(|size| size > 0)
}
