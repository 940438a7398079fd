//! Gates that watch the system calls of every tool: what changes the spool
//! does so relative to an open directory, and reads in it come after root's
//! rights have gone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::instance::Instance;
use crate::support::run::{Program, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

/// Calls of every tool that reads or changes the spool, as root.
const CALLS: [(Tool, &[&str]); 15] = [
    (Tool::Postqueue, &["-p"]),
    (Tool::Postqueue, &["-j"]),
    (Tool::Mailq, &[]),
    (Tool::Qshape, &["deferred", "hold"]),
    (Tool::Qshape, &["--reason", "*", "deferred", "hold"]),
    (Tool::Postqueue, &["--count=from", "--subject", "x"]),
    (Tool::Postsuper, &["-d", "ALL"]),
    (Tool::Postsuper, &["-h", "ALL"]),
    (Tool::Postsuper, &["-r", "ALL"]),
    (Tool::Postsuper, &["-H", "ALL"]),
    (Tool::Postsuper, &["-e", "ALL"]),
    (Tool::Postsuper, &["-f", "ALL"]),
    (Tool::Postsuper, &["-p", "-s"]),
    (Tool::Postsuper, &["-S"]),
    (Tool::Postsuper, &["-d", "ABCDEF", "-h", "ABCDEF"]),
];

/// What names a place in the spool: queues and logs.
const QUEUES: [&str; 9] = [
    "maildrop", "incoming", "active", "deferred", "hold", "defer", "bounce", "trace", "corrupt",
];

/// The calls of a run that name a file or change rights, in order.
fn trace(instance: &Instance, tool: Tool, arguments: &[&str]) -> Vec<String> {
    let log = instance.root().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=%file,%creds", "-o"])
        .arg(&log)
        .arg(Program::Ours.path(tool, instance))
        .args(arguments)
        .env_clear()
        .env("MAIL_CONFIG", instance.etc())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("strace starts").success());
    let text = fs::read_to_string(&log).expect("the trace");
    // The command line names queues too.
    let calls = text.lines().filter(|call| !call.contains(" execve("));
    calls.map(str::to_owned).collect()
}

/// Whether a call names a place in the spool, relative to it or from the root.
fn is_in_spool(call: &str, queue_directory: &Path) -> bool {
    let spool = queue_directory.display();
    let names = |queue: &str| {
        let (alone, below) = (format!("\"{queue}\""), format!("\"{queue}/"));
        call.contains(&alone)
            || call.contains(&below)
            || call.contains(&format!("\"{spool}/{queue}"))
    };
    QUEUES.iter().any(|queue| names(queue))
}

#[test]
fn nothing_in_the_spool_is_reached_with_roots_rights() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    for (tool, arguments) in CALLS {
        let instance = Instance::builder().build();
        sample::fill(&instance);
        let calls = trace(&instance, tool, arguments);
        let owner = instance.owner();
        let place = |what: String| {
            let found = calls.iter().position(|call| call.contains(&what));
            found.unwrap_or_else(|| panic!("no {what}: {tool:?} {arguments:?}"))
        };
        let steps = [
            place(format!("setgid({})", owner.gid)),
            place(format!("setgroups(1, [{}])", owner.gid)),
            place(format!("setuid({})", owner.uid)),
        ];
        assert!(steps.is_sorted(), "{tool:?} {arguments:?}: {steps:?}");
        let spool = instance.queue_directory();
        let first = calls.iter().position(|call| is_in_spool(call, &spool));
        let first = first.unwrap_or_else(|| panic!("{tool:?} {arguments:?}: no spool"));
        assert!(first > steps[2], "{tool:?} {arguments:?}: {}", calls[first]);
    }
}

#[test]
fn nothing_is_removed_renamed_or_made_by_its_path() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let by_path = [
        " unlink(", " rename(", " mkdir(", " rmdir(", " chmod(", " link(",
    ];
    let mut changes = 0;
    for (tool, arguments) in CALLS {
        let instance = Instance::builder().build();
        sample::fill(&instance);
        for call in trace(&instance, tool, arguments) {
            let changing = ["unlink", "rename", "mkdir", "rmdir", "chmod", "link("];
            if !changing.iter().any(|name| call.contains(name)) || call.contains("readlink") {
                continue;
            }
            changes += 1;
            assert!(!call.contains("AT_FDCWD"), "{tool:?} {arguments:?}: {call}");
            let path = by_path.iter().find(|name| call.contains(**name));
            assert!(path.is_none(), "{tool:?} {arguments:?}: {call}");
        }
    }
    // The gate saw what it is there for.
    assert!(changes > 20, "{changes} changes");
}
