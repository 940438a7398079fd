//! postsuper compared with Postfix's own: generated calls on generated spools, and
//! requirements in case of crashes, hostile spools and full disks.

mod generated;
mod hostile;
mod interrupts;
mod journal;
mod leftovers;
pub mod obstacles;
mod pipelines;
mod rights;
mod stream;
mod taken;
mod together;
mod trash;

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::support::instance::Instance;
use crate::support::run::{Invocation, Output, Tool};
use crate::support::spool::{Name, NewFile, Placed};

/// The message queues.
const MESSAGE_QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// Runs the postsuper under test on an instance.
fn ours(instance: &Instance, arguments: &[&str], stdin: &str) -> Output {
    call(instance, arguments, stdin).run(crate::support::under_test(), instance)
}

fn call(instance: &Instance, arguments: &[&str], stdin: &str) -> Invocation {
    Invocation::new(Tool::Postsuper, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .stdin(stdin.as_bytes())
}

/// Puts a message with a log of each kind into a queue.
pub fn put(instance: &Instance, queue: &str, microseconds: u32) -> Placed {
    let name = Name::Short { microseconds };
    let file = NewFile::new(queue, b"a message".to_vec()).named(name);
    let placed = instance.spool().put(&file);
    for log in ["defer", "bounce", "trace"] {
        instance.spool().put_log(log, &placed.name, b"a log");
    }
    placed
}

/// Every file in the message queues, by its path below the queue directory.
pub fn messages(instance: &Instance) -> Vec<PathBuf> {
    let root = instance.queue_directory();
    let mut found = Vec::new();
    for queue in MESSAGE_QUEUES {
        collect(&root.join(queue), &mut found);
    }
    found
        .iter()
        .map(|path| path.strip_prefix(&root).expect("below").to_owned())
        .collect()
}

pub fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = WalkDir::new(directory).into_iter().flatten();
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    found.extend(files.map(DirEntry::into_path));
}

/// The IDs in the message queues. What has a dot in its name is being written.
pub fn names(instance: &Instance) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name()?.to_str().map(str::to_owned);
    let names = messages(instance)
        .iter()
        .filter_map(name)
        .collect::<Vec<_>>();
    names
        .into_iter()
        .filter(|name| !name.contains('.'))
        .collect()
}

/// The queue a path is in.
pub fn queue_of(path: &Path) -> String {
    let first = path.components().next().expect("a queue");
    first.as_os_str().to_string_lossy().into_owned()
}
