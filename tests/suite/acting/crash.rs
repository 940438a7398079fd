//! Killed at every system call that changes the spool, one after the other:
//! no message is lost or doubled, and calling again finishes the work.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use super::Filled;
use crate::postsuper::crash::{CHANGES, killed_at};
use crate::selection::spool;
use crate::support::run::Ended;
use crate::support::tree::Snapshot;
use crate::support::{Met, Needs, require};

/// No run here makes so many.
const MANY: u32 = 100;

/// Each message is in one place, or gone if that is asked for.
fn check(filled: &Filled, removes: &str, when: &str) {
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for path in crate::postsuper::messages(&filled.instance) {
        let found = filled.instance.spool().path(&path).symlink_metadata();
        *places.entry(found.expect("lstat").ino()).or_default() += 1;
    }
    for placed in &filled.placed {
        match places.get(&placed.inode).copied().unwrap_or(0) {
            1 => {}
            0 if removes == "-d" => {}
            count => panic!("{when}: {} is in {count} places", placed.id()),
        }
    }
}

#[test]
fn acting_on_a_selection_can_be_cut_short() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    for action in ["-d", "-h", "-H", "-r", "-e", "-f"] {
        let arguments = [action, "MATCH", "--from", "offers@bulk.example"];
        let now = spool::now();
        let undisturbed = Filled::at(now);
        undisturbed.done(&arguments);
        let expected = undisturbed.snapshot();
        let kills: u32 = CHANGES
            .iter()
            .map(|call| {
                let case = Case {
                    arguments: &arguments,
                    now,
                    expected: &expected,
                };
                case.killed_at_each(call)
            })
            .sum();
        assert!(kills > 0, "{action}: nothing was changed");
    }
}

/// What is cut short, and what has to come of it in the end.
struct Case<'a> {
    arguments: &'a [&'a str],
    now: i64,
    expected: &'a Snapshot,
}

impl Case<'_> {
    /// Kills at each call of that name in turn; returns how many there were.
    fn killed_at_each(&self, call: &str) -> u32 {
        let arguments = self.arguments;
        for n in 1..MANY {
            let filled = Filled::at(self.now);
            let when = format!("{arguments:?} killed at {call} number {n}");
            let ended = killed_at(&filled.instance, call, n, arguments, "");
            if ended == Ended::Exited(0) {
                return n - 1;
            }
            assert_eq!(ended, Ended::Killed(9), "{when}");
            check(&filled, arguments[0], &when);
            filled.done(arguments);
            check(&filled, arguments[0], &when);
            if let Some(text) = filled.snapshot().difference(self.expected) {
                panic!("{when}, then called again:\n{text}");
            }
        }
        panic!("{arguments:?}: no end of {call}");
    }
}
