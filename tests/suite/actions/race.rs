//! If another message gets the ID between the examination and the action, it is left
//! unchanged. A message that only moves to another queue is still acted on.
//!
//! A rate makes the time in between long: the second message is examined when the first
//! is done, and waits for its turn.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::Filled;
use crate::support::run::Program;
use crate::support::{Met, Needs, require};

/// Long enough for a look, and short against the 1.5 seconds of the rate.
const A_LOOK: Duration = Duration::from_millis(300);

const ARGUMENTS: [&str; 9] = [
    "-r", "MATCH", "--from", "re:.", "--rate", "40/m", "incoming", "active", "deferred",
];

/// Requeues the four deferred messages; does something to the other three when
/// the first is done. Returns what was said.
fn disturbed(filled: &Filled, disturb: impl Fn(&Path, &Path)) -> Vec<String> {
    let mut command = filled
        .call(&ARGUMENTS)
        .command(Program::Ours, &filled.instance);
    let child = command.stderr(Stdio::piped()).spawn();
    let mut child = child.expect("postsuper starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    lines.next().expect("a line").expect("text");
    sleep(A_LOOK);
    let root = filled.instance.queue_directory();
    let left = deferred(filled);
    assert_eq!(left.len(), 3, "{left:?}");
    for path in left {
        disturb(&root, &path);
    }
    let said = lines.map(|line| line.expect("text")).collect();
    assert!(child.wait().expect("its end").success());
    said
}

fn deferred(filled: &Filled) -> Vec<PathBuf> {
    let mut messages = crate::postsuper::messages(&filled.instance);
    messages.retain(|path| path.starts_with("deferred"));
    messages
}

/// A spool with messages in deferred alone.
fn only_deferred() -> Filled {
    let filled = Filled::new();
    for queue in ["incoming", "active"] {
        for entry in fs::read_dir(filled.instance.spool().path(queue)).expect("a queue") {
            fs::remove_file(entry.expect("an entry").path()).expect("unlink");
        }
    }
    filled
}

#[test]
fn another_message_with_the_same_id_is_left_alone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = only_deferred();
    let said = disturbed(&filled, |root, path| {
        let (there, new) = (root.join(path), root.join("new"));
        fs::copy(&there, &new).expect("a copy");
        let before = fs::metadata(&there).expect("stat");
        std::os::unix::fs::chown(&new, Some(before.uid()), Some(before.gid())).expect("chown");
        fs::rename(&new, &there).expect("rename");
    });
    // Looked at before, acted on later: the others were looked at later.
    let last = said.last().map(String::as_str);
    assert_eq!(last, Some("postsuper: Requeued: 3 messages"), "{said:#?}");
    assert_eq!(deferred(&filled).len(), 1, "{said:#?}");
}

#[test]
fn a_file_that_has_another_sender_by_now_is_left_alone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = only_deferred();
    let said = disturbed(&filled, |root, path| {
        // The same file, and as long as before.
        let text = fs::read(root.join(path)).expect("a message");
        let mut changed = text.clone();
        for (before, after) in [(&b"ann@"[..], b"bob@".as_slice()), (b"offers@", b"others@")] {
            let mut places = text.windows(before.len());
            if let Some(at) = places.position(|part| part == before) {
                changed[at..at + after.len()].copy_from_slice(after);
            }
        }
        assert_ne!(changed, text);
        let mut file = fs::OpenOptions::new().write(true).open(root.join(path));
        let file = file.as_mut().expect("a message");
        std::io::Write::write_all(file, &changed).expect("written");
    });
    // Looked at before, acted on after: the others were looked at later.
    let last = said.last().map(String::as_str);
    assert_eq!(last, Some("postsuper: Requeued: 3 messages"), "{said:#?}");
    assert_eq!(deferred(&filled).len(), 1, "{said:#?}");
}

#[test]
fn a_message_that_moves_on_is_acted_on_where_it_is() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = only_deferred();
    let said = disturbed(&filled, |root, path| {
        let name = path.file_name().expect("a name");
        fs::rename(root.join(path), root.join("active").join(name)).expect("rename");
    });
    let last = said.last().map(String::as_str);
    assert_eq!(last, Some("postsuper: Requeued: 4 messages"), "{said:#?}");
    assert_eq!(filled.count("active"), 0);
}
