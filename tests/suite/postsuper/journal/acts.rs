//! Each act and its undo.

use std::fs;

use super::{exact, fails, fill, queue_of, succeeds};
use crate::postsuper::put;
use crate::support::instance::{Instance, set_mode};
use crate::support::spool::set_mtime;
use crate::support::{Met, Needs, require};

/// The acts, each with a word of its report.
const ACTS: [(&[&str], &str); 12] = [
    (&["-h", "ALL"], "Placed on hold: 3 messages"),
    (&["-h", "-"], "Placed on hold: 3 messages"),
    (&["-H", "ALL"], "Released from hold: 2 messages"),
    (&["-H", "-"], "Released from hold: 2 messages"),
    (&["-e", "ALL"], "Force-expired: 5 messages"),
    (&["-e", "-"], "Force-expired: 5 messages"),
    (&["-f", "ALL"], "Released from hold: 2 messages"),
    (&["-f", "-"], "Released from hold: 2 messages"),
    (&["-r", "ALL"], "Requeued: 5 messages"),
    (&["-r", "-"], "Requeued: 5 messages"),
    (&["-d", "ALL"], "Moved to trash: 5 messages"),
    (
        &["-h", "ALL", "-H", "ALL", "-e", "-", "-h", "-"],
        "Placed on hold: ",
    ),
];

#[test]
fn every_act_comes_back_to_the_very_bytes_modes_and_times() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (arguments, words) in ACTS {
        let instance = Instance::builder().build();
        let placed = fill(&instance);
        set_mtime(&instance.spool().path(&placed[0].path), 4_000_000_000);
        let before = exact(&instance);
        let stdin = crate::postsuper::trash::lines(&placed);
        let arguments = [&["--journal"], arguments].concat();
        let output = succeeds(&instance, &arguments, &stdin);
        let text = output.stderr_text();
        assert!(text.contains(words), "{arguments:?}: {text}");
        assert!(
            text.contains("postsuper: undo: postsuper --undo="),
            "{text}"
        );
        assert_ne!(exact(&instance), before, "{arguments:?}");
        // A dry run of the undo changes nothing and lists what would be.
        let changed = exact(&instance);
        let dry = succeeds(&instance, &["--undo", "--dry-run"], "");
        assert_eq!(exact(&instance), changed);
        assert!(dry.stdout_text().contains(" would be "), "{dry:?}");
        succeeds(&instance, &["--undo"], "");
        assert_eq!(exact(&instance), before, "{arguments:?}");
        fails(&instance, &["--undo"], "nothing to undo");
    }
}

#[test]
fn an_undo_takes_back_the_last_call_of_any_kind_and_crosses_none() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = fill(&instance);
    let states = [
        &["--journal", "-h", "ALL"][..],
        &["--trash", "-d", "ALL", "hold"],
        &["--journal", "-h", "ALL"],
    ]
    .map(|arguments| {
        let before = exact(&instance);
        succeeds(&instance, arguments, "");
        before
    });
    // The third call did nothing.
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(text.contains("did nothing; nothing to undo"), "{text}");
    let name = text.split("postsuper --undo=").nth(1).expect("a name");
    let option = format!("--undo={}", name.lines().next().expect("a line"));
    succeeds(&instance, &[&option], "");
    assert_eq!(exact(&instance), states[1]);
    assert_eq!(queue_of(&instance, &placed[0]), "hold");
}

#[test]
fn an_undo_of_some_leaves_the_rest_for_the_next() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = fill(&instance);
    let before = exact(&instance);
    let queues = || {
        placed
            .iter()
            .map(|p| queue_of(&instance, p))
            .collect::<Vec<_>>()
    };
    succeeds(&instance, &["--batch=ticket-4711", "-h", "ALL"], "");
    let (first, second) = (placed[0].id(), placed[2].id());
    succeeds(&instance, &["--undo", &first], "");
    assert_eq!(queues(), ["deferred", "hold", "hold", "hold", "hold"]);
    let output = succeeds(
        &instance,
        &["--undo=ticket-4711", "-"],
        &format!("{second}\nABCDE12345\n"),
    );
    let text = output.stderr_text();
    assert!(text.contains("queue IDs: not in the batch: 1"), "{text}");
    assert_eq!(queues(), ["deferred", "hold", "incoming", "hold", "hold"]);
    // The files contain no sender, so that they match no selection.
    succeeds(&instance, &["--undo", "--from", "x@y.example"], "");
    assert_eq!(queues(), ["deferred", "hold", "incoming", "hold", "hold"]);
    succeeds(&instance, &["--undo"], "");
    assert_eq!(exact(&instance), before);
    fails(&instance, &["--undo=ticket-4711"], "was undone before");
    // Its name is free again.
    succeeds(&instance, &["--batch=ticket-4711", "-h", &first], "");
    let words = "there is a batch of that name";
    fails(&instance, &["--batch=ticket-4711", "-h", &second], words);
}

#[test]
fn what_has_changed_since_is_left_alone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let active = put(&instance, "active", 0x51_111);
    let released = put(&instance, "deferred", 0x61_111);
    let gone = put(&instance, "deferred", 0x71_111);
    let spool = instance.spool();
    succeeds(&instance, &["--journal", "-h", "ALL"], "");
    let path = |queue: &str, id: &str| spool.path(format!("{queue}/{id}"));
    fs::rename(path("hold", &released.id()), path("active", &released.id())).expect("a move");
    fs::remove_file(path("hold", &gone.id())).expect("a removal");
    let left = exact(&instance);
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    for words in [
        format!(
            "{}: was in active and cannot safely return there",
            active.id()
        ),
        format!("{}: is in active now, and stays there", released.id()),
        format!("{}: is no longer in a queue", gone.id()),
    ] {
        assert!(text.contains(&words), "{text}");
    }
    assert_eq!(exact(&instance), left);
}

/// Whether a message whose place is taken stays where it is.
#[test]
fn nothing_is_replaced_by_an_undo() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 0x51_111);
    succeeds(&instance, &["--journal", "-h", &placed.id()], "");
    let taken = instance.spool().path(&placed.path);
    fs::write(&taken, "another message").expect("a file");
    set_mode(&taken, 0o700);
    let before = exact(&instance);
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(text.contains("cannot be moved to deferred/"), "{text}");
    assert_eq!(exact(&instance), before);
    fs::remove_file(&taken).expect("a removal");
    succeeds(&instance, &["--undo"], "");
    assert_eq!(queue_of(&instance, &placed), "deferred");
}
