//! Between the look and the act another message can get the ID: it is left
//! alone. One that only moves on is still acted on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use super::Filled;
use crate::support::run::Program;
use crate::support::{Met, Needs, require};

#[test]
fn another_message_with_the_same_id_is_left_alone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let mut command = filled
        .call(&["-r", "MATCH", "--queue", "deferred", "--rate", "1/s"])
        .command(Program::Ours, &filled.instance);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("text");
    // All four have been looked at; three wait for their turn.
    let deferred = |path: &&std::path::PathBuf| path.starts_with("deferred");
    let left = crate::postsuper::messages(&filled.instance);
    let left: Vec<_> = left.iter().filter(deferred).cloned().collect();
    assert_eq!(left.len(), 3, "{first}");
    let root = filled.instance.queue_directory();
    let [swapped, moved, _] = &left[..] else {
        panic!("{left:?}");
    };
    let other = root.join(swapped).with_extension("new");
    fs::copy(root.join(swapped), &other).expect("a copy");
    fs::set_permissions(
        &other,
        fs::metadata(root.join(swapped))
            .expect("stat")
            .permissions(),
    )
    .expect("chmod");
    let inode = fs::metadata(&other).expect("stat").ino();
    fs::rename(&other, root.join(swapped)).expect("rename");
    let name = moved.file_name().expect("a name");
    fs::rename(root.join(moved), root.join("active").join(name)).expect("rename");
    let rest: Vec<String> = lines.map(|line| line.expect("text")).collect();
    assert!(child.wait().expect("its end").success());
    assert_eq!(
        rest.last().map(String::as_str),
        Some("postsuper: Requeued: 3 messages"),
        "{rest:#?}"
    );
    let id = |path: &std::path::Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    assert!(
        !rest.iter().any(|line| line.contains(&id(swapped))),
        "{rest:#?}"
    );
    assert!(
        rest.iter().any(|line| line.contains(&id(moved))),
        "{rest:#?}"
    );
    assert_eq!(fs::metadata(root.join(swapped)).expect("stat").ino(), inode);
}
