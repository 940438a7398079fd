//! What `--undo` takes back: the last call with `--trash`, never one before it
//! because the last one moved nothing.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use super::{exact, fails, in_trash, stderr_but_batches, succeeds, undo_all};
use crate::postsuper::put;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::Output;
use crate::support::trash::batches;
use crate::support::{Met, Needs, require};

/// A call that matches nothing.
const NOTHING: [&str; 5] = ["--trash", "-d", "MATCH", "--from", "nobody@nowhere.example"];

/// What the call says how it is undone.
fn hint(output: &Output) -> Option<String> {
    let text = output.stderr_text();
    let last = text.lines().last()?;
    last.strip_prefix("postsuper: undo: ").map(str::to_owned)
}

#[test]
fn a_call_that_matched_nothing_is_not_crossed() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let before = exact(&instance);
    let hint = hint(&succeeds(&instance, &["--trash", "-d", &placed.id()], ""));
    let hint = hint.expect("how to undo");
    let moved = exact(&instance);
    succeeds(&instance, &NOTHING, "");
    for _ in 0..2 {
        let output = succeeds(&instance, &["--undo"], "");
        let text = output.stderr_text();
        assert!(
            text.starts_with("postsuper: the last call, batch "),
            "{text}"
        );
        let words = format!("did nothing; nothing to undo; to undo the batch before it: {hint}\n");
        assert!(text.contains(&words), "{text}");
        assert!(
            text.ends_with("postsuper: Restored: 0 messages\n"),
            "{text}"
        );
        assert_eq!(exact(&instance), moved);
    }
    let option = hint.strip_prefix("postsuper ").expect("a command");
    let output = succeeds(&instance, &[option], "");
    assert!(stderr_but_batches(&output).ends_with("Restored: 1 message\n"));
    assert_eq!(exact(&instance), before);
}

/// Between two calls that moved something, too, and a call that was refused
/// everything is one that moved nothing.
#[test]
fn a_call_that_moved_nothing_stays_in_the_way_of_those_before_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [1, 2, 3].map(|number| put(&instance, "hold", number));
    succeeds(&instance, &["--trash", "-d", &placed[0].id()], "");
    let taken = instance.spool().path("saved").join(placed[1].id());
    fs::write(&taken, "somebody's").expect("a file");
    let output = succeeds(&instance, &["--trash", "-d", &placed[1].id()], "");
    assert_eq!(hint(&output), None, "{output:?}");
    fs::remove_file(&taken).expect("unlink");
    succeeds(&instance, &NOTHING, "");
    succeeds(&instance, &["--trash", "-d", &placed[2].id()], "");
    assert_eq!(batches(&instance).len(), 2);
    let output = succeeds(&instance, &["--undo"], "");
    assert!(output.stderr_text().ends_with("Restored: 1 message\n"));
    assert!(instance.spool().path(&placed[2].path).exists());
    let output = succeeds(&instance, &["--undo"], "");
    assert!(
        output.stderr_text().contains("nothing to undo"),
        "{output:?}"
    );
    assert_eq!(in_trash(&instance).len(), 4);
    undo_all(&instance);
    assert!(in_trash(&instance).is_empty());
}

#[test]
fn undo_names_what_it_undoes() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "hold", 1);
    let etc = instance.etc().display().to_string();
    let arguments = [
        "-c",
        &etc,
        "--trash",
        "--comment",
        "ticket 4711",
        "-d",
        &placed.id(),
    ];
    let hint = hint(&succeeds(&instance, &arguments, "")).expect("how to undo");
    let batch = batches(&instance).pop().expect("a batch");
    assert_eq!(hint, format!("postsuper -c {etc} --undo={batch}"));
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    let first = text.lines().next().expect("a line");
    let words = format!("postsuper: undoing batch {batch} of ");
    assert!(first.starts_with(&words), "{first}");
    assert!(first.ends_with(" by root (ticket 4711)"), "{first}");
}

/// One before it is still there, because it was changed since.
#[test]
fn a_purged_call_is_not_crossed() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [put(&instance, "hold", 1), put(&instance, "hold", 2)];
    for placed in &placed {
        succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    }
    let [last, first] = batches(&instance).try_into().expect("two batches");
    sleep(Duration::from_millis(2100));
    set_mode(&instance.spool().path("saved").join(placed[0].id()), 0o600);
    succeeds(&instance, &["--trash-purge", "--older", "1s"], "");
    assert_eq!(batches(&instance), std::slice::from_ref(&first));
    let words = format!("batch {last} of the last call was purged");
    fails(&instance, &["--undo"], &words);
    succeeds(&instance, &[&format!("--undo={first}")], "");
    fails(
        &instance,
        &["--undo"],
        "nothing to undo: the journal is empty",
    );
    assert!(in_trash(&instance).is_empty());
}
