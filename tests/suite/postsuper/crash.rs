//! Killed at every system call that changes the spool, one after the other:
//! each message is in exactly one queue under a name that can be used, and
//! calling again finishes the work.
//!
//! strace(1) does the killing, so the kill comes between two calls exactly.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use spoolbox::spool::QueueId;

use super::{messages, ours, put, queue_of};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Program, Tool, collect};
use crate::support::spool::{Name, NewFile, Place, Placed};
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

/// Whatever changes a directory or a file's mode or times.
const CHANGES: &str =
    "renameat,renameat2,rename,unlinkat,unlink,rmdir,mkdirat,mkdir,fchmod,utimensat";
/// No run here makes so many.
const MANY: u32 = 200;

/// A small spool with all that a run can come by.
struct Small {
    instance: Instance,
    placed: Vec<Placed>,
}

impl Small {
    fn new() -> Self {
        let instance = Instance::builder().build();
        let mut placed = vec![
            put(&instance, "deferred", 0x11_111),
            put(&instance, "deferred", 0xA1_111),
            put(&instance, "incoming", 0x21_111),
            put(&instance, "hold", 0x31_111),
            put(&instance, "hold", 0x32_111),
        ];
        // Another file's name, with logs; a file in the wrong place.
        let wrong = NewFile::new("deferred", b"wrong name".to_vec())
            .named(Name::Literal(b"B1111DEADBEEF".to_vec()));
        placed.push(instance.spool().put(&wrong));
        for log in ["defer", "bounce"] {
            instance.spool().put_log(log, b"B1111DEADBEEF", b"its log");
        }
        let misplaced = NewFile::new("deferred", b"misplaced".to_vec())
            .named(Name::Short {
                microseconds: 0xC1_111,
            })
            .at(Place::Below("Z".into()));
        placed.push(instance.spool().put(&misplaced));
        Self { instance, placed }
    }

    fn ids(&self) -> String {
        let line = |placed: &Placed| format!("{}\n", placed.id());
        self.placed.iter().map(line).collect()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.instance.queue_directory(), &Labels::of(&self.placed))
    }

    /// Runs until the n-th change, and kills there.
    fn killed_at(&self, n: u32, arguments: &[&str]) -> Ended {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={CHANGES}"))
            .arg("-e")
            .arg(format!("inject={CHANGES}:signal=KILL:when={n}"))
            .arg(Program::Ours.path(Tool::Postsuper, &self.instance))
            .args(arguments)
            .env("MAIL_CONFIG", self.instance.etc())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("strace starts");
        let output = collect(
            child,
            self.ids().as_bytes(),
            std::time::Duration::from_secs(30),
        );
        output.ended
    }

    /// Fails unless every message that was there is in one place, under a
    /// name that can be used, or may be gone.
    fn check(&self, may_be_gone: bool, when: &str) {
        let mut by_inode: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        for path in messages(&self.instance) {
            let found = self.instance.spool().path(&path).symlink_metadata();
            let name = path.file_name().expect("a name").to_string_lossy();
            let stem = name.strip_suffix("#FIX").unwrap_or(&name);
            assert!(
                QueueId::parse(stem.as_bytes()).is_some(),
                "{when}: {path:?}"
            );
            by_inode
                .entry(found.expect("lstat").ino())
                .or_default()
                .push(path);
        }
        for placed in &self.placed {
            match by_inode.get(&placed.inode).map_or(0, Vec::len) {
                1 => {}
                0 if may_be_gone => {}
                places => panic!("{when}: {} is in {places} places", placed.id()),
            }
        }
    }
}

/// Kills at each change in turn, then calls again and compares with a run
/// that was left alone.
fn survives(arguments: &[&str], may_be_gone: bool) {
    if require(Needs::Root) == Met::No || crate::rights::strace_is_missing() {
        return;
    }
    let undisturbed = Small::new();
    ours(&undisturbed.instance, arguments, &undisturbed.ids());
    let expected = undisturbed.snapshot();
    for n in 1..MANY {
        let small = Small::new();
        let when = format!("{arguments:?} killed at change {n}");
        let ended = small.killed_at(n, arguments);
        if ended == Ended::Exited(0) {
            assert!(n > 1, "{when}: nothing was changed");
            return;
        }
        small.check(may_be_gone, &when);
        let again = ours(&small.instance, arguments, &small.ids());
        assert_eq!(again.ended, Ended::Exited(0), "{when}: {again:?}");
        small.check(may_be_gone, &when);
        if let Some(text) = small.snapshot().difference(&expected) {
            panic!("{when}, then called again:\n{text}");
        }
    }
    panic!("{arguments:?}: no end of changes");
}

#[test]
fn deleting_by_id_can_be_cut_short() {
    // What is misplaced is not found by ID.
    survives(&["-d", "-"], true);
}

#[test]
fn deleting_all_can_be_cut_short() {
    survives(&["-d", "ALL"], true);
}

#[test]
fn holding_and_releasing_can_be_cut_short() {
    survives(&["-h", "-"], false);
    survives(&["-h", "ALL"], false);
    survives(&["-H", "ALL"], false);
}

#[test]
fn expiring_can_be_cut_short() {
    survives(&["-f", "ALL"], false);
    survives(&["-e", "-"], false);
}

#[test]
fn requeueing_can_be_cut_short() {
    if require(Needs::Root) == Met::No || crate::rights::strace_is_missing() {
        return;
    }
    for n in 1..MANY {
        let small = Small::new();
        let ended = small.killed_at(n, &["-r", "-"]);
        small.check(false, "requeue");
        if ended == Ended::Exited(0) {
            return;
        }
        let again = ours(&small.instance, &["-r", "-"], &small.ids());
        assert_eq!(again.ended, Ended::Exited(0), "{again:?}");
        small.check(false, "requeue");
        let left = messages(&small.instance)
            .iter()
            .filter(|path| queue_of(path) != "maildrop")
            .count();
        assert_eq!(left, 1, "only the misplaced one stays");
    }
    panic!("no end of changes");
}

#[test]
fn repair_can_be_cut_short_in_either_pass() {
    survives(&["-s"], false);
}
