//! Finds the messages of a job before the action on them.

use nix::errno::Errno;

use super::action::{Action, ActionStep, Selected};
use super::message_lookup::LocatedMessage;
use super::name_snapshot::NameSnapshot;
use super::spool_ops::SpoolOps;
use crate::spool::QueueId;
use crate::spool::message;
use crate::sys::error_text::is;

/// Finds messages in the selected queues, in their order.
#[derive(Debug)]
pub(super) struct MessageFinder<'a> {
    ops: SpoolOps<'a>,
    selected: &'a [Selected],
    snapshot: NameSnapshot,
}

impl<'a> MessageFinder<'a> {
    /// Creates a finder for these queues.
    pub(super) fn new(ops: SpoolOps<'a>, selected: &'a [Selected]) -> Self {
        Self {
            ops,
            selected,
            snapshot: NameSnapshot::default(),
        }
    }

    /// Prepares to find this many messages for an action.
    pub(super) fn prepare(&mut self, action: Action, messages: usize) {
        let step = ActionStep::first_of(action);
        let queues = self.selected.iter().filter_map(|s| s.queue().ok());
        let mut queues: Vec<_> = queues.filter(|queue| step.looks_into(*queue)).collect();
        // What is in none of the others has to be looked for there anyway.
        queues.pop();
        self.snapshot.renew(&self.ops, queues, messages);
    }

    /// Returns the message on which the action would act. `None` if there is
    /// none, or if a warning about another file must be reported first.
    pub(super) fn find(&self, action: Action, id: &QueueId) -> Option<LocatedMessage> {
        let step = ActionStep::first_of(action);
        for selected in self.selected {
            let queue = selected.queue().ok()?;
            if !step.looks_into(queue) || self.snapshot.lacks(queue, id) {
                continue;
            }
            let home = self.ops.home(queue, id.as_bytes());
            match home.and_then(|dir| dir.stat(id.as_os_str())) {
                Ok(stat) if message::is_plain(&stat) => {
                    return Some(LocatedMessage { queue, stat });
                }
                Err(cause) if is(&cause, Errno::ENOENT) => {}
                _ => return None,
            }
        }
        None
    }
}
