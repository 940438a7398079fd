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

use super::{messages, ours, put};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Output, Program, Tool, collect};
use crate::support::spool::{Name, NewFile, Place, Placed};
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

/// Whatever changes a directory or a file's mode or times. strace(1) counts
/// the calls of each name for itself, so each has its turn.
pub const CHANGES: [&str; 10] = [
    "renameat",
    "renameat2",
    "rename",
    "unlinkat",
    "unlink",
    "rmdir",
    "mkdirat",
    "mkdir",
    "fchmod",
    "utimensat",
];
/// No run here makes so many.
const MANY: u32 = 200;

/// Which messages may be gone after a kill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MayBeGone {
    None,
    All,
    /// The one that was never finished.
    Unfinished,
}

/// Runs our postsuper until the n-th call of that name, and kills it there.
pub fn killed_at(
    instance: &Instance,
    call: &str,
    n: u32,
    arguments: &[impl AsRef<std::ffi::OsStr>],
    stdin: &str,
) -> Ended {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:signal=KILL:when={n}"))
        .arg(Program::Ours.path(Tool::Postsuper, instance))
        .args(arguments)
        .env("MAIL_CONFIG", instance.etc())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("strace starts");
    let patience = std::time::Duration::from_secs(30);
    collect(child, stdin.as_bytes(), patience).ended
}

/// A small spool with all that a run can come by.
struct Small {
    instance: Instance,
    placed: Vec<Placed>,
    unfinished: u64,
}

impl Small {
    fn new(long_ids: &str) -> Self {
        let builder = Instance::builder().set("enable_long_queue_ids", long_ids);
        let instance = builder.build();
        let mut placed = vec![
            put(&instance, "deferred", 0x11_111),
            put(&instance, "deferred", 0xA1_111),
            put(&instance, "incoming", 0x21_111),
            put(&instance, "hold", 0x31_111),
            put(&instance, "hold", 0x32_111),
        ];
        let mut add = |file: NewFile| {
            placed.push(instance.spool().put(&file));
            placed[placed.len() - 1].clone()
        };
        // Names of other files, short and long, with logs.
        let other = QueueId::long(1_700_000_000, 0xB2_111, 0xDEAD_BEEF);
        for name in [b"B1111DEADBEEF".as_slice(), other.as_bytes()] {
            let file = NewFile::new("deferred", b"another's name".to_vec());
            add(file.named(Name::Literal(name.to_vec())));
            for log in ["defer", "bounce"] {
                instance.spool().put_log(log, name, b"its log");
            }
        }
        let name = |microseconds| Name::Short { microseconds };
        let misplaced = NewFile::new("deferred", b"misplaced".to_vec()).named(name(0xC1_111));
        add(misplaced.at(Place::Below("Z".into())));
        let unfinished = NewFile::new("incoming", b"unfinished".to_vec()).named(name(0xD1_111));
        let unfinished = add(unfinished.mode(0o600)).inode;
        Self {
            instance,
            placed,
            unfinished,
        }
    }

    fn ids(&self) -> String {
        let line = |placed: &Placed| format!("{}\n", placed.id());
        self.placed.iter().map(line).collect()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.instance.queue_directory(), &Labels::of(&self.placed))
    }

    /// Runs until the n-th call of that name, and kills there.
    fn killed_at(&self, call: &str, n: u32, arguments: &[String]) -> Ended {
        killed_at(&self.instance, call, n, arguments, &self.ids())
    }

    /// Fails unless every message that was there is in one place, under a
    /// name that can be used, or may be gone.
    fn check(&self, may_be_gone: MayBeGone, when: &str) {
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
            let may_be_gone = match may_be_gone {
                MayBeGone::None => false,
                MayBeGone::All => true,
                MayBeGone::Unfinished => placed.inode == self.unfinished,
            };
            match by_inode.get(&placed.inode).map_or(0, Vec::len) {
                1 => {}
                0 if may_be_gone => {}
                places => panic!("{when}: {} is in {places} places", placed.id()),
            }
        }
    }

    /// Runs the whole command.
    fn call(&self, given: &[&str]) -> Output {
        let arguments = self.arguments(given);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        ours(&self.instance, &arguments, &self.ids())
    }

    /// The command line, with an option for each message where `EACH` stands.
    fn arguments(&self, given: &[&str]) -> Vec<String> {
        let mut arguments = Vec::new();
        for pair in given.chunks(2) {
            match pair {
                [option, "EACH"] => {
                    let each = self.placed.iter().map(Placed::id);
                    arguments.extend(each.flat_map(|id| [(*option).to_owned(), id]));
                }
                other => arguments.extend(other.iter().map(|&word| word.to_owned())),
            }
        }
        arguments
    }
}

