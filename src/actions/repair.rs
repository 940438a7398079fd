//! Repair of the queues' structure: -p purges unfinished files, -s gives
//! every file the name and the place it should have, -S does so for names
//! that could stay, as postsuper(1) has them.
//!
//! A new name is given in two steps, with a suffix in between, so that names
//! cannot collide and an interrupted run can be repeated. One file after the
//! other: the second step relies on the first being complete. What has a name
//! that a file should get stays, and so does the file.

use std::time::Duration;

use super::context::SpoolContext;
use super::error::WorkError;
use super::queue_scan;
use super::queue_scan::{Object, Presence, SpecialFiles};
use super::report::{ActionLog, ActionObserver, Counters};
use super::spool_ops::{FileAt, Moved, SpoolOps};
use super::warning::Warning;
use crate::spool::{DirEntry, Queue, Step, Walk, id, message};
use crate::sys::time::now;

/// What a name ends in between the two steps.
const SUFFIX: &[u8] = b"#FIX";
/// An unfinished file this old will not be finished any more.
pub const UNFINISHED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The same before Postfix 3.5. Observed with 3.4.13.
pub const UNFINISHED_MAX_BEFORE_3_5: Duration = Duration::from_secs(24 * 3600);

/// What is to be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Whether unfinished files go.
    pub purge: Purge,
    /// How old they have to be.
    pub unfinished_max: Duration,
    /// Whether names and places are put right.
    pub structure: Structure,
    /// The names that the mail system makes.
    pub style: id::IdStyle,
    /// What is made of names that hold no inode number.
    pub without_inode: WithoutInode,
}

/// What becomes of a message whose name has five characters: a time and no
/// inode number. Shorter names are bogus in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutInode {
    /// It gets another name. Observed with Postfix 3.7.11.
    #[default]
    Renamed,
    /// It is bogus, and stays. Observed since Postfix 3.5.27, 3.6.20, 3.7.22,
    /// 3.8.20, 3.9.14, 3.10.13 and 3.11.6.
    Bogus,
}

/// Whether old unfinished files go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purge {
    /// They stay.
    #[default]
    No,
    /// They go.
    Unfinished,
}

/// Which names and places are put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structure {
    /// None.
    #[default]
    Leave,
    /// What would collide or not be found.
    Fix,
    /// Long names with another file's inode number as well.
    FixRedundant,
}

/// What was changed, also by a repair that did not end well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A file has another name than before.
    pub names: bool,
    /// A file is in another directory.
    pub places: bool,
}

/// Repairs the selected queues. Another walk follows if files were given names
/// that are not final, or could not be moved because others had their names.
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
        pass: Pass::First,
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

/// The walks: in the second the files of the first get their final names, and
/// those that were in the way of others have gone; what was in their way till
/// then may need the third.
const PASSES: [Pass; 3] = [Pass::First, Pass::Later, Pass::Later];

/// Which walk it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    First,
    Later,
}

