//! The walk of an action on ALL messages: which queues are walked, in which
//! order, and how their names are grouped into jobs.

use super::action::Action;
use super::context::SpoolContext;
use super::effects::Effects;
use super::error::WorkError;
use super::journal::{ActJournal, DeletionReport};
use super::name_jobs::NameJobs;
use super::queue_scan;
use super::spool_ops::SpoolOps;
use crate::spool::{DirEntry, Queue, Step, Walk};

/// The purpose of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WalkPurpose {
    /// To act on all objects, and to remove objects that do not belong in a
    /// queue.
    Act,
    /// To move messages to the trash without removing anything.
    Discard,
    /// To move messages to the trash, and to remove all other objects.
    DiscardAndRemove,
}

/// Returns the purpose of the walk of an action.
pub(super) fn purpose(action: Action, effects: Effects<'_>) -> WalkPurpose {
    match (action, effects.journal.map(ActJournal::deletions)) {
        (Action::Delete, Some(DeletionReport::Trashed)) => WalkPurpose::Discard,
        (Action::Delete, Some(DeletionReport::AsPostfix)) => WalkPurpose::DiscardAndRemove,
        _ => WalkPurpose::Act,
    }
}

/// Walks the queues and groups their names into jobs.
pub(super) struct JobBuilder<'a, 'f, 'scope> {
    pub(super) jobs: NameJobs<'a, 'f, 'scope>,
    pub(super) ops: &'a SpoolOps<'a>,
    pub(super) purpose: WalkPurpose,
}

impl JobBuilder<'_, '_, '_> {
    /// Walks the selected queues, in order.
    ///
    /// # Errors
    ///
    /// A directory cannot be read, or a signal was caught.
    pub(super) fn all(&mut self, context: &SpoolContext<'_>) -> Result<(), WorkError> {
        match self.purpose {
            WalkPurpose::Act => self.those(context, |_| true),
            WalkPurpose::Discard => self.those(context, Queue::holds_messages),
            // The logs of a message must still be there when it is moved.
            WalkPurpose::DiscardAndRemove => {
                self.those(context, Queue::holds_messages)?;
                self.those(context, |queue| !queue.holds_messages())
            }
        }
    }

    /// Walks those of the selected queues that are requested.
    fn those(
        &mut self,
        context: &SpoolContext<'_>,
        is_wanted: fn(Queue) -> bool,
    ) -> Result<(), WorkError> {
        for selected in context.selected {
            let queue = selected.queue()?;
            queue_scan::check(queue, context.layout)?;
            if !is_wanted(queue) {
                continue;
            }
            self.queue(context, queue)?;
            // The same name may be in two queues; the queues are handled in
            // order.
            self.jobs.settle()?;
        }
        Ok(())
    }

    fn queue(&mut self, context: &SpoolContext<'_>, queue: Queue) -> Result<(), WorkError> {
        let mut walk = Walk::new(context.spool, queue)?;
        while let Some(step) = walk.step()? {
            if context.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            match step {
                Step::Name(found) => self.add(queue, &found)?,
                Step::Left { parent, path } => {
                    let goes = queue_scan::is_too_deep(queue, &path, context.layout);
                    if goes && self.purpose != WalkPurpose::Discard {
                        self.jobs.settle()?;
                        queue_scan::remove_left(queue, &parent, &path, self.ops)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, queue: Queue, found: &DirEntry<'_>) -> Result<(), WorkError> {
        self.jobs.keep_apart(found.name)?;
        self.jobs.add(queue, found)
    }
}
