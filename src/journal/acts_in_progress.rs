//! The acts that one call has announced in the journal and not completed yet, and
//! the lock that it holds meanwhile.

use std::collections::{HashMap, HashSet};

use nix::sys::stat::FileStat;

use super::act_fields::act_name;
use super::event::Attempt;
use super::locked_journal::LockedJournal;
use super::logs::LogSource;
use crate::actions::AnnouncedAct;
use crate::spool::Queue;

/// The acts that are about to be performed, and the lock that is held
/// meanwhile: undo and purge wait until all announced acts have been performed.
#[derive(Debug, Default)]
pub(super) struct ActsInProgress {
    /// The lock on the journal; `None` if no act is in progress.
    pub(super) lock: Option<LockedJournal>,
    /// The number of announcements whose acts are in progress.
    pub(super) holders: usize,
    /// The queue of each announced message, by inode number and name of the
    /// act.
    acts: HashMap<(u64, &'static str), Queue>,
    /// The inode numbers of all announced messages.
    messages: HashSet<u64>,
    /// The logs that each message to be deleted has or may have, by inode number.
    logs: HashMap<u64, Vec<LogSource>>,
}

impl ActsInProgress {
    /// Notes an act. Returns whether there is an earlier one about the message;
    /// `None` if the act was announced before.
    pub(super) fn note(&mut self, act: &AnnouncedAct<'_>) -> Option<Attempt> {
        let inode = act.stat.st_ino;
        let before = self.acts.insert((inode, act_name(&act.act)), act.queue);
        let is_first = self.messages.insert(inode);
        match before {
            Some(queue) if queue == act.queue => None,
            _ if is_first => Some(Attempt::First),
            _ => Some(Attempt::Retry),
        }
    }

    /// Notes which logs a message had, or may have had, when its deletion was
    /// announced.
    pub(super) fn note_logs(&mut self, message: &FileStat, logs: Vec<LogSource>) {
        self.logs.insert(message.st_ino, logs);
    }

    /// Returns the logs that have to be moved with a message in `queue`. No program
    /// creates logs of messages that are not being delivered, so only those that
    /// were announced are looked for.
    pub(super) fn logs_to_take(&self, queue: Queue, message: &FileStat) -> Vec<LogSource> {
        let announced = self.logs.get(&message.st_ino);
        match (queue, announced) {
            (Queue::Deferred | Queue::Hold | Queue::Maildrop, Some(logs)) => logs.clone(),
            _ => Queue::LOGS.map(LogSource::Unknown).to_vec(),
        }
    }
}
