//! What is exported arrives: every byte, the logs, the times and modes, in the
//! right queue and under a name that fits the new inode number.

use std::fs;

use super::{
    assert_area_is_tidy, assert_contains, assert_names_are_right, below, builder, counted, export,
    files, import, queued, run,
};
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::sample;
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

fn with_ids(host: &str, long: &str) -> Instance {
    builder(host).set("enable_long_queue_ids", long).build()
}

/// The messages of the sample that are exported while Postfix is down.
const EXPORTED: usize = 5;

#[test]
fn every_byte_arrives_with_logs_times_and_modes() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (from, to) in [("no", "yes"), ("yes", "no"), ("no", "no"), ("yes", "yes")] {
        let (source, target) = (with_ids("a.example", from), with_ids("b.example", to));
        let sample = sample::fill(&source);
        let archive = export(&source, &[]);
        assert_eq!(queued(&source).len(), EXPORTED, "the messages stay");
        let text = import(&target, &[], &archive);
        assert_contains(&text, &["Imported: 5 messages", "on a.example"]);
        assert_eq!(counted(&source), counted(&target));
        assert_names_are_right(&target);
        assert_area_is_tidy(&target);
        let (before, after) = (queued(&source), queued(&target));
        for file in &before {
            let mut arrived = after.iter().filter(|other| other.content == file.content);
            let arrived = arrived.next().expect("a message");
            assert_eq!((arrived.mode, arrived.modified), (file.mode, file.modified));
            let queue = match file.queue.as_str() {
                "active" => "incoming",
                other => other,
            };
            assert_eq!(arrived.queue, queue);
            // Long IDs need both instances to have them.
            let is_long = file.id == sample.partly.id() && to == "yes";
            let has_separator = arrived.id.get(10..).is_some_and(|rest| rest.contains('z'));
            assert_eq!(has_separator, is_long, "{}", arrived.id);
            let log = |instance: &Instance, id: &str| {
                let mut logs = files(instance, "defer").into_iter();
                logs.find(|log| log.id == id).map(|log| log.content)
            };
            assert_eq!(log(&target, &arrived.id), log(&source, &file.id));
        }
    }
}

#[test]
fn a_second_import_brings_nothing_and_an_overlapping_one_the_rest() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    sample::fill(&source);
    let part = export(&source, &["--queue", "hold,deferred"]);
    import(&target, &[], &part);
    let before = queued(&target);
    assert_eq!(before.len(), 3);
    let text = import(&target, &[], &part);
    assert_contains(
        &text,
        &["Already imported, or still here: 3", "Imported: 0"],
    );
    assert_eq!(queued(&target), before);
    // What was delivered meanwhile does not come again.
    fs::remove_file(&before.first().expect("a message").path).expect("unlink");
    let text = import(&target, &[], &export(&source, &[]));
    assert_contains(
        &text,
        &["Already imported, or still here: 3", "Imported: 2"],
    );
    assert_eq!(queued(&target).len(), 4);
    assert_area_is_tidy(&target);
}

#[test]
fn an_archive_of_the_same_instance_doubles_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let source = builder("a.example").build();
    let sample = sample::fill(&source);
    let archive = export(&source, &[]);
    let path = below(&source, &sample.held.path);
    fs::remove_file(path).expect("unlink");
    let text = import(&source, &[], &archive);
    assert_contains(&text, &["still here: 4 messages", "Imported: 1 message\n"]);
    assert_eq!(queued(&source).len(), EXPORTED);
}

#[test]
fn hold_keeps_everything_on_hold() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    sample::fill(&source);
    import(&target, &["--hold"], &export(&source, &[]));
    let queues: Vec<String> = queued(&target).into_iter().map(|f| f.queue).collect();
    assert_eq!(queues, vec!["hold"; EXPORTED]);
}

