//! Repairs of the queue structure, as described in postsuper(1): -p purges
//! unfinished files, -s corrects file names and locations, and -S also corrects
//! long names that contain the inode number of another file. `repair_rules` decides
//! which names are correct.
//!
//! A file is renamed in two steps, with a suffix in between, so that names
//! cannot collide and an interrupted run can be repeated. Files are handled one
//! at a time, because the second step relies on the first being complete. No
//! existing file is replaced: if the new name is taken, both files stay as they
//! are.

use super::context::SpoolContext;
use super::error::WorkError;
use super::queue_scan;
use super::queue_scan::{Object, Presence, SpecialFiles};
use super::repair_rules::{Purge, Repair, SUFFIX, Structure, unsuffixed};
use super::report::{ActionLog, ActionObserver, Counters};
use super::spool_ops::{FileAt, Moved, SpoolOps};
use super::warning::Warning;
use crate::spool::{DirEntry, Queue, Step, Walk, id, message};
use crate::sys::time::now;

/// The changes made, including those of a repair that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A file was renamed.
    pub names: bool,
    /// A file was moved to another directory.
    pub places: bool,
}

/// Repairs the selected queues. Walks them again if files were given
/// intermediate names, or if moves were blocked by files that the first walk
/// may have moved.
pub fn run(
    context: SpoolContext<'_>,
    repair: Repair,
    observer: &mut dyn ActionObserver,
) -> (Counters, Changes, Result<(), WorkError>) {
    let mut repairer = Repairer {
        context,
        repair,
        ops: context.ops(),
        action_log: ActionLog::default(),
        changes: Changes::default(),
        pass: RepairPass::First,
        next: NextPass::NotNeeded,
    };
    let mut ended = Ok(());
    for pass in PASSES {
        repairer.pass = pass;
        repairer.next = NextPass::NotNeeded;
        ended = repairer.walk_all(observer);
        if ended.is_err() || repairer.next == NextPass::NotNeeded {
            break;
        }
    }
    repairer.report(observer);
    (repairer.action_log.counters, repairer.changes, ended)
}

/// The walks. In the second, files that were renamed in the first get their
/// final names, and files that blocked others have been moved; files that were
/// blocked until then may need the third.
const PASSES: [RepairPass; 3] = [RepairPass::First, RepairPass::Later, RepairPass::Later];

/// The current walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RepairPass {
    First,
    Later,
}

/// Whether another walk is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextPass {
    NotNeeded,
    Needed,
}

struct Repairer<'a> {
    context: SpoolContext<'a>,
    repair: Repair,
    ops: SpoolOps<'a>,
    action_log: ActionLog,
    changes: Changes,
    pass: RepairPass,
    next: NextPass,
}

