//! Only what a selection needs is read: seen by the files that are opened.

use std::process::{Command, Stdio};

use super::filled;
use crate::support::run::{Program, Tool};
use crate::support::{Met, Needs, require};

/// Files of these queues that a listing with such options opens.
fn opened(options: &[&str]) -> Vec<String> {
    opened_by(Tool::Postqueue, options)
}

/// Files of these queues that a tool with such options opens.
pub fn opened_by(tool: Tool, options: &[&str]) -> Vec<String> {
    let instance = filled();
    let trace = instance.root().join("trace");
    let program = Program::Ours.path(tool, &instance);
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=openat,openat2", "-o"])
        .arg(&trace)
        .arg(program)
        .args(options)
        .env("MAIL_CONFIG", instance.etc())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace");
    assert!(status.success(), "{options:?}");
    let trace = std::fs::read_to_string(trace).expect("a trace");
    // Queue files are opened so that neither links nor FIFOs matter;
    // directories are opened otherwise, and the master's lock file not to read.
    let is_file = |line: &&str| {
        let other = line.contains("O_DIRECTORY") || line.contains("O_PATH");
        line.contains("O_NOFOLLOW") && !other
    };
    let name = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    trace.lines().filter(is_file).map(name).collect()
}

#[test]
fn a_message_that_its_name_rules_out_is_not_opened() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    assert_eq!(opened(&["--ids", "--queue", "hold"]).len(), 2);
    assert_eq!(opened(&["--ids", "--id", "nosuch*"]).len(), 0);
    assert_eq!(opened(&["--ids", "--status", "active"]).len(), 2);
    assert_eq!(opened(&["--count"]).len(), 0);
    assert_eq!(opened(&["--count=queue"]).len(), 0);
    assert_eq!(opened(&["--count", "--queue", "hold,active"]).len(), 0);
}

#[test]
fn logs_are_opened_only_for_recipients_and_reasons() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let logs = |options: &[&str]| {
        let opened = opened(options);
        opened
            .iter()
            .filter(|name| name.starts_with("defer/"))
            .count()
    };
    assert_eq!(logs(&["--ids", "--from", "*@bulk.example"]), 0);
    assert_eq!(logs(&["--ids", "--subject", "*"]), 0);
    assert_eq!(logs(&["--count=client"]), 0);
    assert_eq!(logs(&["--count=reason"]), 10);
    assert_eq!(logs(&["--ids", "--reason", "*", "--queue", "deferred"]), 4);
}
