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
    let real = filled.run_with(&["-d", "-", "--strict"], "no.id\nABCDEF\n");
    assert_eq!(dry.ended, Ended::Exited(100), "{dry:?}");
    assert_eq!(dry.ended, real.ended);
    let expected = real.stderr_text().replace("Deleted", "Would be deleted");
    assert_eq!(dry.stderr_text(), expected);
    // An ID that is named twice is deleted once, and is not there then.
    let twice = filled.ids() + &filled.ids();
    for option in ["-d", "-h", "-H", "-r", "-e", "-f"] {
        let filled = Filled::new();
        let ids = filled.ids() + &filled.ids();
        assert_eq!(ids.len(), twice.len());
        let arguments = [option, "-", "--strict", "--results=json"];
        let dry = filled.run_with(&[&arguments[..], &["--dry-run"]].concat(), &ids);
        let real = filled.run_with(&arguments, &ids);
        assert_eq!(dry.ended, real.ended, "{option}: {dry:?} {real:?}");
        let dry = dry.stdout_text().replace("would be ", "");
        assert_eq!(dry, real.stdout_text(), "{option}");
    }
}

/// Runs a command whose standard output is not read.
fn unread(mut command: Command) -> String {
    let (reader, writer) = nix::unistd::pipe().expect("a pipe");
    drop(reader);
    let output = command
        .stdin(Stdio::piped())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped())
        .spawn();
    let output = output.expect("it starts").wait_with_output();
    String::from_utf8(output.expect("its end").stderr).expect("UTF-8")
}

#[test]
fn the_count_is_of_what_would_be_done_whether_or_not_the_listing_is_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let ids = filled.ids();
    let mut each = vec!["--dry-run"];
    each.extend(ids.lines().flat_map(|id| ["-d", id]));
    for arguments in [
        &["-d", "MATCH", "--from", "re:.", "--dry-run"][..],
        &["-d", "ALL", "--dry-run"],
        &["-d", "ALL", "--dry-run", "--results=json"],
        &each,
    ] {
        let command = filled
            .call(arguments)
            .command(Program::Ours, &filled.instance);
        let said = unread(command);
        assert_eq!(
            said, "postsuper: Would be deleted: 10 messages\n",
            "{arguments:?}"
        );
    }
    for (more, count) in [(&[][..], 10), (&["--limit", "7"], 7)] {
        let arguments = [&["-i", "MATCH", "--from", "re:.", "--dry-run"], more].concat();
        let flush = Invocation::new(Tool::Postqueue, arguments)
            .env("MAIL_CONFIG", filled.instance.etc())
            .command(Program::Ours, &filled.instance);
        let said = unread(flush);
        let expected = format!("postqueue: Would be flushed: {count} messages\n");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn what_the_call_refuses_the_dry_run_refuses_too() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for arguments in [
        &["-h", "MATCH", "--from", "re:.", "--max=3"][..],
        &["-h", "ALL", "--max=3"],
        &["-d", "ALL", "--max=0", "--trash"],
        &["-d", "ALL", "--max=3", "--results=json"],
        &["-d", "MATCH", "--from", "re:.", "--limit=2", "--max=3"],
        // No terminal to ask on.
        &["-d", "ALL", "--interactive"],
    ] {
        let filled = Filled::new();
        let before = filled.snapshot();
        let dry = filled.run(&[arguments, &["--dry-run"]].concat());
        let real = filled.run(arguments);
        assert_eq!(dry.ended, Ended::Exited(1), "{arguments:?}");
        assert_eq!(dry.ended, real.ended);
        assert_eq!(dry.stderr_text(), real.stderr_text(), "{arguments:?}");
        assert_eq!(dry.stdout_text(), "");
        assert_eq!(filled.snapshot().difference(&before), None);
    }
    let filled = Filled::new();
    let allowed = filled.done(&["-h", "ALL", "--max=7", "--dry-run"]);
    assert_eq!(listed(&allowed.stdout_text()).len(), 7);
}

#[test]
fn results_of_a_dry_run_are_those_of_the_call() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for arguments in [&["MATCH", "--from", "re:."][..], &["ALL"], &["-"]] {
        for action in [
            &["-d"][..],
            &["--trash", "-d"],
            &["-e"],
            &["-f"],
            &["-h"],
            &["-H"],
            &["-r"],
        ] {
            let filled = Filled::new();
            let before = filled.snapshot();
            let ids = filled.ids() + "ABCDEF\nno.id\n";
            let arguments = [action, arguments, &["--results=json"]].concat();
            let dry = filled.run_with(&[&arguments[..], &["--dry-run"]].concat(), &ids);
            assert_eq!(filled.snapshot().difference(&before), None);
            let real = filled.run_with(&arguments, &ids);
            assert_eq!(dry.ended, real.ended, "{arguments:?}");
            let by_id = arguments.contains(&"-");
            let lines = |text: String| {
                let lines = text.lines().map(|line| line.replace("would be ", ""));
                // A listing leaves out what would not change.
                sorted(
                    lines
                        .filter(|line| by_id || !line.contains("unchanged"))
                        .collect(),
                )
            };
            assert!(dry.stdout_text().contains("would be "), "{arguments:?}");
            assert_eq!(
                lines(dry.stdout_text()),
                lines(real.stdout_text()),
                "{arguments:?}"
            );
        }
    }
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
