//! The lists of batches and of their messages, and the command line.

use std::fs;

use spoolbox::queue_file::records::writer::QueueFile;

use super::{exact, fails, fill, succeeds};
use crate::postsuper::put;
use crate::support::instance::Instance;
use crate::support::spool::{Name, NewFile};
use crate::support::trash::{HEADER, journal_line};
use crate::support::{Met, Needs, require};

#[test]
fn batches_and_their_messages_are_listed_as_text_and_json() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = fill(&instance);
    let held = placed[3].id();
    succeeds(&instance, &["--batch=a-1", "-f", &held], "");
    succeeds(
        &instance,
        &["--batch=b.2", "--comment=why", "-d", &placed[0].id()],
        "",
    );
    let list = succeeds(&instance, &["--journal-list"], "").stdout_text();
    let rows: Vec<Vec<&str>> = list
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0][..1], ["a-1"]);
    assert_eq!(rows[0][2..], ["root", "1", "9", "release,expire"]);
    assert_eq!(rows[1][2..], ["root", "1", "9", "delete", "why"]);
    let alias = succeeds(&instance, &["--trash-list"], "").stdout_text();
    assert_eq!(alias, list);
    let json = succeeds(&instance, &["--journal-list", "--results=json"], "").stdout_text();
    let batch: serde_json::Value =
        serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(batch["batch"], "a-1");
    assert_eq!(batch["acts"][1], "expire");
    let show = succeeds(&instance, &["--journal-show=a-1"], "").stdout_text();
    let rows: Vec<String> = show
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            format!("{held} release hold deferred 9 would be restored to hold"),
            format!("{held} expire hold deferred 9 would be no longer expired"),
        ]
    );
    let json = succeeds(&instance, &["--journal-show=b.2", "--results=json"], "").stdout_text();
    let act: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(act["act"], "delete");
    assert_eq!(act["queue"], "trash");
    assert_eq!(act["queue_before"], "deferred");
}

#[test]
fn a_limited_call_lists_what_it_did_and_nothing_else() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (limit, how) in [
        ("2", &["-h", "ALL"][..]),
        ("1", &["-d", "ALL"]),
        ("3", &["-e", "MATCH", "--size", "+0"]),
    ] {
        let instance = Instance::builder().build();
        for microseconds in 0..6 {
            let file = QueueFile::new(
                1_700_000_000,
                "ann@example.com",
                &["r@x"],
                &["Subject: s", "", "x"],
            );
            let name = Name::Short { microseconds };
            let file = NewFile::new("deferred", file.to_bytes()).named(name);
            instance.spool().put(&file);
        }
        let options = ["--batch=part", "--limit", limit];
        succeeds(&instance, &[&options[..], how].concat(), "");
        let show = succeeds(&instance, &["--journal-show=part"], "").stdout_text();
        let listed = show.lines().count() - 1;
        assert_eq!(listed.to_string(), limit, "{how:?}: {show}");
        let list = succeeds(&instance, &["--journal-list", "--results=json"], "").stdout_text();
        assert!(list.contains(&format!("\"messages\": {limit},")), "{list}");
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    let before = exact(&instance);
    let postpone = format!("--postpone={id}");
    for (arguments, words) in [
        (&["--journal"][..], "--journal requires an action"),
        (&["--batch=x", "-s"], "--batch requires an action"),
        (&["--batch=a b", "-h", &id], "give a name of letters"),
        (
            &["--batch=a", "--batch=b", "-h", &id],
            "--batch is given twice",
        ),
        (&["--journal", "--undo"], "--journal requires an action"),
        (&["--undo", "--journal-list"], "each stand alone"),
        (&["--journal-show=x", "--trash-list"], "each stand alone"),
        (&["--journal-show=x"], "nothing to undo"),
        (&["--undo", "--from", "x@y.example", &id], "not both"),
        (&["--undo", &id, "deferred"], "take no queue"),
        (&[&postpone], "--postpone needs a time"),
        (&["--until", "2h", "-h", &id], "--until is for --postpone"),
        (
            &[&postpone, "--until", "2001-01-01"],
            "that time has passed",
        ),
        (&[&postpone, "--until", "soon"], "give a time from now"),
        (
            &[&postpone, "--until", "2h", "hold"],
            "--postpone is for deferred",
        ),
        (&["-H", &id, "--spread", "30m"], "--spread plans before"),
        (&["-h", "ALL", "--spread", "30m"], "--spread plans before"),
        (&["-H", "ALL", "--spread", "0s"], "give a duration"),
        (
            &["-H", "ALL", "--spread", "30m", "--rate", "1/s"],
            "leave out --rate",
        ),
    ] {
        fails(&instance, arguments, words);
        assert_eq!(exact(&instance), before, "{arguments:?}");
    }
}

/// A journal of the first spoolbox, which recorded deletions only, goes on.
#[test]
fn a_journal_of_the_first_version_is_read_and_continued() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let deleted = put(&instance, "deferred", 0x51_111);
    let other = put(&instance, "deferred", 0x61_111);
    let before = exact(&instance);
    let spool = instance.spool();
    let id = deleted.id();
    let saved = spool.path(format!("saved/{id}"));
    fs::rename(spool.path(&deleted.path), saved).expect("a move");
    let line = format!(
        "2026-11-01T00:00:00Z trash batch=20261101-000000-1 uid=0 user=root id={id} \
         queue=deferred mode=0700 size=9 mtime=1700000000.000000000 \
         atime=1700000000.000000000 inode={} logs=none",
        deleted.inode
    );
    let journal = spool.path("saved/journal.spoolbox");
    fs::write(&journal, HEADER.to_owned() + &journal_line(&line)).expect("a journal");
    let owner = instance.owner();
    std::os::unix::fs::chown(&journal, Some(owner.uid), Some(owner.gid)).expect("chown");
    succeeds(&instance, &["--journal", "-h", &other.id()], "");
    succeeds(&instance, &["--undo"], "");
    succeeds(&instance, &["--undo"], "");
    assert_eq!(exact(&instance), before);
}
