//! `--limit`, `--max`, `--rate`, `--comment`, `--strict` and `--results`.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Filled;
use crate::selection::spool;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Program};
use crate::support::{Met, Needs, require};

#[test]
fn a_limit_stops_after_so_many() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (arguments, report) in [
        (
            &["-h", "MATCH", "--from", "re:.", "--limit", "3"][..],
            "Placed on hold: 3 messages\n",
        ),
        (
            &["-h", "ALL", "--limit", "3"],
            "Placed on hold: 3 messages\n",
        ),
        (&["-h", "-", "--limit", "3"], "Placed on hold: 3 messages\n"),
        (
            // Not for each action: all in all.
            &["-h", "ALL", "-e", "ALL", "--limit", "3"],
            "Placed on hold: 3 messages\n",
        ),
    ] {
        let filled = Filled::new();
        let output = filled.run_with(arguments, &filled.ids());
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        assert!(output.stderr_text().ends_with(report), "{output:?}");
        assert_eq!(filled.count("hold"), 5, "{arguments:?}");
    }
    let filled = Filled::new();
    let many = filled.done(&["-h", "MATCH", "--from", "re:.", "--limit", "99"]);
    assert!(many.stderr_text().ends_with(": 7 messages\n"), "{many:?}");
}

#[test]
fn the_first_of_a_limit_are_those_of_the_dry_run() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let arguments = ["-d", "MATCH", "--from", "re:.", "--limit", "5"];
    let dry = filled.done(&[&arguments[..], &["--dry-run"]].concat());
    let done = filled.done(&arguments);
    for line in done.stderr_text().lines().filter(|l| l.contains("removed")) {
        let id = line.split(": ").nth(1).expect("an ID");
        assert!(dry.stdout_text().contains(id), "{id}\n{dry:?}");
    }
    assert_eq!(filled.placed.len() - 5, 5);
}

/// Who writes to a pipe and does not close it does not keep it from ending.
#[test]
fn a_limit_does_not_wait_for_the_rest_of_its_input() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let mut command = filled
        .call(&["-d", "-", "--limit", "1"])
        .command(Program::Ours, &filled.instance);
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("postsuper starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{}", filled.placed[0].id()).expect("a reader");
    let begun = Instant::now();
    assert!(child.wait().expect("its end").success());
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop(stdin);
}

#[test]
fn more_than_the_most_is_refused_before_anything_is_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let before = filled.snapshot();
    for argument in [&["MATCH", "--from", "re:."][..], &["ALL"]] {
        let arguments = [&["-d"], argument, &["--max", "9"]].concat();
        let output = filled.run(&arguments);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert_eq!(
            output.stderr_text(),
            "postsuper: fatal: 10 messages match, and --max is 9: nothing was done\n"
        );
        assert_eq!(filled.snapshot().difference(&before), None);
    }
    let output = filled.done(&["-d", "MATCH", "--from", "re:.", "--max", "10"]);
    assert!(output.stderr_text().ends_with("Deleted: 10 messages\n"));
}

#[test]
fn a_rate_is_kept_and_a_signal_ends_the_wait() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let begun = Instant::now();
    filled.done(&["-r", "MATCH", "--queue", "deferred", "--rate", "10/s"]);
    let took = begun.elapsed();
    // Four messages, three waits.
    assert!(took >= Duration::from_millis(290), "{took:?}");
    assert_eq!(filled.count("maildrop"), 5);
    let filled = Filled::new();
    let mut command = filled
        .call(&["-r", "ALL", "--rate", "1/h"])
        .command(Program::Ours, &filled.instance);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.ends_with(": requeued"), "{first}");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("kill");
    assert_eq!(child.wait().expect("its end").code(), Some(15));
    assert_eq!(filled.count("maildrop"), 2);
}

#[test]
fn a_comment_stands_in_the_log_with_each_act() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::logged(spool::now());
    let collector = Postlog::start(&filled.instance);
    let id = filled.placed[4].id();
    let output = filled.done(&["-d", &id, "--comment", "ticket 4711: a % spammer"]);
    let lines = [
        format!("{id}: removed (ticket 4711: a % spammer)"),
        "Deleted: 1 message (ticket 4711: a % spammer)".to_owned(),
    ];
    let stderr: String = lines.iter().map(|l| format!("postsuper: {l}\n")).collect();
    assert_eq!(output.stderr_text(), stderr);
    let logged = collector.take();
    assert_eq!(logged.len(), 2, "{logged:?}");
    for (logged, line) in logged.iter().zip(&lines) {
        assert!(logged.ends_with(line), "{logged}");
    }
}