/// Kills at each change in turn, then calls again and compares with a run
/// that was left alone.
fn survives(given: &[&str], may_be_gone: MayBeGone) {
    survives_with(given, may_be_gone, "no");
}

fn survives_with(given: &[&str], may_be_gone: MayBeGone, long_ids: &str) {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let undisturbed = Small::new(long_ids);
    undisturbed.call(given);
    let case = Case {
        given,
        may_be_gone,
        long_ids,
        expected: undisturbed.snapshot(),
    };
    let kills: u32 = CHANGES.iter().map(|call| case.killed_at_each(call)).sum();
    assert!(kills > 0, "{given:?}: nothing was changed");
}

/// What is cut short, and what has to come of it in the end.
struct Case<'a> {
    given: &'a [&'a str],
    may_be_gone: MayBeGone,
    long_ids: &'a str,
    expected: Snapshot,
}

impl Case<'_> {
    /// Kills at each call of that name in turn; returns how many there were.
    fn killed_at_each(&self, call: &str) -> u32 {
        for n in 1..MANY {
            let small = Small::new(self.long_ids);
            let when = format!("{:?} killed at {call} number {n}", self.given);
            let ended = small.killed_at(call, n, &small.arguments(self.given));
            if ended == Ended::Exited(0) {
                return n - 1;
            }
            assert_eq!(ended, Ended::Killed(9), "{when}");
            small.check(self.may_be_gone, &when);
            let again = small.call(self.given);
            assert_eq!(again.ended, Ended::Exited(0), "{when}: {again:?}");
            small.check(self.may_be_gone, &when);
            if let Some(text) = small.snapshot().difference(&self.expected) {
                panic!("{when}, then called again:\n{text}");
            }
        }
        panic!("{:?}: no end of {call}", self.given);
    }
}

/// In each of the forms in which messages can be named.
fn survives_in_every_form(option: &str, may_be_gone: MayBeGone) {
    for argument in ["EACH", "-", "ALL"] {
        survives(&[option, argument], may_be_gone);
    }
}

#[test]
fn deleting_can_be_cut_short() {
    survives_in_every_form("-d", MayBeGone::All);
}

#[test]
fn expiring_can_be_cut_short() {
    survives_in_every_form("-e", MayBeGone::None);
}

#[test]
fn expiring_and_releasing_can_be_cut_short() {
    survives_in_every_form("-f", MayBeGone::None);
}

#[test]
fn holding_can_be_cut_short() {
    survives_in_every_form("-h", MayBeGone::None);
}

#[test]
fn releasing_can_be_cut_short() {
    survives_in_every_form("-H", MayBeGone::None);
}

/// Times count here: what was requeued is as if it had just arrived.
#[test]
fn requeueing_can_be_cut_short() {
    survives_in_every_form("-r", MayBeGone::None);
}

#[test]
fn several_actions_can_be_cut_short() {
    survives(&["-h", "-", "-r", "ALL"], MayBeGone::None);
}

#[test]
fn purging_can_be_cut_short() {
    survives(&["-p"], MayBeGone::Unfinished);
    survives(&["-p", "-s"], MayBeGone::Unfinished);
}

#[test]
fn repair_can_be_cut_short_in_either_pass() {
    survives(&["-s"], MayBeGone::None);
    survives_with(&["-S"], MayBeGone::None, "yes");
}