/// Whether another walk has to follow.
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
    pass: Pass,
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

    /// Passes the report on.
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
            return self.put_right(found, stat.st_ino);
        }
        if !id::is_valid(found.name) {
            self.bogus(found);
        }
        Ok(())
    }

    /// Gives a file the name and the place that it should have.
    fn put_right(&mut self, found: &Object<'_>, real_inode: u64) -> Result<(), WorkError> {
        if let Some(name) = unsuffixed(found.name) {
            return self.finish(found, name, real_inode);
        }
        if !id::is_valid(found.name) {
            self.bogus(found);
            return Ok(());
        }
        if found.queue.holds_messages() {
            let Some(inode) = self.inode_in(found.name) else {
                self.bogus(found);
                return Ok(());
            };
            if self.needs_name(found.name, inode, real_inode) {
                return self.begin(found.at(&found.path()), found.queue, real_inode);
            }
        }
        self.put_in_place(found)
    }

    fn is_old(&self, modified: i64) -> bool {
        let age = now().saturating_sub(modified);
        u64::try_from(age).is_ok_and(|age| age > self.repair.unfinished_max.as_secs())
    }

    fn bogus(&mut self, found: &Object<'_>) {
        self.action_log.warn(&Warning::BogusName(found.path()));
    }

    /// A file stays for now: in a later walk the way may be free, and what is
    /// still there then is warned of.
    fn blocked(&mut self, warning: &Warning) {
        match self.pass {
            Pass::First => self.next = NextPass::Needed,
            Pass::Later => self.action_log.warn(warning),
        }
    }

    /// The inode number in the name of a message; `None` if it is bogus.
    fn inode_in(&self, name: &[u8]) -> Option<u64> {
        let too_short = self.repair.without_inode == WithoutInode::Bogus
            && name.len() == id::SHORT_MICROSECONDS;
        id::inode(name).filter(|_| !too_short)
    }

    /// As [`Self::inode_in`], for a name that had the suffix.
    ///
    /// Observed with Postfix 3.7.11: a single letter is no bogus name then,
    /// but one of another file. (Since a name of five characters is bogus,
    /// this should be so, too.)
    fn inode_before_suffix(&self, name: &[u8]) -> Option<u64> {
        match (name, self.repair.without_inode) {
            ([_], WithoutInode::Renamed) => Some(0),
            _ => self.inode_in(name),
        }
    }

    /// Whether a message has to get another name.
    fn needs_name(&self, name: &[u8], inode: u64, real_inode: u64) -> bool {
        let is_long = id::long_microseconds(name).is_some();
        if is_long && self.repair.style == id::IdStyle::Short {
            return true;
        }
        let is_redundant = is_long && self.repair.structure != Structure::FixRedundant;
        inode != real_inode && !is_redundant
    }

    /// The first step: the logs, then the message, get the new name with the
    /// suffix. All of them or none: a message is not parted from its logs.
    fn begin(&mut self, at: FileAt<'_>, queue: Queue, inode: u64) -> Result<(), WorkError> {
        let name = id::renumbered(at.name, inode, self.repair.style);
        let suffixed = [&name, SUFFIX].concat();
        if let Some(warning) = self.issue(at, queue, &name, &suffixed) {
            self.blocked(&warning);
            return Ok(());
        }
        self.changes.names = true;
        self.next = NextPass::Needed;
        for log in Queue::LOGS {
            // One that another process made since the check stays.
            self.ops.rename_from_home(log, at.name, &name, &suffixed)?;
        }
        let moved = self.ops.rename(at, queue, &name, &suffixed)?;
        if moved == Moved::Blocked {
            let warning = self.ops.blocked(at, queue, &name, &suffixed);
            self.blocked(&warning);
        }
        Ok(())
    }

    /// The warning about what has a name that a message or one of its logs
    /// should get, called `name` where `home` belongs.
    fn issue(&self, at: FileAt<'_>, queue: Queue, home: &[u8], name: &[u8]) -> Option<Warning> {
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

    /// The second step: the suffix goes.
    fn finish(&mut self, found: &Object<'_>, name: &[u8], inode: u64) -> Result<(), WorkError> {
        let is_message = found.queue.holds_messages();
        let has_inode = if is_message && id::is_valid(name) {
            self.inode_before_suffix(name)
        } else {
            Some(inode).filter(|_| id::is_valid(name))
        };
        let path = found.path();
        match has_inode {
            None => {
                self.bogus(found);
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
                self.go_on(found.queue, name, inode)
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

    /// Gives a message that has just got its name another, if an interrupted
    /// repair wanted that name and this one does not.
    fn go_on(&mut self, queue: Queue, name: &[u8], inode: u64) -> Result<(), WorkError> {
        if !self.needs_name(name, inode, inode) {
            return Ok(());
        }
        let path = self.ops.path(queue, name);
        match self.ops.home(queue, name) {
            Ok(dir) => {
                let dir = &dir;
                let path = path.as_str();
                self.begin(FileAt { dir, name, path }, queue, inode)
            }
            // The next walk finds it.
            Err(_) => {
                self.next = NextPass::Needed;
                Ok(())
            }
        }
    }

    /// Moves a file to where its name belongs.
    fn put_in_place(&mut self, found: &Object<'_>) -> Result<(), WorkError> {
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

/// A name without the suffix of the first step, if it has one and more.
fn unsuffixed(name: &[u8]) -> Option<&[u8]> {
    name.strip_suffix(SUFFIX).filter(|name| !name.is_empty())
}
