//! Archives that no export wrote: each is refused with a reason, and leaves the
//! queues as they were.

use serde_json::{Value, json};
use tar::EntryType;

use super::archive::{TarEntry, archive, entries};
use super::{assert_area_is_tidy, builder, export, queued, run};
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::sample;
use crate::support::{Extent, Met, Needs, require};

/// An archive of one message with a log: its entries are the header, the queue
/// file, the log, the description and the end.
fn small() -> Vec<TarEntry> {
    let source = builder("a.example").build();
    let sample = sample::fill(&source);
    let entries = entries(&export(&source, &["--id", &sample.deferred.id()]));
    assert_eq!(entries.len(), 5);
    entries
}

/// Whether an archive is refused for a reason with these words, and nothing was
/// done.
fn assert_refused(target: &Instance, archive: &[u8], why: &str) {
    let before = queued(target);
    let output = run(target, "import", &[], archive);
    let text = output.stderr_text();
    assert_eq!(output.ended, Ended::Exited(1), "{why}: {text}");
    assert!(text.contains(why), "no {why:?} in: {text}");
    assert!(!text.contains("panicked"), "{text}");
    let control = text.bytes().find(|b| b.is_ascii_control() && *b != b'\n');
    assert_eq!(control, None, "{text}");
    assert_eq!(queued(target), before, "{why}");
    assert_area_is_tidy(target);
}

fn changed(change: impl FnOnce(&mut Vec<TarEntry>)) -> Vec<u8> {
    let mut entries = small();
    change(&mut entries);
    archive(&entries)
}

/// An archive with another description.
fn described(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    changed(|entries| {
        let mut value: Value = serde_json::from_slice(&entries[3].content).expect("JSON");
        change(&mut value);
        entries[3].content = value.to_string().into_bytes();
    })
}

#[test]
fn what_no_export_writes_is_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let target = builder("b.example").build();
    sample::fill(&target);
    let unexpected = "unexpected entry";
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "messages/1-../queue-file",
        "messages/2-3A78999CD00/queue-file",
        "messages/1-3A78999CD00/../../x",
        "messages/1-3A78999CD00/defer",
        "\u{1b}[2Jqueue-file",
        "",
    ] {
        let text = changed(|entries| entries[1].name = name.into());
        assert_refused(&target, &text, unexpected);
    }
    for kind in [
        EntryType::Link,
        EntryType::Symlink,
        EntryType::Char,
        EntryType::Block,
        EntryType::Directory,
        EntryType::Fifo,
        EntryType::GNULongName,
        EntryType::GNUSparse,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
    ] {
        let text = changed(|entries| entries[1].kind = kind);
        assert_refused(&target, &text, "not a regular file");
        let text = changed(|entries| entries[4].kind = kind);
        assert_refused(&target, &text, "not a regular file");
    }
    let twice = |at: usize| changed(|entries| entries.insert(at, entries[at].clone()));
    assert_refused(&target, &twice(0), unexpected);
    assert_refused(&target, &twice(1), unexpected);
    assert_refused(&target, &twice(2), unexpected);
    assert_refused(&target, &twice(3), unexpected);
    assert_refused(&target, &twice(4), unexpected);
    let missing = |at: usize| changed(|entries| drop(entries.remove(at)));
    assert_refused(&target, &missing(0), "not an archive of spoolbox export");
    assert_refused(&target, &missing(1), unexpected);
    assert_refused(&target, &missing(2), "not as message.json describes");
    assert_refused(&target, &missing(3), unexpected);
    assert_refused(&target, &missing(4), "incomplete");
    let after = changed(|entries| entries.push(TarEntry::file("more", "")));
    assert_refused(&target, &after, unexpected);
}

#[test]
fn descriptions_that_disagree_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let target = builder("b.example").build();
    for (member, value, why) in [
        ("id", json!("../../x"), "queue ID"),
        ("id", json!("ABCDEF1"), "another queue ID"),
        ("queue", json!("saved"), "its queue"),
        ("queue", json!("../etc"), "its queue"),
        ("queue", json!("maildrop"), "its queue"),
        ("mode", json!("0600"), "its mode"),
        ("mode", json!("\u{1b}[2J"), "its mode"),
        ("arrival", json!(1), "arrival time"),
        ("arrival", json!("x"), "message.json"),
        ("inode", json!(-1), "message.json"),
        (
            "modified",
            json!({"seconds": 1, "nanoseconds": 1_000_000_000}),
            "times",
        ),
        ("files", json!([]), "not as message.json describes"),
        ("state", json!("\u{1b}[2J"), "message.json"),
    ] {
        let text = described(|description| description[member] = value);
        assert_refused(&target, &text, why);
    }
    let text = described(|description| description["files"][0]["size"] = json!(1));
    assert_refused(&target, &text, "not as message.json describes");
    let huge = changed(|entries| entries[3].content = vec![b' '; 100_000]);
    assert_refused(&target, &huge, "unexpected entry");
    let deep = changed(|entries| entries[3].content = vec![b'['; 60_000]);
    assert_refused(&target, &deep, "message.json");
    let damaged = changed(|entries| entries[1].content[20] ^= 1);
    assert_refused(&target, &damaged, "not as message.json describes");
    let end = |text: &str| changed(|entries| entries[4].content = text.into());
    assert_refused(&target, &end("{\"messages\": 2}"), "counts 2 messages");
    assert_refused(&target, &end("{}"), "end.json");
    let header = |text: &str| changed(|entries| entries[0].content = text.into());
    assert_refused(&target, &header("{}"), "spoolbox-queue.json");
    let version = String::from_utf8(small()[0].content.clone()).expect("text");
    let version = version.replace("\"version\": 1", "\"version\": 2");
    assert_refused(&target, &header(&version), "version 2");
}

/// Files that qmgr(8) could not use, with descriptions that fit them.
#[test]
fn files_that_are_no_queue_files_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let target = builder("b.example").build();
    let original = small()[1].content.clone();
    let cut = original[..original.len() - 2].to_vec();
    for content in [b"".to_vec(), b"#!/bin/sh\n".to_vec(), vec![0; 4096], cut] {
        let text = changed(|entries| {
            let mut value: Value = serde_json::from_slice(&entries[3].content).expect("JSON");
            let sum = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
                (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            });
            value["files"][0]["size"] = json!(content.len());
            value["files"][0]["fnv1a64"] = json!(format!("{sum:016x}"));
            entries[3].content = value.to_string().into_bytes();
            entries[1].content = content;
        });
        assert_refused(&target, &text, "queue file");
    }
}

#[test]
fn an_archive_that_is_cut_or_lies_about_sizes_is_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let target = builder("b.example").build();
    let whole = archive(&small());
    // The two last blocks are zeros, which nothing needs.
    let cuts = (0..whole.len() - 1024).step_by(256);
    for length in Extent::from_environment().some_of(cuts, 12) {
        let why = if length < 512 { "not an archive" } else { "" };
        assert_refused(&target, &whole[..length], why);
    }
    for size in [0, 1, 1 << 20, 1 << 40, u64::MAX >> 1] {
        let text = changed(|entries| entries[1].claims = Some(size));
        assert_refused(&target, &text, "");
    }
    for bytes in [&b"x"[..], &[0x1f, 0x8b, 8, 0], &[b'a'; 5000], &[0; 5000]] {
        assert_refused(&target, bytes, "not an archive of spoolbox export");
    }
}
