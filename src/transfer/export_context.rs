//! The spool from which messages are exported, and what is reported meanwhile.

use super::format::MOVED;
use crate::actions::spool_ops::SpoolOps;
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;

/// The spool from which messages are exported.
#[derive(Clone, Copy, Debug)]
pub struct ExportContext<'a> {
    /// The queue directory, open.
    pub spool: &'a Dir,
    /// Its path, for the archive.
    pub queue_directory: &'a str,
    /// The name of the host, for the archive.
    pub host: &'a str,
    /// The Postfix release, for the archive.
    pub postfix: &'a str,
    /// Which queues are hashed, and how deep.
    pub layout: &'a Layout,
    /// The messages to export.
    pub selection: &'a Selection,
    /// The rules for reading messages.
    pub rules: &'a Rules,
    /// Whether the messages stay.
    pub mode: ExportMode,
    /// Whether qmgr(8) may be delivering messages.
    pub mail_system: MailSystemState,
    /// The signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The number of files that the process may still open.
    pub open_files: u64,
    /// The number of threads that list the messages.
    pub workers: usize,
}

/// Whether exported messages stay in their queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportMode {
    /// They stay, and are delivered here too.
    Copy,
    /// They are put on hold before they are copied, so that nothing delivers
    /// them meanwhile; the caller moves them to the trash afterwards.
    Move,
}

/// Whether the mail system is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSystemState {
    /// It is, or may be.
    Up,
    /// It is not: no message is being delivered.
    Down,
}

/// Receives messages about an export while it goes on.
pub trait ExportObserver {
    /// Something unexpected happened.
    fn warning(&mut self, text: &[u8]);
}

impl<'a> ExportContext<'a> {
    /// Creates operations on the spool.
    pub fn ops(&self) -> SpoolOps<'a> {
        SpoolOps::new(self.spool, self.layout, self.open_files)
    }

    /// Returns the queues whose messages are exported. Messages in active are
    /// being delivered while the mail system is running: a copy would be
    /// delivered twice.
    pub fn queues(&self) -> Vec<Queue> {
        let is_exported = |queue: &Queue| {
            let is_still = *queue != Queue::Active || self.mail_system == MailSystemState::Down;
            is_still && self.selection.admits_queue(*queue)
        };
        MOVED.into_iter().filter(is_exported).collect()
    }

    /// Returns the queues that are not exported although the selection admits
    /// them.
    pub fn queues_left(&self) -> Vec<Queue> {
        let exported = self.queues();
        let is_left =
            |queue: &Queue| self.selection.admits_queue(*queue) && !exported.contains(queue);
        Queue::LISTED.into_iter().filter(is_left).collect()
    }
}
