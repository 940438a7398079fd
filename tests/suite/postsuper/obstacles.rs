//! Missing, unreadable and read-only directories, files of other owners, a full disk:
//! messages and results are those of Postfix.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{call, messages, ours, put};
use crate::support::compare::{Cases, difference};
use crate::support::effect;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Ended, Program};
use crate::support::spool::Placed;
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require, under_test};

/// A way to spoil a spool that holds two messages: one in hold, one deferred.
type Spoil = fn(&Instance, &[Placed; 2]);

const OBSTACLES: [(&str, Spoil); 16] = [
    ("hold read-only", |i, _| set_mode(&path(i, "hold"), 0o500)),
    ("hold closed", |i, _| set_mode(&path(i, "hold"), 0)),
    ("hold without search", |i, _| {
        set_mode(&path(i, "hold"), 0o600)
    }),
    ("hold unreadable", |i, _| set_mode(&path(i, "hold"), 0o300)),
    ("deferred read-only", |i, _| {
        set_mode(&path(i, "deferred"), 0o500)
    }),
    ("deferred closed", |i, _| set_mode(&path(i, "deferred"), 0)),
    ("defer closed", |i, _| set_mode(&path(i, "defer"), 0)),
    ("maildrop closed", |i, _| set_mode(&path(i, "maildrop"), 0)),
    ("no active", |i, _| {
        fs::remove_dir(path(i, "active")).expect("rmdir")
    }),
    ("no hold", |i, _| {
        fs::remove_dir_all(path(i, "hold")).expect("rmdir")
    }),
    ("hold is a file", |i, _| {
        fs::remove_dir_all(path(i, "hold")).expect("rmdir");
        fs::write(path(i, "hold"), "").expect("a file");
    }),
    ("a one-letter file", |i, _| {
        fs::write(path(i, "active/A"), "").expect("a file")
    }),
    ("a foreign file", |i, both| {
        chown(path(i, &both[0].path), Some(0), Some(0)).expect("chown");
    }),
    ("a foreign file open to all", |i, both| {
        chown(path(i, &both[0].path), Some(0), Some(0)).expect("chown");
        set_mode(&path(i, &both[0].path), 0o707);
    }),
    ("a second name", |i, both| {
        fs::hard_link(path(i, &both[0].path), path(i, "corrupt/other")).expect("link");
    }),
    ("directories for logs", |i, both| {
        let log = path(i, Path::new("trace").join(both[0].id()));
        fs::remove_file(&log).expect("unlink");
        fs::create_dir(log).expect("mkdir");
    }),
];

fn path(instance: &Instance, relative: impl AsRef<Path>) -> std::path::PathBuf {
    instance.spool().path(relative)
}

/// What is done there, with `ID` for the message in hold and `ID2` for the
/// deferred one.
const CALLS: [&[&str]; 12] = [
    &["-d", "ID"],
    &["-d", "ID2", "-d", "ID"],
    &["-d", "ALL"],
    &["-h", "ID2"],
    &["-h", "ALL"],
    &["-H", "ID"],
    &["-H", "ALL"],
    &["-r", "ID"],
    &["-r", "ALL"],
    &["-f", "ID", "-e", "ID2"],
    &["-f", "ALL"],
    &["-s"],
];

struct Left {
    ended: Ended,
    stderr: String,
    tree: Snapshot,
}

fn run(program: Program, issue: Spoil, arguments: &[&str]) -> Left {
    let instance = Instance::builder().build();
    let both = [
        put(&instance, "hold", 0x11_111),
        put(&instance, "deferred", 0x22_222),
    ];
    issue(&instance, &both);
    let (one, two) = (both[0].id(), both[1].id());
    let arguments: Vec<_> = arguments
        .iter()
        .map(|argument| match *argument {
            "ID" => one.as_str(),
            "ID2" => two.as_str(),
            other => other,
        })
        .collect();
    let output = call(&instance, &arguments, "").run(program, &instance);
    let labels = Labels::of(&both);
    Left {
        ended: output.ended,
        stderr: labels.canonical_text(&output.stderr_text()),
        tree: Snapshot::of(&instance.queue_directory(), &labels),
    }
}

