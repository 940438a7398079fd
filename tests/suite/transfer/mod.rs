//! Messages that move from one instance to another by `spoolbox export` and
//! `spoolbox import`: what arrives, what is refused, and what is left when either
//! is killed.

mod archive;
mod between_releases;
mod hostile;
// Strikes at system calls by the registers of this processor.
#[cfg(target_arch = "x86_64")]
mod killed;
mod live;
mod many;
mod options;
mod roundtrip;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::instance::{Builder, Instance};
use crate::support::run::{Ended, Output, collect};

/// The directory of imports.
const AREA: &str = "saved/transfer.spoolbox";
/// The queues where a delivery can begin, and hold.
const QUEUES: [&str; 4] = ["incoming", "active", "deferred", "hold"];
const PATIENCE: Duration = Duration::from_secs(60);

/// An instance with a name of its own, some of whose queues are hashed.
fn builder(host: &str) -> Builder {
    Instance::builder()
        .in_memory()
        .set("myhostname", host)
        .set("maillog_file", "@ROOT@/mail.log")
        .set("maillog_file_prefixes", "@ROOT@")
        .set("hash_queue_names", "deferred, defer, hold")
}

/// The command `spoolbox WORD -c ETC ...`.
fn command(instance: &Instance, word: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoolbox"));
    command.arg(word).arg("-c").arg(instance.etc());
    command.args(arguments).env_clear().current_dir("/");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

fn run(instance: &Instance, word: &str, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut command = command(instance, word, arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().expect("spoolbox starts");
    collect(child, stdin, PATIENCE)
}

/// Exports, and returns the archive.
fn export(instance: &Instance, arguments: &[&str]) -> Vec<u8> {
    let output = run(instance, "export", arguments, b"");
    assert_eq!(output.ended, Ended::Exited(0), "{}", output.stderr_text());
    output.stdout
}

/// Imports an archive. Returns standard error.
fn import(instance: &Instance, arguments: &[&str], archive: &[u8]) -> String {
    let output = run(instance, "import", arguments, archive);
    assert_eq!(output.ended, Ended::Exited(0), "{}", output.stderr_text());
    output.stderr_text()
}

/// A file of a message in a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct QueuedFile {
    queue: String,
    id: String,
    content: Vec<u8>,
    mode: u32,
    modified: (i64, i64),
    path: PathBuf,
}

/// The messages in the queues, the oldest name first.
fn queued(instance: &Instance) -> Vec<QueuedFile> {
    let all = QUEUES.iter().flat_map(|queue| files(instance, queue));
    all.collect()
}

/// The files in a queue or log directory, wherever they are below it.
fn files(instance: &Instance, queue: &str) -> Vec<QueuedFile> {
    let root = instance.queue_directory().join(queue);
    let entries = walkdir::WalkDir::new(root).sort_by_file_name();
    let entries = entries.into_iter().map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let metadata = entry.metadata().expect("metadata");
            QueuedFile {
                queue: queue.to_owned(),
                id: entry.file_name().to_string_lossy().into_owned(),
                content: fs::read(entry.path()).expect("a file"),
                mode: metadata.mode() & 0o7777,
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                path: entry.into_path(),
            }
        })
        .collect()
}

/// How often each content is in the queues.
fn counted(instance: &Instance) -> BTreeMap<Vec<u8>, usize> {
    let mut counted = BTreeMap::new();
    for file in queued(instance) {
        *counted.entry(file.content).or_insert(0) += 1;
    }
    counted
}

/// Whether the inode number of each message is the one in its name, and it is
/// where its name belongs.
fn assert_names_are_right(instance: &Instance) {
    for file in queued(instance) {
        let inode = fs::metadata(&file.path).expect("metadata").ino();
        let in_name = spoolbox::spool::id::inode(file.id.as_bytes());
        assert_eq!(in_name, Some(inode), "{}", file.path.display());
        let home = instance.layout().directory(&file.queue, file.id.as_bytes());
        let home = instance.queue_directory().join(home).join(&file.id);
        assert_eq!(file.path, home);
    }
}

/// Whether imports have left nothing but locks and lists.
fn assert_area_is_tidy(instance: &Instance) {
    let area = instance.queue_directory().join(AREA);
    let Ok(entries) = fs::read_dir(area) else {
        return;
    };
    for entry in entries {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        let is_kept = name.ends_with(".done") || name.ends_with(".lock");
        assert!(is_kept, "{name}");
    }
}

/// Whether a text contains each of some others.
fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

/// The path of a file of the spool.
fn below(instance: &Instance, path: impl AsRef<Path>) -> PathBuf {
    instance.queue_directory().join(path)
}
