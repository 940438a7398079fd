//! The trash: --undo restores messages that were deleted with --trash unchanged,
//! whatever happened in between.

mod backup;
mod calls;
mod compaction;
mod damage;
mod endless;
mod last_call;
mod neighbours;
mod places;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{collect, ours, put};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Output};
use crate::support::spool::{Name, NewFile, Placed};
use crate::support::trash;

/// The journal, below the queue directory.
const JOURNAL: &str = "saved/journal.spoolbox";

/// Every file of the spool but the journal, with all that can be seen of it.
pub(super) fn exact(instance: &Instance) -> BTreeMap<PathBuf, String> {
    let root = instance.queue_directory();
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut seen = BTreeMap::new();
    for file in files {
        let path = file.strip_prefix(&root).expect("below").to_owned();
        // Another process may have moved it by now.
        if path == Path::new(JOURNAL) || !file.is_file() {
            continue;
        }
        let found = file.symlink_metadata().expect("lstat");
        let content = fs::read(&file).expect("a readable file");
        let described = format!(
            "inode {} mode {:o} uid {} mtime {}.{:09} links {} {:?}",
            found.ino(),
            found.mode(),
            found.uid(),
            found.mtime(),
            found.mtime_nsec(),
            found.nlink(),
            String::from_utf8_lossy(&content)
        );
        seen.insert(path, described);
    }
    seen
}

/// Paths below the queue directory that lie in saved/, but for the journal.
fn in_trash(instance: &Instance) -> Vec<PathBuf> {
    let paths = exact(instance).into_keys();
    paths.filter(|path| path.starts_with("saved")).collect()
}

/// Messages in every queue where they are safe, with logs.
fn fill(instance: &Instance) -> Vec<Placed> {
    let mut placed = vec![
        put(instance, "deferred", 0x11_111),
        put(instance, "deferred", 0xA1_111),
        put(instance, "incoming", 0x21_111),
        put(instance, "hold", 0x31_111),
    ];
    let long = Name::Long {
        seconds: 1_700_000_000,
        microseconds: 0xB2_111,
    };
    let file = NewFile::new("deferred", b"long".to_vec()).named(long);
    placed.push(instance.spool().put(&file.mode(0o710).mtime(1_600_000_000)));
    let name = Name::Short {
        microseconds: 0x41_111,
    };
    let dropped = NewFile::new("maildrop", b"dropped".to_vec()).named(name);
    placed.push(instance.spool().put(&dropped.mode(0o744)));
    placed
}

/// The IDs, one a line.
pub(super) fn lines(placed: &[Placed]) -> String {
    placed.iter().map(|p| format!("{}\n", p.id())).collect()
}

/// A run that has to succeed.
pub(super) fn succeeds(instance: &Instance, arguments: &[&str], stdin: &str) -> Output {
    let output = ours(instance, arguments, stdin);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
    output
}

/// A run that has to fail, with these last words.
pub(super) fn fails(instance: &Instance, arguments: &[&str], words: &str) {
    let output = ours(instance, arguments, "");
    assert_eq!(output.ended, Ended::Exited(1), "{arguments:?}: {output:?}");
    let text = output.stderr_text();
    assert!(text.contains(words), "{arguments:?}: {text}");
}

/// Undoes batch after batch, the newest first, until none is left.
fn undo_all(instance: &Instance) {
    for _ in 0..10 {
        for batch in trash::batches(instance) {
            succeeds(instance, &[&format!("--undo={batch}")], "");
        }
    }
    assert!(trash::batches(instance).is_empty());
}

/// What is on standard error, without what names the batch.
fn stderr_but_batches(output: &Output) -> String {
    let text = output.stderr_text();
    let is_of_batch = |line: &&str| {
        let starts = [
            "postsuper: undo: postsuper --undo=",
            "postsuper: undoing batch ",
        ];
        starts.iter().any(|start| line.starts_with(start))
    };
    let lines = text.lines().filter(|line| !is_of_batch(line));
    lines.map(|line| format!("{line}\n")).collect()
}

fn journal(instance: &Instance) -> PathBuf {
    instance.spool().path(JOURNAL)
}