#[test]
fn obstacles_are_met_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let cases = u64::try_from(OBSTACLES.len() * CALLS.len()).expect("some");
    let test = "postsuper::obstacles::obstacles_are_met_alike";
    Cases::from_environment(cases).run(test, |_, case| {
        let case = usize::try_from(case).expect("an index");
        let (name, issue) = OBSTACLES[case / CALLS.len()];
        let arguments = CALLS[case % CALLS.len()];
        let theirs = run(Program::Theirs, issue, arguments);
        let ours = run(under_test(), issue, arguments);
        let mut text = ours.tree.difference(&theirs.tree).unwrap_or_default();
        if (ours.ended, &ours.stderr) != (theirs.ended, &theirs.stderr) {
            text.push_str(&format!(
                "  ours {:?}:\n{}  theirs {:?}:\n{}",
                ours.ended, ours.stderr, theirs.ended, theirs.stderr
            ));
        }
        match text.is_empty() {
            true => Ok(()),
            false => Err(format!("  {name}: {arguments:?}\n{text}")),
        }
    });
}

#[test]
fn lines_that_are_no_ids_are_answered_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let long = "x".repeat(5_000);
    for line in [
        "",
        "A B",
        "A\r",
        "a\0b",
        "\0",
        "\x07\x1b[1m",
        "caf\u{e9}",
        "-",
        "ALL",
        &long,
    ] {
        for option in ["-d", "-h", "-H", "-r", "-e", "-f"] {
            let stdin = format!("{line}\n{line}");
            let call = call(&instance, &[option, "-"], &stdin);
            let (mut ours, theirs) = (
                call.run(under_test(), &instance),
                call.run(Program::Theirs, &instance),
            );
            let warnings = effect::without_nul_warnings(&mut ours);
            assert_eq!(warnings, usize::from(line == "a\0b"), "{option} {line:?}");
            if let Some(text) = difference(&ours, &theirs) {
                panic!("{option} {line:?}\n{text}");
            }
        }
    }
}

/// A small file system of its own, unmounted when dropped.
pub struct Mount(PathBuf);

impl Mount {
    pub fn new(at: &Path, options: &str) -> Option<Self> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "none"]).arg(at);
        let mounted = command.status().is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_nothing_is_lost() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let root = instance.queue_directory();
    let Some(_mount) = Mount::new(&root, "size=256k,nr_inodes=24") else {
        eprintln!("left out: a tmpfs cannot be mounted");
        return;
    };
    let owner = instance.owner();
    for queue in [
        "maildrop", "incoming", "active", "deferred", "hold", "defer", "bounce", "flush",
    ] {
        fs::create_dir(root.join(queue)).expect("mkdir");
        set_mode(&root.join(queue), 0o700);
        chown(root.join(queue), Some(owner.uid), Some(owner.gid)).expect("chown");
    }
    let mut inodes = Vec::new();
    for number in 0.. {
        let path = root.join(format!("hold/{number:X}1111FFF{number}"));
        if fs::write(&path, "").is_err() {
            break;
        }
        set_mode(&path, 0o700);
        chown(&path, Some(owner.uid), Some(owner.gid)).expect("chown");
        inodes.push(path.metadata().expect("stat").ino());
    }
    assert!(inodes.len() > 3);
    // There is no room for a hash directory.
    let output = ours(&instance, &["-H", "ALL"], "");
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    assert!(
        output.stderr_text().contains("No space left on device"),
        "{output:?}"
    );
    let output = ours(&instance, &["-s"], "");
    assert_ne!(output.ended, Ended::TimedOut);
    let mut left: Vec<u64> = messages(&instance)
        .iter()
        .map(|path| root.join(path).metadata().expect("stat").ino())
        .collect();
    left.sort_unstable();
    inodes.sort_unstable();
    assert_eq!(left, inodes);
    // Deleting makes room again.
    let output = ours(&instance, &["-d", "ALL"], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
}
