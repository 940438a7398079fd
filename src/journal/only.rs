//! The messages of a batch to which an undo is limited: by queue ID, or by a
//! selection.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;

use super::locate::{InQueues, MessageLocation, find, find_in_queues};
use super::recorded_message::RecordedMessage;
use super::revert::queue_after;
use crate::actions::interrupted_change::SelectedMessages;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, SpoolContext, Warning, WorkError};
use crate::queue_file::read_error::Location;
use crate::selection::Matcher;
use crate::spool::message::NoMessage;
use crate::spool::{Queue, QueueId, message};

/// The messages of a batch that are undone.
#[derive(Clone, Copy, Debug)]
pub enum Only<'a> {
    /// All of them.
    Everything,
    /// Those with one of these queue IDs.
    Ids(&'a IdSet),
    /// Those that match a selection.
    Matching(SelectedMessages<'a>),
}

/// A set of queue IDs. Only hashes are kept.
#[derive(Debug, Default)]
pub struct IdSet {
    hashes: RandomState,
    ids: HashSet<u64>,
}

impl IdSet {
    /// The largest number of IDs.
    pub const MAX: usize = 1 << 20;

    /// Adds an ID. Returns false if the set is full.
    pub fn add(&mut self, id: &QueueId) -> bool {
        let has_room = self.ids.len() < Self::MAX;
        if has_room {
            self.ids.insert(self.hashes.hash_one(id));
        }
        has_room
    }
}

/// Decides which messages of a batch are undone.
#[derive(Debug)]
pub struct OnlyFilter<'a> {
    only: Only<'a>,
    matcher: Option<Matcher<'a>>,
    /// The hashes of the IDs that were found in the batch.
    found: HashSet<u64>,
}

impl<'a> OnlyFilter<'a> {
    /// Creates a filter.
    pub fn new(only: Only<'a>) -> Self {
        let matcher = match only {
            Only::Matching(matching) => Some(Matcher::new(matching.selection, matching.rules)),
            Only::Everything | Only::Ids(_) => None,
        };
        Self {
            only,
            matcher,
            found: HashSet::new(),
        }
    }

    /// Returns whether the acts on a message are undone.
    ///
    /// # Errors
    ///
    /// A message cannot be read for a reason that affects others as well.
    pub fn admits(
        &mut self,
        context: SpoolContext<'_>,
        ops: &SpoolOps<'_>,
        act: &Act,
        entry: &RecordedMessage,
        action_log: &mut ActionLog,
    ) -> Result<bool, WorkError> {
        match (self.only, &mut self.matcher) {
            (Only::Ids(set), _) => {
                let hash = set.hashes.hash_one(&entry.id);
                let is_wanted = set.ids.contains(&hash);
                if is_wanted {
                    self.found.insert(hash);
                }
                Ok(is_wanted)
            }
            (Only::Matching(_), Some(matcher)) => match place(ops, act, entry) {
                Some(queue) => matches(matcher, context, queue, entry, action_log),
                None => Ok(false),
            },
            _ => Ok(true),
        }
    }

    /// Logs a warning if IDs are not in the batch.
    pub fn report(&self, action_log: &mut ActionLog) {
        let Only::Ids(set) = self.only else { return };
        let missing = set.ids.len().saturating_sub(self.found.len());
        if missing > 0 {
            let why = format!("not in the batch: {missing}");
            let path = "queue IDs".to_owned();
            action_log.warn(&Warning::Trash { path, why });
        }
    }
}

/// Returns the queue in which a message is now, or `Saved` for the trash; `None`
/// if it is not found.
pub fn place(ops: &SpoolOps<'_>, act: &Act, entry: &RecordedMessage) -> Option<Queue> {
    let mut unlogged = ActionLog::default();
    if *act == Act::Delete && matches!(find(ops, entry, &mut unlogged), MessageLocation::Trash(_)) {
        return Some(Queue::Saved);
    }
    let after = queue_after(act, entry.queue);
    match find_in_queues(ops, entry, after, &mut unlogged) {
        InQueues::Queue(queue, _) => Some(queue),
        InQueues::Nowhere | InQueues::Unknown => None,
    }
}

/// Returns whether a message in this queue, or in the trash, matches.
fn matches(
    matcher: &mut Matcher<'_>,
    context: SpoolContext<'_>,
    queue: Queue,
    entry: &RecordedMessage,
    action_log: &mut ActionLog,
) -> Result<bool, WorkError> {
    let (spool, layout, id) = (context.spool, context.layout, entry.id.as_bytes());
    let path = layout.path(queue, id);
    let name = path.to_string_lossy();
    let message = match message::open(spool, path.as_bytes(), queue, &name) {
        Ok(message) => message,
        Err(NoMessage::NotThere) => return Ok(false),
        Err(error) if error.is_exhaustion() => return Err(error.into()),
        Err(error) => {
            action_log.warn(&error.into());
            return Ok(false);
        }
    };
    // A selection by queue means the one that the message was in.
    let at = Location {
        spool,
        layout,
        queue: entry.queue,
        id,
        path: &name,
    };
    match matcher.matches(&message, &at) {
        Ok(matches) => Ok(matches),
        Err(error) if !error.ends_listing() => {
            action_log.warn(&Warning::Unread(error));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
