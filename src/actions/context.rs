//! The context of an action: the spool, the selected queues, and the limits.

use super::action::Selected;
use super::effects::Effects;
use super::rate_limit::RateLimit;
use super::recipient_change::RecipientRequest;
use super::spool_ops::SpoolOps;
use crate::spool::Layout;
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;

/// The spool, the selected queues, and the limits of an action.
#[derive(Clone, Copy, Debug)]
pub struct SpoolContext<'a> {
    /// The queue directory, open.
    pub spool: &'a Dir,
    /// Which queues are hashed, and how deep.
    pub layout: &'a Layout,
    /// The selected queues, in the order of the operands.
    pub selected: &'a [Selected],
    /// Reports the signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The limits on actions on single messages.
    pub rate_limit: &'a RateLimit,
    /// The effects of actions besides their change to a message.
    pub effects: Effects<'a>,
    /// The change that actions on recipients make.
    pub recipients: Option<RecipientRequest<'a>>,
    /// The number of files that the process may still open.
    pub open_files: u64,
}

impl<'a> SpoolContext<'a> {
    /// Creates operations on this spool, with directory handles of their own.
    pub fn ops(&self) -> SpoolOps<'a> {
        SpoolOps::new(self.spool, self.layout, self.open_files)
    }
}
