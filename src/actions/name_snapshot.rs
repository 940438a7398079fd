//! The names in small queue directories, read once for a job. Most messages are
//! deferred, so that looking for them in the other queues first, in Postfix's order,
//! would cost several failed lookups for each message.
//!
//! A snapshot only tells that a name was not there. Where a file that arrives later
//! would matter, the caller has to look again.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;

use nix::errno::Errno;

use super::spool_ops::SpoolOps;
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::is;

/// The number of lookups from which reading a directory is faster.
const LOOKUPS_MIN: usize = 16;
/// The largest number of names that are read of a directory.
const NAMES_MAX: usize = 64;

/// The names in some queues a moment ago.
#[derive(Debug, Default)]
pub struct NameSnapshot {
    names: HashMap<Queue, HashSet<Vec<u8>>>,
    /// The queues that are not read again, because they had many names.
    large: HashSet<Queue>,
}

impl NameSnapshot {
    /// Reads the names in those of the queues that are small and have no
    /// subdirectories. Reads nothing if only a few names will be looked up.
    pub fn renew(
        &mut self,
        ops: &SpoolOps<'_>,
        queues: impl IntoIterator<Item = Queue>,
        lookups: usize,
    ) {
        self.names.clear();
        if lookups < LOOKUPS_MIN {
            return;
        }
        for queue in queues {
            if self.large.contains(&queue) || ops.is_hashed(queue) {
                continue;
            }
            // What cannot be read is looked up, which reports why.
            match read_small(ops, queue) {
                Ok(Some(names)) => drop(self.names.insert(queue, names)),
                Ok(None) => drop(self.large.insert(queue)),
                Err(_) => {}
            }
        }
    }

    /// Returns whether the queue had no file with this name. Returns false if that
    /// is unknown.
    pub fn lacks(&self, queue: Queue, id: &QueueId) -> bool {
        let names = self.names.get(&queue);
        names.is_some_and(|names| !names.contains(id.as_bytes()))
    }
}

/// Returns the names in a queue without subdirectories; `None` if there are many.
fn read_small(ops: &SpoolOps<'_>, queue: Queue) -> io::Result<Option<HashSet<Vec<u8>>>> {
    let dir = match ops.home(queue, b"") {
        Err(cause) if is(&cause, Errno::ENOENT) => return Ok(Some(HashSet::new())),
        dir => dir?,
    };
    let mut stream = dir.open_dir(OsStr::new("."))?.names()?;
    let (mut names, mut name) = (HashSet::new(), Vec::new());
    while stream.next(&mut name)?.is_some() {
        if names.len() >= NAMES_MAX {
            return Ok(None);
        }
        names.insert(name.clone());
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::spool::Layout;
    use crate::sys::dir::Dir;

    const MANY: usize = 1_000;

    /// Returns the snapshot of these queues in the spool at `root`.
    fn snapshot(root: &Path, layout: &Layout, queues: &[Queue]) -> NameSnapshot {
        let spool = Dir::open(root).unwrap();
        let ops = SpoolOps::new(&spool, layout, 100);
        let mut snapshot = NameSnapshot::default();
        snapshot.renew(&ops, queues.iter().copied(), MANY);
        snapshot
    }

    #[test]
    fn a_small_or_missing_queue_lacks_every_other_name() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("incoming")).unwrap();
        fs::write(root.path().join("incoming/4F1A2B3C"), "").unwrap();
        let layout = Layout::new(&[], 0);
        let snapshot = snapshot(root.path(), &layout, &[Queue::Incoming, Queue::Active]);
        let [there, missing] = [b"4F1A2B3C", b"4F1A2B3D"].map(|id| QueueId::parse(id).unwrap());
        assert!(!snapshot.lacks(Queue::Incoming, &there));
        assert!(snapshot.lacks(Queue::Incoming, &missing));
        assert!(snapshot.lacks(Queue::Active, &there));
        assert!(!snapshot.lacks(Queue::Hold, &missing), "it was not read");
    }

    #[test]
    fn nothing_is_known_of_large_or_hashed_or_unreadable_queues() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("active")).unwrap();
        for number in 0..=NAMES_MAX {
            fs::write(root.path().join(format!("active/{number:X}")), "").unwrap();
        }
        fs::create_dir(root.path().join("deferred")).unwrap();
        fs::write(root.path().join("incoming"), "").unwrap();
        let layout = Layout::new(&[b"deferred".to_vec()], 1);
        let queues = [Queue::Active, Queue::Deferred, Queue::Incoming];
        let snapshot = snapshot(root.path(), &layout, &queues);
        let id = QueueId::parse(b"4F1A2B3C").unwrap();
        for queue in queues {
            assert!(!snapshot.lacks(queue, &id), "{queue}");
        }
    }
}