#[test]
fn moved_messages_are_in_the_trash_and_undo_restores_them_to_hold() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    let sample = sample::fill(&source);
    let before = counted(&source);
    let output = run(
        &source,
        "export",
        &["--trash", "--not", "--queue", "hold"],
        b"",
    );
    assert_eq!(output.ended, Ended::Exited(0), "{}", output.stderr_text());
    let text = output.stderr_text();
    let parts = [
        "Moved: 4 messages",
        "undo, to hold: postsuper -c ",
        "1 message in maildrop",
    ];
    assert_contains(&text, &parts);
    let left: Vec<String> = queued(&source).into_iter().map(|file| file.id).collect();
    assert_eq!(left, [sample.held.id()]);
    import(&target, &[], &output.stdout);
    assert_eq!(queued(&target).len(), 4);
    assert_eq!(files(&target, "deferred").len(), 2, "the queue before hold");
    let undone = run(&source, "postsuper", &["--undo"], b"");
    assert_eq!(undone.ended, Ended::Exited(0), "{}", undone.stderr_text());
    assert_eq!(counted(&source), before);
    assert_eq!(files(&source, "hold").len(), EXPORTED);
    // Brought back and exported again, they are still the same messages.
    let text = import(&target, &[], &export(&source, &["--trash"]));
    assert_contains(
        &text,
        &[
            "Already imported, or still here: 4",
            "Imported: 1 message\n",
        ],
    );
}

#[test]
fn messages_are_in_the_order_of_arrival() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let source = builder("a.example").build();
    for (number, arrival) in [(1, 300), (2, 100), (3, 200), (4, 50)] {
        let content = spoolbox::queue_file::records::writer::QueueFile::new(
            arrival,
            "a@b.example",
            &["c@d.example"],
            &["", "text"],
        );
        let name = Name::Short {
            microseconds: number,
        };
        let queue = ["deferred", "hold"][number as usize % 2];
        source
            .spool()
            .put(&NewFile::new(queue, content.to_bytes()).named(name));
    }
    let archive = export(&source, &[]);
    let arrivals: Vec<i64> = super::archive::descriptions(&archive)
        .iter()
        .map(|message| message["arrival"].as_i64().expect("a number"))
        .collect();
    assert_eq!(arrivals, [50, 100, 200, 300]);
}

/// Messages and logs without a message have the names that inode numbers would
/// demand: nothing is replaced, and other inode numbers are used.
#[test]
fn a_name_that_is_taken_is_avoided() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    let sample = sample::fill(&source);
    let archive = export(&source, &["--id", &sample.held.id()]);
    // The next files of a file system in memory have the next numbers.
    let probe = target.spool().put(&NewFile::new("hold", b"x".to_vec()));
    for number in probe.inode..probe.inode + 200 {
        let id = format!("10001{number:X}");
        target.spool().put_log("defer", id.as_bytes(), b"old");
    }
    let text = import(&target, &[], &archive);
    assert_contains(&text, &["Imported: 1 message\n"]);
    let held: Vec<_> = files(&target, "hold");
    let held: Vec<_> = held.iter().filter(|file| file.content != b"x").collect();
    assert_eq!(held.len(), 1);
    let log = target.layout().directory("defer", held[0].id.as_bytes());
    assert!(!below(&target, log).join(&held[0].id).exists());
    assert_area_is_tidy(&target);
}

/// Also those of releases that are not installed.
#[test]
fn queue_files_of_every_release_are_complete() {
    let mut checked = 0;
    for corpus in ["corpus-3.7", "corpus-3.11"] {
        for queue in ["incoming", "active", "deferred", "hold"] {
            let directory = format!("fixtures/{corpus}/spool/{queue}");
            let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
            for entry in walkdir::WalkDir::new(directory).into_iter().flatten() {
                if !entry.file_type().is_file() {
                    continue;
                }
                let content = fs::read(entry.path()).expect("a queue file");
                let mut buffers = spoolbox::queue_file::records::Buffers::default();
                let found = spoolbox::queue_file::integrity::check(&content[..], &mut buffers);
                assert!(found.is_ok(), "{}: {found:?}", entry.path().display());
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked}");
}
