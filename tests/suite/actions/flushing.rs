//! `postqueue -i MATCH` asks the flush daemon for each message that matches,
//! as a loop of `postqueue -i` does.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolbox::release::Feature;

use super::Filled;
use crate::support::instance::{Instance, set_mode};
use crate::support::pipeline::pipeline_of;
use crate::support::public::{read_until, send};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, installed_release, require};

/// A flush daemon that takes every request.
pub(super) struct Daemon {
    path: std::path::PathBuf,
    /// The number of requests so far.
    count: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<String>>,
}

impl Daemon {
    pub(super) fn start(filled: &Filled, answer: &'static [u8]) -> Self {
        let path = filled.instance.queue_directory().join("public/flush");
        let listener = UnixListener::bind(&path).expect("a socket");
        set_mode(&path, 0o777);
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let thread = thread::spawn(move || {
            let mut taken = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().expect("a caller");
                if installed_release().has(Feature::DaemonsGreet) {
                    send(&mut stream, b"protocol\0queue_flush_protocol\0\0");
                }
                let request = read_until(&mut stream, b"\0\0");
                if request.is_empty() {
                    return taken;
                }
                send(&mut stream, answer);
                taken.push(String::from_utf8_lossy(&request).replace('\0', "|"));
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self {
            path,
            count,
            thread,
        }
    }

    /// The requests. The last connection, made here, requests nothing.
    pub(super) fn taken(self) -> Vec<String> {
        drop(UnixStream::connect(&self.path));
        let taken = self.thread.join().expect("the daemon");
        std::fs::remove_file(&self.path).expect("unlink");
        taken
    }
}

pub(super) const DONE: &[u8] = b"status\x000\0\0";

fn postqueue(filled: &Filled, arguments: &[&str]) -> Output {
    Invocation::new(Tool::Postqueue, arguments)
        .env("MAIL_CONFIG", filled.instance.etc())
        .run(Program::Ours, &filled.instance)
}

#[test]
fn each_message_that_matches_is_requested() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let filled = Filled::new();
    let daemon = Daemon::start(&filled, DONE);
    let output = postqueue(&filled, &["-i", "MATCH", "--from", "offers@bulk.example"]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(
        output.stderr_text().lines().last(),
        Some("postqueue: Flushed: 3 messages")
    );
    assert!(output.stdout.is_empty(), "{output:?}");
    let ours = daemon.taken();
    let script = "ids=$(mailq | awk '$7 == \"offers@bulk.example\" { print $1 }' | tr -d '*!#'); \
                  for id in $ids; do postqueue -i $id; done";
    let daemon = Daemon::start(&filled, DONE);
    let piped = pipeline_of(Program::Theirs, &filled.instance, script);
    assert_eq!(piped.ended, Ended::Exited(0), "{piped:?}");
    assert_eq!(ours, daemon.taken());
    assert_eq!(ours.len(), 3, "{ours:?}");
}

#[test]
fn limits_and_rates_are_kept() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let daemon = Daemon::start(&filled, DONE);
    let begun = Instant::now();
    let matching = [
        "-i", "MATCH", "--from", "re:.", "--limit", "4", "--rate", "10/s",
    ];
    let output = postqueue(&filled, &matching);
    assert!(
        output.stderr_text().ends_with("Flushed: 4 messages\n"),
        "{output:?}"
    );
    assert!(begun.elapsed() >= Duration::from_millis(290));
    assert_eq!(daemon.taken().len(), 4);
}

#[test]
fn a_dry_run_lists_and_asks_nobody() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let daemon = Daemon::start(&filled, DONE);
    let selection = ["--queue", "deferred", "--limit", "2"];
    let dry = postqueue(
        &filled,
        &[&["-i", "MATCH", "--dry-run"], &selection[..]].concat(),
    );
    let listing = postqueue(&filled, &[&["-p"], &selection[..]].concat());
    assert_eq!(dry.stdout_text(), listing.stdout_text());
    assert_eq!(
        dry.stderr_text(),
        listing.stderr_text() + "postqueue: Would be flushed: 2 messages\n"
    );
    assert_eq!(daemon.taken(), Vec::<String>::new());
}

