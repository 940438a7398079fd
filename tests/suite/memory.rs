//! Every command under valgrind(1): no memory is read that was never written,
//! none is used that is not ours, none is lost; and descriptors, which stay
//! as few on a large queue as on a small one.
//!
//! What is unsafe is in `sys`, and each of these commands goes through it:
//! credentials, signals, time zones, waiting, the mail log.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use spoolbox::queue_file::records::writer::QueueFile;

use crate::support::instance::Instance;
use crate::support::run::{Ended, Output, Program, Tool, collect};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require, sample};

/// What valgrind(1) ends with if it found anything.
const FOUND: &str = "97";
const PATIENCE: Duration = Duration::from_secs(300);
/// Files that a command may have open, on a queue of any size: a tenth of
/// what Linux gives a process.
const OPEN_FILES: u32 = 102;

/// A call: the tool, its arguments, and the status it has on a queue with
/// mail while the mail system is down.
type Call = (Tool, &'static [&'static str], i32);

/// What leaves the queue as it is.
const LOOKING: [Call; 16] = [
    (Tool::Postqueue, &["-p"], 0),
    (Tool::Postqueue, &["-j", "--detail"], 0),
    (Tool::Postqueue, &["-p", "--sort", "size,sender"], 0),
    (Tool::Postqueue, &["--ids", "--body", "*text*"], 0),
    (
        Tool::Postqueue,
        &["--time-style=iso", "--older", "2026-11-24", "-p"],
        0,
    ),
    (Tool::Postqueue, &["--count=reason"], 0),
    (Tool::Postqueue, &["--prometheus"], 0),
    (Tool::Postqueue, &["-f"], 69),
    (Tool::Mailq, &[], 0),
    (Tool::Sendmail, &["-bp"], 0),
    (Tool::Qshape, &["deferred", "hold"], 0),
    (Tool::Qshape, &["--by=reason", "--json", "deferred"], 0),
    (
        Tool::Postcat,
        &["-q", "MATCH", "--queue", "deferred,hold"],
        0,
    ),
    (Tool::Postcat, &["-q", "FFFFFFFF"], 1),
    (
        Tool::Postsuper,
        &["--dry-run", "-d", "MATCH", "--from", "*"],
        0,
    ),
    (Tool::Postsuper, &["--no-such-option"], 1),
];

/// What changes it, in this order.
const ACTING: [Call; 12] = [
    (Tool::Postsuper, &["-h", "ALL"], 0),
    (Tool::Postsuper, &["-H", "-"], 0),
    (Tool::Postsuper, &["-e", "ALL"], 0),
    (Tool::Postsuper, &["-f", "-"], 0),
    (Tool::Postsuper, &["--trash", "-d", "ALL", "deferred"], 0),
    (Tool::Postsuper, &["--trash-list"], 0),
    (Tool::Postsuper, &["--undo"], 0),
    (
        Tool::Postsuper,
        &["-h", "MATCH", "--from", "*", "--results=json"],
        0,
    ),
    (Tool::Postsuper, &["-s"], 0),
    (Tool::Postsuper, &["-p"], 0),
    (Tool::Postsuper, &["-r", "ALL"], 0),
    (Tool::Postsuper, &["-d", "-"], 0),
];

/// Runs a call below another program, with the IDs of all messages on its
/// standard input.
fn run_below(below: &[&str], instance: &Instance, (tool, arguments, _): Call) -> Output {
    let (program, rest) = below.split_first().expect("a program");
    let mut command = Command::new(program);
    command
        .args(rest)
        .arg(Program::Ours.path(tool, instance))
        .args(arguments)
        .env("MAIL_CONFIG", instance.etc())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().expect("it starts");
    collect(child, ids(instance).as_bytes(), PATIENCE)
}

/// The IDs of what is deferred or on hold.
fn ids(instance: &Instance) -> String {
    let call: Call = (Tool::Postqueue, &["--ids", "--queue", "deferred,hold"], 0);
    let mut command = Command::new(Program::Ours.path(call.0, instance));
    command.args(call.1).env("MAIL_CONFIG", instance.etc());
    let output = command.output().expect("our postqueue");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails if valgrind(1) finds anything in one of the calls.
fn check(calls: &[Call]) {
    if require(Needs::Time) == Met::No || require(Needs::Valgrind) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let found = instance.root().join("found");
    for &call in calls {
        let below = [
            "valgrind",
            "-q",
            "--vgdb=no",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
            &format!("--error-exitcode={FOUND}"),
            &format!("--log-file={}", found.display()),
        ];
        let output = run_below(&below, &instance, call);
        // Not empty for that alone: there are system calls it does not know.
        let text = fs::read_to_string(&found).expect("what it found");
        assert_eq!(
            output.ended,
            Ended::Exited(call.2),
            "{call:?}: {output:?}\n{text}"
        );
    }
}

#[test]
fn commands_that_look_use_only_their_own_memory_and_lose_none() {
    check(&LOOKING);
}

#[test]
fn commands_that_act_use_only_their_own_memory_and_lose_none() {
    check(&ACTING);
}

/// A queue of this many messages with logs, in 256 directories.
fn large(messages: u32) -> Instance {
    let instance = Instance::builder().set("hash_queue_depth", "2").build();
    for number in 0..messages {
        let recipient = format!("user{number}@dest.example");
        let lines = ["Subject: one of many", "", "text"];
        let file = QueueFile::new(sample::ARRIVAL, "sender@example.com", &[&recipient], &lines);
        let microseconds = number.wrapping_mul(7919) % 1_000_000;
        let name = Name::Short { microseconds };
        let placed = instance
            .spool()
            .put(&NewFile::new("deferred", file.to_bytes()).named(name));
        let log = sample::log(&[&recipient]);
        instance.spool().put_log("defer", &placed.name, &log);
    }
    instance
}

#[test]
fn a_large_queue_needs_no_more_descriptors_than_a_small_one() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let instance = large(1_500);
    let limit = format!("--nofile={OPEN_FILES}:{OPEN_FILES}");
    for call in LOOKING.into_iter().chain(ACTING) {
        let output = run_below(&["prlimit", &limit], &instance, call);
        let stderr = output.stderr_text();
        assert_eq!(output.ended, Ended::Exited(call.2), "{call:?}: {stderr}");
        assert!(
            !stderr.contains("Too many open files"),
            "{call:?}: {stderr}"
        );
    }
    let deferred = Path::new("deferred");
    let left = fs::read_dir(instance.spool().path(deferred)).expect("deferred");
    assert!(left.count() > 0, "directories stay");
    assert_eq!(ids(&instance), "", "all of it was requeued");
}
