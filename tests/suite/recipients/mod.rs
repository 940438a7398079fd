//! --drop-recipient and --bounce: which recipients are changed, that no other
//! byte is, what a started Postfix makes of it, and what is left after a kill.

mod dropping;
mod kills;
mod live;
mod returning;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use spoolbox::queue_file::records::writer::RecordWriter;
use spoolbox::queue_file::records::{Buffers, RecordReader, RecordType};

use crate::postsuper::{collect, messages};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{Name, NewFile, Placed};

/// The time of the next attempt of the messages.
const NEXT_ATTEMPT: i64 = 1_900_000_000;

/// A queue file of these records, with a line of content; what follows an X
/// record is in the extracted segment.
fn queue_file(sender: &str, records: &[(u8, &str)]) -> Vec<u8> {
    const LINE: &str = "a line";
    let is_recipient = |(kind, _): &&(u8, &str)| matches!(kind, b'R' | b'D');
    let count = records.iter().filter(is_recipient).count();
    let size = |start: usize| {
        let content = "Nx".len() + LINE.len();
        format!(
            "{content:15} {start:15} {count:15} {0:15} {content:15} {0:15}",
            0
        )
    };
    let mut parts = records.split(|(kind, _)| *kind == b'X');
    let (envelope, extracted) = (parts.next(), parts.next());
    let mut file = RecordWriter::new();
    let mut add = |records: &[(u8, &str)]| {
        for (kind, text) in records {
            file.record(RecordType(*kind), text.as_bytes());
        }
        file.offset()
    };
    let size_length = add(&[(b'C', &size(0))]);
    add(&[
        (b'T', "1795438815 0"),
        (b'A', "rewrite_context=local"),
        (b'S', sender),
    ]);
    add(envelope.unwrap_or_default());
    let start = add(&[(b'M', "")]);
    add(&[(b'N', LINE), (b'X', "")]);
    add(extracted.unwrap_or_default());
    add(&[(b'E', "")]);
    let mut first = RecordWriter::new();
    first.record(RecordType::SIZE, size(start).as_bytes());
    [first.into_bytes(), file.into_bytes().split_off(size_length)].concat()
}

/// Puts a message into a queue.
fn put(instance: &Instance, queue: &str, sender: &str, records: &[(u8, &str)]) -> Placed {
    put_named(instance, queue, 0x3A_789, &queue_file(sender, records))
}

fn put_named(instance: &Instance, queue: &str, microseconds: u32, content: &[u8]) -> Placed {
    let name = Name::Short { microseconds };
    let file = NewFile::new(queue, content.to_vec()).named(name);
    instance.spool().put(&file.mtime(NEXT_ATTEMPT))
}

fn call(instance: &Instance, arguments: &[&str]) -> Invocation {
    Invocation::new(Tool::Postsuper, arguments).env("MAIL_CONFIG", instance.etc())
}

fn run(instance: &Instance, arguments: &[&str]) -> Output {
    let output = call(instance, arguments).run(Program::Ours, instance);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
    output
}

/// A message as it is: where, its content, its mode and its times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
    modified: (i64, i64),
    inode: u64,
}

/// The only message in the queues.
fn only_message(instance: &Instance) -> Found {
    let found = messages(instance);
    let [path] = &found[..] else {
        panic!("not one message: {found:?}");
    };
    let full = instance.queue_directory().join(path);
    let stat = full.symlink_metadata().expect("lstat");
    Found {
        path: path.clone(),
        content: fs::read(full).expect("a message"),
        mode: stat.mode() & 0o7777,
        modified: (stat.mtime(), stat.mtime_nsec()),
        inode: stat.ino(),
    }
}

/// The addresses of the records of this type, in order.
fn addresses(content: &[u8], kind: u8) -> Vec<String> {
    let mut buffers = Buffers::default();
    let mut reader = RecordReader::new(content, &mut buffers);
    let mut found = Vec::new();
    while let Ok(Some(record)) = reader.next_raw() {
        if record.kind == RecordType(kind) {
            found.push(String::from_utf8_lossy(reader.text(&record)).into_owned());
        }
    }
    found
}

/// The bounce logs, by path, with mode, owner and text.
fn bounce_logs(instance: &Instance) -> Vec<(PathBuf, u32, u32, String)> {
    let root = instance.queue_directory();
    let mut found = Vec::new();
    collect(&root.join("bounce"), &mut found);
    let described = |path: &PathBuf| {
        let stat = path.symlink_metadata().expect("lstat");
        let text = fs::read(path).expect("a log");
        let text = String::from_utf8_lossy(&text).into_owned();
        let path = path.strip_prefix(&root).expect("below").to_owned();
        (path, stat.mode() & 0o7777, stat.uid(), text)
    };
    found.iter().map(described).collect()
}

/// The entries of a log, sorted.
fn entries(log: &str) -> Vec<String> {
    let entries = log
        .split("\n\n")
        .map(|entry| entry.trim_start_matches('\n'));
    let mut entries: Vec<String> = entries
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect();
    entries.sort();
    entries
}
