//! A queue that moves between mail systems of two releases, which are not there at
//! the same time: what both delivered is what was handed to the first.
//!
//! The two halves of `releases::queues_move_between_releases`, which runs each of
//! them in the system of a release. What passes from one to the other is in the
//! directory that SPOOLBOX_MOVE names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::import;
use super::live;
use super::live::{AWAY, Received, SINK, await_deliveries, export_all, received, submit_all};
use crate::concurrent::server::Server;

/// What the first system was given and has not delivered: a message and a
/// recipient a line.
const MISSING: &str = "missing";

fn directory() -> PathBuf {
    let directory = std::env::var_os("SPOOLBOX_MOVE");
    directory.expect("SPOOLBOX_MOVE is a directory").into()
}

fn archives(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "tar"))
        .collect()
}

#[test]
#[ignore = "the first half of releases::queues_move_between_releases"]
fn the_first_system_exports() {
    let directory = directory();
    let server = Server::start(1);
    server.be_kind();
    let source = live::start("a.example", "yes", &[(SINK, server.port())]);
    let mut missing = submit_all(&source);
    let mut number = 0;
    export_all(&source, |archive| {
        number += 1;
        let path = directory.join(format!("{number:03}.tar"));
        fs::write(path, archive).expect("a file");
    });
    for (delivery, times) in received(&server.deliveries()) {
        assert_eq!(times, 1, "{delivery:?}");
        assert_eq!(missing.remove(&delivery), Some(1), "{delivery:?}");
    }
    let lines = missing.into_keys();
    let lines = lines.map(|(message, recipient)| format!("{message} {recipient}\n"));
    fs::write(directory.join(MISSING), lines.collect::<String>()).expect("a file");
}

#[test]
#[ignore = "the second half of releases::queues_move_between_releases"]
fn the_second_system_imports() {
    let directory = directory();
    let server = Server::start(1);
    server.be_kind();
    let routes = [(SINK, server.port()), (AWAY, server.port())];
    let target = live::start("b.example", "no", &routes);
    let missing = fs::read_to_string(directory.join(MISSING)).expect("a file");
    let pair = |line: &str| {
        let (message, recipient) = line.split_once(' ').expect("a message and a recipient");
        ((message.to_owned(), recipient.to_owned()), 1)
    };
    let expected: Received = missing.lines().map(pair).collect();
    assert!(!expected.is_empty());
    // All of them twice.
    let archives = archives(&directory);
    for path in archives.iter().chain(&archives) {
        import(&target.instance, &[], &fs::read(path).expect("a file"));
    }
    await_deliveries(&target, &server, &expected);
}