impl Repairer<'_> {
    fn walk_all(&mut self, observer: &mut dyn ActionObserver) -> Result<(), WorkError> {
        for selected in self.context.selected {
            let queue = selected.queue()?;
            queue_scan::check(queue, self.context.layout)?;
            let walked = self.walk(queue, observer);
            self.report(observer);
            walked?;
        }
        Ok(())
    }

    fn walk(&mut self, queue: Queue, observer: &mut dyn ActionObserver) -> Result<(), WorkError> {
        let mut walk = Walk::new(self.context.spool, queue)?;
        while let Some(step) = walk.step()? {
            if self.context.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            match step {
                Step::Name(DirEntry { place, name, .. }) => {
                    let found = Object { queue, place, name };
                    let done = self.object(&found);
                    self.report(observer);
                    done?;
                }
                Step::Left { parent, path } => {
                    if queue_scan::is_too_deep(queue, &path, self.context.layout) {
                        queue_scan::remove_left(queue, &parent, &path, &self.ops)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Passes the collected lines to the observer.
    fn report(&mut self, observer: &mut dyn ActionObserver) {
        if !self.action_log.lines.is_empty() {
            observer.lines(&self.action_log.lines);
            observer.pause();
            self.action_log.lines.clear();
        }
    }

    fn object(&mut self, found: &Object<'_>) -> Result<(), WorkError> {
        let stat = match found.stat() {
            Ok(stat) => stat,
            Err(cause) => {
                return found.unseen(cause, &mut self.action_log);
            }
        };
        let Presence::There(stat) = found.tidy(stat, SpecialFiles::Remove, &mut self.action_log)?
        else {
            return Ok(());
        };
        let is_unfinished = found.queue.holds_messages() && !message::is_ready(&stat);
        if self.repair.purge == Purge::Unfinished && is_unfinished && self.is_old(stat.st_mtime) {
            return found.remove().map(drop);
        }
        if self.repair.structure != Structure::Leave {
            return self.correct(found, stat.st_ino);
        }
        if !id::is_valid(found.name) {
            self.warn_bogus(found);
        }
        Ok(())
    }

    /// Gives a file its correct name and location.
    fn correct(&mut self, found: &Object<'_>, real_inode: u64) -> Result<(), WorkError> {
        if let Some(name) = unsuffixed(found.name) {
            return self.finish(found, name, real_inode);
        }
        if !id::is_valid(found.name) {
            self.warn_bogus(found);
            return Ok(());
        }
        if found.queue.holds_messages() {
            let Some(inode) = self.repair.inode_in(found.name) else {
                self.warn_bogus(found);
                return Ok(());
            };
            if self.repair.needs_name(found.name, inode, real_inode) {
                return self.begin(found.at(&found.path()), found.queue, real_inode);
            }
        }
        self.move_to_home(found)
    }

    fn is_old(&self, modified: i64) -> bool {
        let age = now().saturating_sub(modified);
        u64::try_from(age).is_ok_and(|age| age > self.repair.unfinished_max.as_secs())
    }

    fn warn_bogus(&mut self, found: &Object<'_>) {
        self.action_log.warn(&Warning::BogusName(found.path()));
    }

    /// Handles a blocked move: in the first walk another walk is requested,
    /// because the name may become free; in later walks the warning is logged.
    fn blocked(&mut self, warning: &Warning) {
        match self.pass {
            RepairPass::First => self.next = NextPass::Needed,
            RepairPass::Later => self.action_log.warn(warning),
        }
    }

    /// The first step: renames the logs, then the message, to the new name with
    /// the suffix. Renames all of them or none, so that a message is never
    /// separated from its logs.
    fn begin(&mut self, at: FileAt<'_>, queue: Queue, inode: u64) -> Result<(), WorkError> {
        let name = id::renumbered(at.name, inode, self.repair.style);
        let suffixed = [&name, SUFFIX].concat();
        if let Some(warning) = self.collision(at, queue, &name, &suffixed) {
            self.blocked(&warning);
            return Ok(());
        }
        self.changes.names = true;
        self.next = NextPass::Needed;
        for log in Queue::LOGS {
            // A log that another process created since the check is not
            // replaced.
            self.ops.rename_from_home(log, at.name, &name, &suffixed)?;
        }
        let moved = self.ops.rename(at, queue, &name, &suffixed)?;
        if moved == Moved::Blocked {
            let warning = self.ops.blocked(at, queue, &name, &suffixed);
            self.blocked(&warning);
        }
        Ok(())
    }

    /// Returns a warning if the new name of the message, or of one of its logs,
    /// is already taken. The new name is `name`, in the directory where `home`
    /// belongs.
    fn collision(&self, at: FileAt<'_>, queue: Queue, home: &[u8], name: &[u8]) -> Option<Warning> {
        if self.ops.is_taken(queue, home, name) {
            return Some(self.ops.blocked(at, queue, home, name));
        }
        Queue::LOGS.into_iter().find_map(|log| {
            if !self.ops.is_taken(log, home, name) {
                return None;
            }
            let dir = self.ops.home(log, at.name).ok()?;
            let log_at = FileAt {
                dir: &dir,
                name: at.name,
                path: &self.ops.path(log, at.name),
            };
            log_at.dir.stat(log_at.os_name()).ok()?;
            Some(self.ops.blocked(log_at, log, home, name))
        })
    }

    /// The second step: removes the suffix.
    fn finish(&mut self, found: &Object<'_>, name: &[u8], inode: u64) -> Result<(), WorkError> {
        let is_message = found.queue.holds_messages();
        let has_inode = if is_message && id::is_valid(name) {
            self.repair.inode_before_suffix(name)
        } else {
            Some(inode).filter(|_| id::is_valid(name))
        };
        let path = found.path();
        match has_inode {
            None => {
                self.warn_bogus(found);
                return Ok(());
            }
            Some(other) if other != inode => {
                self.action_log.warn(&Warning::Mismatch(path));
                return Ok(());
            }
            Some(_) => {}
        }
        let before = self.changes;
        self.changes.names |= is_message;
        let at = found.at(&path);
        match self.ops.rename(at, found.queue, name, name)? {
            Moved::Done if is_message => {
                self.action_log.counters.renamed =
                    self.action_log.counters.renamed.saturating_add(1);
                self.rename_again(found.queue, name, inode)
            }
            Moved::Blocked => {
                self.changes = before;
                let warning = self.ops.blocked(at, found.queue, name, name);
                self.blocked(&warning);
                Ok(())
            }
            Moved::Done | Moved::Gone => Ok(()),
        }
    }

    /// Renames a message again that has just been given its final name: an
    /// interrupted repair with other settings may have chosen that name.
    fn rename_again(&mut self, queue: Queue, name: &[u8], inode: u64) -> Result<(), WorkError> {
        if !self.repair.needs_name(name, inode, inode) {
            return Ok(());
        }
        let path = self.ops.path(queue, name);
        match self.ops.home(queue, name) {
            Ok(dir) => {
                let dir = &dir;
                let path = path.as_str();
                self.begin(FileAt { dir, name, path }, queue, inode)
            }
            // The next walk will find the message.
            Err(_) => {
                self.next = NextPass::Needed;
                Ok(())
            }
        }
    }

    /// Moves a file to the directory where it belongs.
    fn move_to_home(&mut self, found: &Object<'_>) -> Result<(), WorkError> {
        let home = self.context.layout.directory(found.queue, found.name);
        if home == found.place.path {
            return Ok(());
        }
        let before = self.changes;
        self.changes.places = true;
        let path = found.path();
        let (at, queue, name) = (found.at(&path), found.queue, found.name);
        if self.ops.rename(at, queue, name, name)? == Moved::Blocked {
            self.changes = before;
            let warning = self.ops.blocked(at, queue, name, name);
            self.blocked(&warning);
        }
        Ok(())
    }
}
