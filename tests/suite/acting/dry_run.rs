//! `--dry-run` shows what would be acted on, and changes nothing.

use std::process::{Command, Stdio};

use super::Filled;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Invocation, Program, Tool, install_ours};
use crate::support::{Met, Needs, require};

/// IDs of a listing.
fn listed(text: &str) -> Vec<String> {
    let is_id = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphanumeric());
    let lines = text.lines().filter(is_id).filter(|line| *line != EMPTY);
    let id = |line: &str| {
        let word = line.split(' ').next().unwrap_or_default();
        word.trim_end_matches(['*', '!', '#']).to_owned()
    };
    sorted(lines.map(id).collect())
}

const EMPTY: &str = "Mail queue is empty";

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines.dedup();
    lines
}

/// IDs of the messages that were acted on.
fn acted_on(results: &str) -> Vec<String> {
    let id = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let result = object["result"].as_str().expect("a result");
        let is_done = !["unchanged", "not found", "invalid"].contains(&result);
        is_done.then(|| object["id"].as_str().expect("an ID").to_owned())
    };
    sorted(results.lines().filter_map(id).collect())
}

#[test]
fn what_is_listed_is_what_is_acted_on_then() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for option in ["-d", "-e", "-f", "-h", "-H", "-r"] {
        for argument in ["MATCH", "ALL", "-", "EACH"] {
            let filled = Filled::new();
            let ids = filled.ids() + "ABCDE12345\n";
            let mut arguments: Vec<&str> = Vec::new();
            match argument {
                "EACH" => arguments.extend(ids.lines().flat_map(|id| [option, id])),
                other => arguments.extend([option, other]),
            }
            if argument == "MATCH" {
                arguments.extend(["--from", "re:.", "--rcpt-count", "-2"]);
            }
            let before = filled.snapshot();
            let dry = filled.run_with(&[&arguments[..], &["--dry-run"]].concat(), &ids);
            assert_eq!(dry.ended, Ended::Exited(0), "{arguments:?}\n{dry:?}");
            assert_eq!(filled.snapshot().difference(&before), None);
            let done = filled.run_with(&[&arguments[..], &["--results=json"]].concat(), &ids);
            assert_eq!(done.ended, Ended::Exited(0), "{arguments:?}\n{done:?}");
            let (listed, acted_on) = (listed(&dry.stdout_text()), acted_on(&done.stdout_text()));
            assert_eq!(listed, acted_on, "{arguments:?}");
            assert!(!listed.is_empty(), "{arguments:?}");
            let count = match listed.len() {
                1 => ": 1 message\n".to_owned(),
                n => format!(": {n} messages\n"),
            };
            let report = dry.stderr_text();
            assert!(report.starts_with("postsuper: Would be "), "{report}");
            assert!(report.ends_with(&count), "{arguments:?}: {report}");
        }
    }
}

#[test]
fn the_listing_is_that_of_postqueue() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let from = ["--from", "offers@bulk.example"];
    let dry = filled.done(&["-d", "MATCH", from[0], from[1], "--dry-run"]);
    let arguments = ["-p", from[0], from[1]];
    let listing = Invocation::new(Tool::Postqueue, arguments)
        .env("MAIL_CONFIG", filled.instance.etc())
        .run(Program::Ours, &filled.instance);
    assert_eq!(dry.stdout_text(), listing.stdout_text());
    assert_eq!(
        dry.stderr_text(),
        "postsuper: Would be deleted: 3 messages\n"
    );
    let none = filled.done(&["-d", "MATCH", "--from", "x@y.example", "--dry-run"]);
    assert_eq!(none.stdout_text(), format!("{EMPTY}\n"));
    assert_eq!(
        none.stderr_text(),
        "postsuper: Would be deleted: 0 messages\n"
    );
}

#[test]
fn limits_and_ids_that_are_not_there_count_in_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let dry = filled.done(&["-d", "MATCH", "--from", "re:.", "--limit", "4", "--dry-run"]);
    assert_eq!(listed(&dry.stdout_text()).len(), 4);
    let dry = filled.run_with(&["-d", "-", "--limit", "2", "--dry-run"], &filled.ids());
    assert_eq!(listed(&dry.stdout_text()).len(), 2, "{dry:?}");
    let dry = filled.run_with(&["-d", "-", "--strict", "--dry-run"], "no.id\nABCDEF\n");
    assert_eq!(dry.ended, Ended::Exited(2), "{dry:?}");
    assert_eq!(
        dry.stderr_text(),
        "postsuper: warning: invalid mail queue id: no.id\n\
         postsuper: Would be deleted: 0 messages\n"
    );
}

#[test]
fn no_system_call_changes_anything() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    for arguments in [
        &["-d", "MATCH", "--from", "re:.", "--dry-run"][..],
        &["-r", "ALL", "--dry-run"],
        &["-f", "-", "--dry-run"],
    ] {
        let filled = Filled::new();
        let collector = Postlog::start(&filled.instance);
        let log = filled.instance.root().join("trace");
        let output = Command::new("strace")
            .args(["-f", "-qq", "-o"])
            .arg(&log)
            .arg(Program::Ours.path(Tool::Postsuper, &filled.instance))
            .args(arguments)
            .env("MAIL_CONFIG", filled.instance.etc())
            .stdin(Stdio::null())
            .output()
            .expect("strace starts");
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(log).expect("the trace");
        let words = [
            "rename", "unlink", "rmdir", "mkdir", "link(", "linkat", "chmod", "chown", "utime",
            "truncate", "O_CREAT", "O_WRONLY", "creat(", "mknod",
        ];
        for call in text.lines().filter(|call| !call.contains("readlink")) {
            let changes = words.iter().find(|word| call.contains(**word));
            assert!(changes.is_none(), "{arguments:?}: {call}");
        }
        assert!(text.contains("openat"), "{text}");
        assert_eq!(collector.take(), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn the_mail_owner_may_try_too() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let owner = filled.instance.owner().clone();
    nix::unistd::chown(
        &filled.instance.queue_directory(),
        Some(owner.uid.into()),
        None,
    )
    .expect("chown");
    let program = filled.instance.root().join("postsuper");
    install_ours(&program);
    let output = Command::new("setpriv")
        .arg(format!("--reuid={}", owner.uid))
        .arg(format!("--regid={}", owner.gid))
        .args(["--clear-groups", "--"])
        .arg(&program)
        .arg("-c")
        .arg(filled.instance.etc())
        .args(["-d", "MATCH", "--from", "root", "--dry-run"])
        .output()
        .expect("setpriv starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(listed(&text), [filled.placed[9].id()]);
}
