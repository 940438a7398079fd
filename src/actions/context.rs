//! The context of an action: where it works, on which queues, and within which
//! limits.

use super::action::Selected;
use super::rate_limit::RateLimit;
use super::retention::Removal;
use super::spool_ops::SpoolOps;
use crate::spool::Layout;
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;

/// The spool, the queues and the limits of an action.
#[derive(Clone, Copy, Debug)]
pub struct SpoolContext<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
    /// The queues, in order.
    pub selected: &'a [Selected],
    /// What ends the work early.
    pub interrupts: &'a Interrupts,
    /// Limits actions on single messages.
    pub rate_limit: &'a RateLimit,
    /// What becomes of messages that are deleted.
    pub removal: Removal<'a>,
    /// How many more files the process may open.
    pub open_files: u64,
}

impl<'a> SpoolContext<'a> {
    /// Operations on this spool, with directory handles of their own.
    pub fn ops(&self) -> SpoolOps<'a> {
        SpoolOps::new(self.spool, self.layout, self.open_files)
    }
}
