//! The command line of the trash: what contradicts itself, what is listed,
//! who may call.

use std::fs;

use super::{exact, fails, in_trash, journal, succeeds};
use crate::postsuper::{call, put};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Program, Tool, User};
use crate::support::{Met, Needs, require};

#[test]
fn options_that_do_not_go_together_are_refused_before_anything_is_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    let before = exact(&instance);
    let alone = "each stand alone";
    for (arguments, words) in [
        (&["--trash"][..], "--trash goes with -d"),
        (&["--trash", "-h", &id], "--trash goes with -d"),
        (&["--trash", "-s"], "--trash goes with -d"),
        (&["--trash", "--undo"], "--trash goes with -d"),
        (&["--trash", "-d", &id, "--undo"], alone),
        (&["--undo", "-d", &id], alone),
        (&["--undo", "-s"], alone),
        (&["--undo", "--trash-list"], alone),
        (&["--trash-list", "--trash-purge", "--older", "3d"], "--older goes with"),
        (&["--older", "3d"], "--older goes with"),
        (&["--older", "3d", "-d", &id], "--older goes with"),
        (&["--undo", "--older", "3d"], "--older goes with"),
        (&["--trash-purge"], "--trash-purge --older 30d"),
        (&["--trash-purge", "--older", "soon"], "give a time such as"),
        (&["--undo", "deferred"], "no queue goes with"),
        (&["--trash-list", "deferred"], "no queue goes with"),
        (&["--undo"], "nothing to undo"),
        (&["--undo=20261124-000000-1"], "nothing to undo"),
    ] {
        fails(&instance, arguments, words);
        assert_eq!(exact(&instance), before, "{arguments:?}");
    }
    assert!(!journal(&instance).exists());
}

#[test]
fn batches_are_listed_with_what_is_left_of_them() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let heading = succeeds(&instance, &["--trash-list"], "").stdout_text();
    assert_eq!(heading.lines().count(), 1, "{heading}");
    let first = [put(&instance, "deferred", 1), put(&instance, "hold", 2)];
    let second = put(&instance, "hold", 3);
    succeeds(&instance, &["--trash", "-d", "-"], &super::lines(&first));
    succeeds(&instance, &["--trash", "-d", &second.id()], "");
    let list = || {
        let text = succeeds(&instance, &["--trash-list"], "").stdout_text();
        let row = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let name = words.next().expect("a batch");
            (name, words.skip(1).collect::<Vec<_>>())
        };
        text.lines().skip(1).map(row).collect::<Vec<_>>()
    };
    let rows = list();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].1, ["root", "2", "18"]);
    assert_eq!(rows[1].1, ["root", "1", "9"]);
    // One by name; the other is the last one then.
    let output = succeeds(&instance, &[&format!("--undo={}", rows[0].0)], "");
    assert!(output.stderr_text().ends_with("Restored: 2 messages\n"));
    fails(&instance, &[&format!("--undo={}", rows[0].0)], "was undone before");
    fails(&instance, &["--undo=../x"], "no batch ../x in the trash");
    assert_eq!(list(), rows[1..]);
    succeeds(&instance, &["--undo"], "");
    assert!(in_trash(&instance).is_empty());
    assert!(list().is_empty());
}

#[test]
fn the_journal_is_the_mail_owners_and_says_who_did_what() {
    if require(Needs::Root) == Met::No {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let etc = instance.etc();
    let etc = etc.to_str().expect("a path");
    let owner = instance.owner();
    let id = placed.id();
    let call = |arguments: &[&str], user| {
        let arguments = [&["-c", etc], arguments].concat();
        let call = call(&instance, &arguments, "").user(user);
        call.run(Program::Ours, &instance)
    };
    // The queue directory has to be his own.
    std::os::unix::fs::chown(instance.queue_directory(), Some(owner.uid), None).expect("chown");
    let mail_owner = User::Id(owner.uid);
    let output = call(&["--trash", "-d", &id], mail_owner);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let output = call(&["--undo"], User::Caller);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let found = journal(&instance).metadata().expect("a journal");
    assert_eq!((found.uid(), found.mode() & 0o7777), (owner.uid, 0o600));
    let text = fs::read_to_string(journal(&instance)).expect("a journal");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let by_owner = format!(" uid={} user={} id={id} queue=deferred ", owner.uid, owner.name);
    assert!(lines[1].contains(&by_owner), "{text}");
    assert!(lines[1].contains(" logs=bounce,defer,trace "), "{text}");
    assert!(lines[2].contains(" undone batch=") && lines[2].contains(" uid=0 user=root "));
    let _ = Tool::Postsuper;
}

#[test]
fn others_may_not_look_into_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for arguments in [&["--trash-list"][..], &["--undo"], &["--trash"]] {
        let call = call(&instance, arguments, "").user(User::Id(65_534));
        let output = call.run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(1));
        let text = output.stderr_text();
        assert!(text.ends_with("reserved for the superuser\n"), "{text}");
    }
}
