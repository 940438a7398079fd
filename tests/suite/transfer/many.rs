//! Very many messages and entries: memory is bounded, and time grows with the
//! number only.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use tar::{EntryType, Header};

use super::archive::entries;
use super::{AREA, below, builder, command, export};
use crate::support::instance::Instance;
use crate::support::run::{Ended, collect, peak_so_far};
use crate::support::sample;
use crate::support::spool::{Name, NewFile};
use crate::support::{Extent, Met, Needs, require, tell};

/// KiB that any command may use.
const MEMORY_MAX: u64 = 64 * 1024;

/// The largest resident set of a command, in KiB, and how it ended.
fn watched(mut command: Command) -> (u64, Ended) {
    command.stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut peak = 0;
    loop {
        peak = peak.max(peak_so_far(&child).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child") {
            let ended = Ended::from(status);
            collect(child, b"", super::PATIENCE);
            return (peak, ended);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Messages in deferred, each a hard link to nothing.
fn fill(instance: &Instance, count: u32) {
    let file = spoolbox::queue_file::records::writer::QueueFile::new(
        sample::ARRIVAL,
        "a@b.example",
        &["c@d.example"],
        &["", "text"],
    );
    let content = file.to_bytes();
    for number in 0..count {
        let name = Name::Short {
            microseconds: number % 1_000_000,
        };
        let message = NewFile::new("deferred", content.clone()).named(name);
        instance.spool().put(&message);
    }
}

#[test]
fn memory_does_not_grow_with_the_queue() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let count = match Extent::from_environment() {
        Extent::Sample => 1_000,
        Extent::Complete => 5_000,
        Extent::Exhaustive { .. } => 1_000_000,
    };
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    fill(&source, count);
    let path = source.root().join("queue.tar");
    let start = Instant::now();
    let mut exporting = command(&source, "export", &["--trash"]);
    exporting.stdout(File::create(&path).expect("a file"));
    let (exported, ended) = watched(exporting);
    assert_eq!(ended, Ended::Exited(0));
    let middle = Instant::now();
    let mut importing = command(&target, "import", &[]);
    importing.stdin(File::open(&path).expect("the archive"));
    let (imported, ended) = watched(importing);
    assert_eq!(ended, Ended::Exited(0));
    let mut again = command(&target, "import", &[]);
    again.stdin(File::open(&path).expect("the archive"));
    let (repeated, ended) = watched(again);
    assert_eq!(ended, Ended::Exited(0));
    assert_eq!(super::files(&target, "deferred").len(), count as usize);
    tell(&format!(
        "{count} messages: export --trash {:?}, {exported} KiB; import {:?}, {imported} KiB; \
         again {repeated} KiB",
        middle - start,
        middle.elapsed()
    ));
    let peak = exported.max(imported).max(repeated);
    assert!(peak < MEMORY_MAX, "{peak} KiB");
}

/// An archive with a huge number of entries that are all right, up to the last.
#[test]
fn an_archive_of_very_many_entries_leaves_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let messages = match Extent::from_environment() {
        Extent::Sample => 1_000,
        Extent::Complete => 5_000,
        Extent::Exhaustive { .. } => 1_000_000,
    };
    let (source, target) = (builder("a.example").build(), builder("b.example").build());
    let sample = sample::fill(&source);
    let small = entries(&export(&source, &["--id", &sample.held.id()]));
    let [header, file, description, _] = small.as_slice() else {
        panic!("{small:?}");
    };
    let path = source.root().join("many.tar");
    let mut to = BufWriter::new(File::create(&path).expect("a file"));
    let mut put = |name: &str, content: &[u8]| {
        let mut header = Header::new_ustar();
        header.set_path(name).expect("a short name");
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_cksum();
        to.write_all(header.as_bytes()).expect("written");
        to.write_all(content).expect("written");
        let rest = content.len().next_multiple_of(512) - content.len();
        to.write_all(&vec![0; rest]).expect("written");
    };
    put("spoolbox-queue.json", &header.content);
    for number in 1..=messages {
        let directory = format!("messages/{number}-{}", sample.held.id());
        put(&format!("{directory}/queue-file"), &file.content);
        put(&format!("{directory}/message.json"), &description.content);
    }
    put("end.json", b"{\"messages\": 1}");
    to.flush().expect("written");
    let mut importing = command(&target, "import", &[]);
    importing.stdin(File::open(&path).expect("the archive"));
    let (peak, ended) = watched(importing);
    assert_eq!(ended, Ended::Exited(1));
    assert!(peak < MEMORY_MAX, "{peak} KiB");
    assert_eq!(super::queued(&target).len(), 0);
    let left = std::fs::read_dir(below(&target, AREA)).expect("the directory");
    assert_eq!(left.count(), 1, "the lock");
}
