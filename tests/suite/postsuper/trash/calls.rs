//! The command line of the trash: contradictions, lists, and who may call it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use super::{exact, fails, in_trash, journal, succeeds};
use crate::postsuper::put;
use crate::support::instance::Instance;
use crate::support::run::install_ours;
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
        (&["--trash"][..], "--trash requires -d"),
        (&["--trash", "-h", &id], "--trash requires -d"),
        (&["--trash", "-s"], "--trash requires -d"),
        (&["--trash", "--undo"], "--trash requires -d"),
        (&["--trash", "-d", &id, "--undo"], alone),
        (&["--undo", "-d", &id], alone),
        (&["--undo", "-s"], alone),
        (&["--undo", "--trash-list"], alone),
        (
            &["--trash-list", "--trash-purge", "--older", "3d"],
            "--older requires",
        ),
        // Without a purge it is a selection's.
        (&["--older", "3d"], "needs the word MATCH"),
        (&["--older", "3d", "-d", &id], "needs the word MATCH"),
        (&["--undo", "--older", "3d"], "nothing to undo"),
        (&["--trash-purge"], "--trash-purge --older 30d"),
        (&["--trash-purge", "--older", "soon"], "give a time such as"),
        (&["--undo", "deferred"], "write --undo=deferred"),
        (&["--undo=x", "deferred"], "take no queue"),
        (&["--trash-list", "deferred"], "take no queue"),
        // A script's variable that is not set is not the last batch.
        (&["--undo="], "option '--undo' has an empty value"),
        (&["--undo=a", "--undo=b"], "--undo is given twice"),
        (&["--undo=a", "--undo"], "--undo is given twice"),
        (
            &["--trash-purge", "--older", "30d", "--older", "0s"],
            "--older is given twice",
        ),
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
    assert_eq!(rows[0].1, ["root", "2", "18", "delete"]);
    assert_eq!(rows[1].1, ["root", "1", "9", "delete"]);
    // One by name; the other is the last one then.
    let output = succeeds(&instance, &[&format!("--undo={}", rows[0].0)], "");
    assert!(output.stderr_text().ends_with("Restored: 2 messages\n"));
    fails(
        &instance,
        &[&format!("--undo={}", rows[0].0)],
        "was undone before",
    );
    fails(&instance, &["--undo=../x"], "no batch ../x in the journal");
    assert_eq!(list(), rows[1..]);
    succeeds(&instance, &["--undo"], "");
    assert!(in_trash(&instance).is_empty());
    assert!(list().is_empty());
}

#[test]
fn the_list_as_json_has_what_the_table_has() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    assert_eq!(
        succeeds(&instance, &["--trash-list", "--results=json"], "").stdout,
        b""
    );
    let placed = [put(&instance, "deferred", 1), put(&instance, "hold", 2)];
    let words = ["--comment=\u{e4}\"", "--trash", "-d", "-"];
    succeeds(&instance, &words, &super::lines(&placed));
    let table = succeeds(&instance, &["--trash-list"], "").stdout_text();
    let name = table.lines().nth(1).and_then(|row| row.split(' ').next());
    let json = succeeds(&instance, &["--trash-list", "--results=json"], "").stdout_text();
    assert!(json.ends_with("}\n") && json.lines().count() == 1, "{json}");
    let batch: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(batch["batch"].as_str(), name);
    assert_eq!(batch["user"], "root");
    assert_eq!(batch["messages"], 2);
    assert_eq!(batch["bytes"], 18);
    let time = batch["time"].as_str().expect("a time");
    assert!(time.ends_with('Z') && time.len() == 20, "{time}");
    assert_eq!(batch["comment"], "\u{e4}\"");
}

#[test]
fn the_journal_is_the_mail_owners_and_says_who_did_what() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let owner = instance.owner();
    let id = placed.id();
    // The queue directory has to belong to the mail owner.
    std::os::unix::fs::chown(instance.queue_directory(), Some(owner.uid), None).expect("chown");
    let output = as_user(&instance, owner.uid, owner.gid, &["--trash", "-d", &id]);
    assert!(output.contains("Moved to trash: 1 message"), "{output}");
    succeeds(&instance, &["--undo"], "");
    let found = journal(&instance).metadata().expect("a journal");
    assert_eq!((found.uid(), found.mode() & 0o7777), (owner.uid, 0o600));
    let text = fs::read_to_string(journal(&instance)).expect("a journal");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[1].contains(" begin batch="), "{text}");
    let by_owner = format!(
        " uid={} user={} id={id} queue=deferred ",
        owner.uid, owner.name
    );
    assert!(lines[2].contains(&by_owner), "{text}");
    assert!(lines[2].contains(" logs=bounce,defer,trace "), "{text}");
    assert!(lines[3].contains(" undone batch=") && lines[3].contains(" uid=0 user=root "));
}

#[test]
fn others_may_not_look_into_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for arguments in [&["--trash-list"][..], &["--undo"], &["--trash"]] {
        let text = as_user(&instance, 65_534, 65_534, arguments);
        assert!(text.ends_with("reserved for the superuser\n"), "{text}");
    }
}

#[test]
fn every_option_of_the_trash_is_explained_with_an_example() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/postsuper.8");
    let page = fs::read_to_string(page).expect("a man page");
    for option in ["trash", "undo", "trash-list", "trash-purge", "journal"] {
        let head = format!("\\-\\-{}", option.replace('-', "\\-"));
        let is_it = |entry: &&str| {
            let words = entry.lines().next().unwrap_or_default().split([' ', '"']);
            words.into_iter().any(|word| word == head)
        };
        let entry = page.split(".TP\n").find(is_it);
        let entry = entry.unwrap_or_else(|| panic!("--{option} is not explained"));
        let example = entry.split(".EX").nth(1).unwrap_or_default();
        assert!(example.contains(&head), "{entry}");
    }
}

/// What another caller that names the instance gets.
fn as_user(instance: &Instance, uid: u32, gid: u32, arguments: &[&str]) -> String {
    // The build directory may be closed to others.
    let program = instance.root().join("postsuper");
    if !program.exists() {
        install_ours(&program);
    }
    let output = Command::new("setpriv")
        .args([format!("--reuid={uid}"), format!("--regid={gid}")])
        .args(["--clear-groups", "--"])
        .arg(program)
        .arg("-c")
        .arg(instance.etc())
        .args(arguments)
        .output()
        .expect("setpriv starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