#[test]
fn a_signal_ends_the_wait_and_says_what_is_left() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let daemon = Daemon::start(&filled, DONE);
    let arguments = ["-i", "MATCH", "--from", "re:.", "--rate", "1/h"];
    let child = Invocation::new(Tool::Postqueue, arguments)
        .env("MAIL_CONFIG", filled.instance.etc())
        .command(Program::Ours, &filled.instance)
        .stderr(Stdio::piped())
        .spawn()
        .expect("postqueue starts");
    // The first was asked for when the wait has begun.
    thread::sleep(Duration::from_millis(1500));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("kill");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8_lossy(&output.stderr);
    let end = "postqueue: Flushed: 1 message\n\
               postqueue: warning: stopped by SIGINT: 9 messages left\n";
    assert!(text.ends_with(end), "{text}");
    assert_eq!(daemon.taken().len(), 1);
}

#[test]
fn matching_nothing_is_no_error_and_a_missing_daemon_is_one() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let none = postqueue(&filled, &["-i", "MATCH", "--from", "x@y.example"]);
    assert_eq!(none.ended, Ended::Exited(0), "{none:?}");
    assert!(
        none.stderr_text()
            .ends_with("postqueue: Flushed: 0 messages\n")
    );
    let down = postqueue(&filled, &["-i", "MATCH", "--from", "root"]);
    assert_eq!(down.ended, Ended::Exited(69), "{down:?}");
    let text = down.stderr_text();
    assert!(
        text.contains("Cannot flush mail queue - mail system is down"),
        "{text}"
    );
    let daemon = Daemon::start(&filled, b"status\0-1\0\0");
    let failed = postqueue(&filled, &["-i", "MATCH", "--from", "re:."]);
    assert_eq!(failed.ended, Ended::Exited(69), "{failed:?}");
    assert_eq!(daemon.taken().len(), 1);
}

#[test]
fn contradictions_are_refused() {
    let filled = Filled::new();
    for (arguments, part) in [
        (&["-i", "MATCH"][..], "MATCH needs a selection"),
        (&["-i", "ABC", "--from", "x"], "use -i MATCH"),
        (&["-p", "--rate", "3/s"], "--rate requires -i MATCH"),
        (&["-p", "--dry-run"], "--dry-run requires -i MATCH"),
        (&["-f", "--dry-run"], "--dry-run requires -i MATCH"),
        (
            &["-i", "MATCH", "--from", "x", "--limit=1", "--limit=5"],
            "--limit is given twice",
        ),
        (
            &["-i", "MATCH", "--from", "x", "--rate=1/s", "--rate=9/s"],
            "--rate is given twice",
        ),
        (
            &["-i", "MATCH", "--from", "x", "--rate", "0/s"],
            "10/s, 30/m",
        ),
        (
            &["-i", "MATCH", "--from", "x", "--sort", "id"],
            "--sort requires a listing",
        ),
    ] {
        let output = postqueue(&filled, arguments);
        assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
        let text = output.stderr_text();
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}

/// The process that flushed for one of several instances went on without the one
/// that was killed.
#[test]
fn a_killed_call_for_all_instances_flushes_nothing_more() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let directory = filled.instance.etc().display().to_string();
    let main = Instance::builder()
        .set("multi_instance_directories", &directory)
        .build();
    let daemon = Daemon::start(&filled, DONE);
    let matching = [
        "-i",
        "MATCH",
        "--from",
        "re:.",
        "--all-instances",
        "--rate",
        "2/s",
    ];
    let mut child = Invocation::new(Tool::Postqueue, matching)
        .env("MAIL_CONFIG", main.etc())
        .command(Program::Ours, &main)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postqueue starts");
    while daemon.count.load(Ordering::SeqCst) == 0 {
        assert!(child.try_wait().expect("a status").is_none(), "too fast");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it runs");
    // Standard error is open as long as one of the processes lives.
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    child.wait().expect("it ended");
    assert!(said.contains("stopped by SIGTERM"), "{said}");
    assert!(daemon.taken().len() < 3, "{said}");
}