#[test]
fn strict_minds_what_is_not_there() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let id = filled.placed[4].id();
    for (stdin, status) in [
        (format!("{id}\n"), 0),
        // No number of a signal, which is the status after one.
        (format!("{id}\n"), 100),
        ("not.an.id\n".to_owned(), 100),
        (String::new(), 0),
    ] {
        let output = filled.run_with(&["-d", "-", "--strict"], &stdin);
        assert_eq!(output.ended, Ended::Exited(status), "{output:?}");
        let warned = output
            .stderr_text()
            .contains("queue IDs that are invalid or not found: 1\n");
        assert_eq!(warned, status == 100, "{output:?}");
    }
    // What is as it should be already was found.
    let id = filled.placed[9].id();
    let output = filled.run(&["-e", &id, "--strict"]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let output = filled.run(&["-h", &id, "--strict"]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let output = filled.run(&["-d", "ABCDE", "-d", "ABCDF", "--strict"]);
    assert!(output.stderr_text().ends_with("not found: 2\n"));
}

#[test]
fn results_tell_of_each_message_in_order() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let (deferred, held) = (filled.placed[4].id(), filled.placed[9].id());
    let stdin = format!("{deferred}\nABCDE\nno \"id\"\n{held}\n");
    let output = filled.run_with(&["-e", "-", "--results=json"], &stdin);
    let object = |id: &str, result: &str, queues: &str| {
        format!(
            "{{\"id\": \"{id}\", \"action\": \"expire\", \"result\": \"{result}\", {queues}}}\n"
        )
    };
    let expected = [
        object(
            &deferred,
            "expired",
            "\"queue_before\": \"deferred\", \"queue_after\": \"deferred\"",
        ),
        object(
            "ABCDE",
            "not found",
            "\"queue_before\": null, \"queue_after\": null",
        ),
        object(
            "no \\\"id\\\"",
            "invalid",
            "\"queue_before\": null, \"queue_after\": null",
        ),
        object(
            &held,
            "unchanged",
            "\"queue_before\": \"hold\", \"queue_after\": \"hold\"",
        ),
    ];
    assert_eq!(output.stdout_text(), expected.concat());
    for (option, result, after) in [
        ("-r", "requeued", "\"maildrop\""),
        ("-h", "placed on hold", "\"hold\""),
        ("-d", "removed", "null"),
    ] {
        let filled = Filled::new();
        let output = filled.done(&[option, &filled.placed[4].id(), "--results", "json"]);
        let text = output.stdout_text();
        let end = format!(
            "\"result\": \"{result}\", \"queue_before\": \"deferred\", \"queue_after\": {after}}}\n"
        );
        assert!(text.ends_with(&end), "{text}");
    }
}

#[test]
fn what_is_already_as_it_should_be_is_unchanged_and_not_missing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    // In maildrop, incoming, active, deferred, hold (forced to expire).
    let (maildrop, incoming, active, deferred, held) = (0, 1, 2, 4, 9);
    for (option, number, result, queue) in [
        ("-h", held, "unchanged", "\"hold\""),
        ("-H", incoming, "unchanged", "\"incoming\""),
        ("-H", active, "unchanged", "\"active\""),
        ("-H", deferred, "unchanged", "\"deferred\""),
        ("-H", maildrop, "unchanged", "\"maildrop\""),
        ("-r", maildrop, "unchanged", "\"maildrop\""),
        ("-e", held, "unchanged", "\"hold\""),
        // It will be delivered: nothing to rely on.
        ("-h", maildrop, "not found", "null"),
        ("-e", maildrop, "not found", "null"),
    ] {
        let filled = Filled::new();
        let before = filled.snapshot();
        let id = filled.placed[number].id();
        let end = format!(
            "\"result\": \"{result}\", \"queue_before\": {queue}, \"queue_after\": {queue}}}\n"
        );
        let status = if result == "unchanged" { 0 } else { 100 };
        for more in [&[][..], &["--dry-run"]] {
            let arguments = [&[option, &id, "--results=json", "--strict"], more].concat();
            let output = filled.run(&arguments);
            let text = output.stdout_text();
            assert!(text.ends_with(&end), "{arguments:?}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
            assert_eq!(output.ended, Ended::Exited(status), "{arguments:?}");
        }
        assert_eq!(filled.snapshot().difference(&before), None);
    }
    // Only where the action was asked to look.
    let filled = Filled::new();
    let output = filled.run(&["-h", &filled.placed[held].id(), "--strict", "deferred"]);
    assert_eq!(output.ended, Ended::Exited(100), "{output:?}");
}

#[test]
fn a_closed_standard_output_is_an_error_of_results() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut command = filled
        .call(&["-h", "ALL", "--results=json"])
        .command(Program::Ours, &filled.instance);
    let output = command.stdout(full).output().expect("postsuper starts");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Placed on hold: 7 messages"), "{text}");
    assert!(text.contains("output write error: No space left"), "{text}");
}
