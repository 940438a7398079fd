//! A spool whose owner is hostile: links, FIFOs, devices and directories
//! where messages should be. Nothing outside it is touched, nothing blocks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{ours, put};
use crate::support::instance::{Instance, make_directory, set_mode};
use crate::support::run::Ended;
use crate::support::spool::{Name, NewFile};
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

const IDS: [&str; 8] = [
    "A0001AA", "A0002AA", "A0003AA", "A0004AA", "A0005AA", "A0006AA", "A0007AA", "A0008AA",
];

/// Files that the hostile owner may change by their permissions, but that are not
/// in the spool.
fn canary(instance: &Instance) -> PathBuf {
    let outside = instance.root().join("outside");
    make_directory(&outside, 0o777);
    for name in IDS.iter().copied().chain(["a.b", "B0001FF", "X#FIX"]) {
        fs::write(outside.join(name), "canary").expect("a canary");
        set_mode(&outside.join(name), 0o777);
    }
    make_directory(&outside.join("A"), 0o777);
    fs::write(outside.join("A/A0001AA"), "canary").expect("a canary");
    outside
}

/// Fills every queue with things that only look like messages.
fn booby_trapped() -> (Instance, PathBuf) {
    let instance = Instance::builder()
        .set("hash_queue_names", "deferred, defer, incoming")
        .build();
    let outside = canary(&instance);
    let spool = instance.spool();
    for (queue, directory) in [
        ("hold", "hold"),
        ("active", "active"),
        ("deferred", "deferred/A"),
    ] {
        let path = |number: usize| Path::new(directory).join(IDS[number]);
        spool.symlink(&outside.join(IDS[0]), &path(0));
        spool.symlink(&outside, &path(1));
        spool.symlink(Path::new("/dev/zero"), &path(2));
        spool.fifo(&path(3));
        spool.socket(&path(4));
        spool.device(&path(5));
        spool.make_directories(&path(6).join("inner"));
        let literal = Name::Literal(IDS[7].into());
        spool.put(&NewFile::new(queue, b"real".to_vec()).named(literal));
    }
    // Whole directories that lead outside: a hash directory and a stray one.
    spool.symlink(&outside, Path::new("incoming/A"));
    spool.symlink(&outside, Path::new("defer/A"));
    spool.symlink(&outside, Path::new("active/B"));
    (instance, outside)
}

#[test]
fn nothing_outside_the_spool_is_touched_and_nothing_blocks() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let ids: String = IDS.iter().map(|id| format!("{id}\n")).collect();
    for option in ["-d", "-r", "-h", "-H", "-e", "-f"] {
        for argument in ["-", "ALL", IDS[0], IDS[3]] {
            check(&[option, argument], &ids);
        }
    }
    for switch in ["-s", "-S", "-p"] {
        check(&[switch], "");
    }
}

fn check(arguments: &[&str], stdin: &str) {
    let (instance, outside) = booby_trapped();
    let none = Labels::default();
    let before = Snapshot::of(&outside, &none);
    let output = ours(&instance, arguments, stdin);
    assert_ne!(output.ended, Ended::TimedOut, "{arguments:?}");
    if let Some(text) = before.difference(&Snapshot::of(&outside, &none)) {
        panic!("{arguments:?} reached outside:\n{text}\n{output:?}");
    }
    assert!(!output.stderr_text().contains('\x1b'), "{output:?}");
}

#[test]
fn a_log_that_is_a_link_goes_and_what_it_leads_to_stays() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let outside = canary(&instance);
    let message = put(&instance, "hold", 7);
    let log = instance.spool().path("bounce").join(message.id());
    fs::remove_file(&log).expect("unlink");
    let target = outside.join(IDS[0]);
    instance
        .spool()
        .symlink(&target, &Path::new("bounce").join(message.id()));
    let output = ours(&instance, &["-d", &message.id()], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(log.symlink_metadata().is_err());
    assert_eq!(fs::read_to_string(target).expect("a canary"), "canary");
}

#[test]
fn times_and_modes_are_not_set_through_links() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (instance, outside) = booby_trapped();
    let before = Snapshot::of(&outside, &Labels::default());
    ours(&instance, &["-r", "ALL", "-e", "ALL"], "");
    let after = Snapshot::of(&outside, &Labels::default());
    assert_eq!(before, after);
    let mode = fs::metadata(outside.join(IDS[0]))
        .expect("stat")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o777);
}
