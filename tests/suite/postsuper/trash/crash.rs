//! Killed at every system call that changes something, one after the other:
//! each message is in exactly one place, calling again finishes the work, and
//! --undo takes all of it back.
//!
//! strace(1) does the killing, so the kill comes between two calls exactly.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{exact, fill, in_trash, lines, ours};
use crate::postsuper::crash::killed_at;
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::spool::Placed;
use crate::support::{Met, Needs, require};

/// Whatever changes a directory, a file or its mode or times. strace counts
/// each of them by itself; a question mark stands before those that some
/// processors do not have.
const CHANGES: [&str; 12] = [
    "renameat2",
    "renameat",
    "?rename",
    "unlinkat",
    "mkdirat",
    "fchmod",
    "utimensat",
    "fsync",
    "fdatasync",
    "ftruncate",
    "flock",
    // To the journal; and to standard error, which does no harm.
    "write",
];

struct Small {
    instance: Instance,
    placed: Vec<Placed>,
    before: BTreeMap<PathBuf, String>,
}

impl Small {
    fn new() -> Self {
        let instance = Instance::builder()
            .set("hash_queue_names", "deferred, defer, saved")
            .build();
        let placed = fill(&instance);
        let before = exact(&instance);
        Self {
            instance,
            placed,
            before,
        }
    }

    fn run(&self, arguments: &[&str], when: &str) {
        let output = ours(&self.instance, arguments, &lines(&self.placed));
        let ended = output.ended;
        assert_eq!(ended, Ended::Exited(0), "{when}: {arguments:?}: {output:?}");
    }

    fn killed_at(&self, call: &str, n: u32, arguments: &[&str]) -> Ended {
        killed_at(&self.instance, call, n, arguments, &lines(&self.placed))
    }

    /// Fails unless everything is there exactly once, wherever it lies.
    fn nothing_is_lost(&self, when: &str) {
        let contents = |files: &BTreeMap<PathBuf, String>| {
            let mut all: Vec<String> = files.values().cloned().collect();
            all.sort();
            all
        };
        let now = exact(&self.instance);
        assert_eq!(contents(&now), contents(&self.before), "{when}: {now:#?}");
    }

    fn is_as_before(&self, when: &str) {
        assert_eq!(exact(&self.instance), self.before, "{when}");
    }
}

/// Kills at each change in turn, and looks at what that left.
fn each_change(arguments: &[&str], prepare: impl Fn(&Small), check: impl Fn(&Small, &str)) {
    let mut killed = 0;
    for call in CHANGES {
        for n in 1.. {
            let small = Small::new();
            prepare(&small);
            let ended = small.killed_at(call, n, arguments);
            if ended == Ended::Exited(0) {
                break;
            }
            let when = format!("{arguments:?} killed at {call} {n}");
            assert_eq!(ended, Ended::Killed(9), "{when}");
            check(&small, &when);
            killed += 1;
        }
    }
    assert!(killed > 20, "{arguments:?}: hardly anything was changed");
}

fn is_begun(small: &Small) -> bool {
    let journal = std::fs::read_to_string(super::journal(&small.instance));
    journal.is_ok_and(|text| text.contains(" trash batch=") && text.ends_with('\n'))
}

/// `--undo` of every batch that there is.
fn undo_all(small: &Small, when: &str) {
    for _ in 0..3 {
        let output = ours(&small.instance, &["--undo"], "");
        if output.ended == Ended::Exited(1) {
            let text = output.stderr_text();
            assert!(text.contains("nothing to undo"), "{when}: {text}");
            return;
        }
        assert_eq!(output.ended, Ended::Exited(0), "{when}: {output:?}");
    }
    panic!("{when}: no end of batches");
}

fn trash_can_be_cut_short(argument: &str) {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let trash = ["--trash", "-d", argument];
    each_change(
        &trash,
        |_| {},
        |small, when| {
            small.nothing_is_lost(when);
            if is_begun(small) {
                small.run(&["--undo"], when);
                small.is_as_before(when);
            } else {
                small.is_as_before(when);
            }
            // Once more, from where it was cut short.
            small.run(&trash, when);
            small.nothing_is_lost(when);
            let moved = in_trash(&small.instance).len();
            assert_eq!(moved, small.before.len(), "{when}");
            undo_all(small, when);
            small.is_as_before(when);
        },
    );
}

#[test]
fn moving_ids_to_the_trash_can_be_cut_short() {
    trash_can_be_cut_short("-");
}

#[test]
fn moving_all_to_the_trash_can_be_cut_short() {
    trash_can_be_cut_short("ALL");
}

#[test]
fn moving_to_the_trash_is_finished_by_doing_it_again() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let trash = ["--trash", "-d", "-"];
    each_change(
        &trash,
        |_| {},
        |small, when| {
            small.run(&trash, when);
            small.nothing_is_lost(when);
            assert_eq!(
                in_trash(&small.instance).len(),
                small.before.len(),
                "{when}"
            );
            // Two batches: what one has not, the other has.
            undo_all(small, when);
            small.is_as_before(when);
        },
    );
}

#[test]
fn undoing_can_be_cut_short() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    each_change(
        &["--undo"],
        |small| small.run(&["--trash", "-d", "ALL"], "before"),
        |small, when| {
            small.nothing_is_lost(when);
            undo_all(small, when);
            small.is_as_before(when);
        },
    );
}

/// What was changed in the trash: modes and times are set before the move.
#[test]
fn undoing_with_modes_and_times_can_be_cut_short() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let touch = |small: &Small| {
        small.run(&["--trash", "-d", "ALL"], "before");
        for path in in_trash(&small.instance) {
            let path = small.instance.spool().path(path);
            if !path.to_string_lossy().contains('.') || path.extension().is_none() {
                crate::support::instance::set_mode(&path, 0o600);
                crate::support::spool::set_mtime(&path, 1_500_000_000);
            }
        }
    };
    each_change(&["--undo"], touch, |small, when| {
        undo_all(small, when);
        small.is_as_before(when);
    });
}

#[test]
fn purging_can_be_cut_short() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let purge = ["--trash-purge", "--older", "0s"];
    each_change(
        &purge,
        |small| small.run(&["--trash", "-d", "ALL"], "before"),
        |small, when| {
            small.run(&purge, when);
            assert!(exact(&small.instance).is_empty(), "{when}");
        },
    );
}

/// What a purge has not come to can still be brought back.
#[test]
fn what_a_purge_left_can_be_undone() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    each_change(
        &["--trash-purge", "--older", "0s"],
        |small| small.run(&["--trash", "-d", "ALL"], "before"),
        |small, when| {
            let left = exact(&small.instance).len();
            undo_all(small, when);
            let now = exact(&small.instance);
            assert_eq!(now.len(), left, "{when}");
            for (path, described) in &now {
                assert_eq!(small.before.get(path), Some(described), "{when}");
            }
        },
    );
}
