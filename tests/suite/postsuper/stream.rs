//! `-` reads a stream: results appear while a slow producer is still writing, a long
//! stream needs no more memory, and a signal ends the wait.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{call, ours, put};
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Program};
use crate::support::spool::{Name, NewFile, Placed};
use crate::support::{Extent, Met, Needs, require};

/// No result should take so long.
const AT_ONCE: Duration = Duration::from_secs(10);

fn start(instance: &Instance, arguments: &[&str]) -> Child {
    let call = call(instance, arguments, "");
    // nohup(1) has its children ignore SIGHUP, and ours would too.
    let mut command = Command::new("env");
    command
        .arg("--default-signal=HUP")
        .arg(Program::Ours.path(call.tool, instance))
        .args(&call.args)
        .envs(call.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().expect("postsuper starts")
}

#[test]
fn a_slow_producer_sees_each_result_before_it_says_more() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let messages: Vec<Placed> = (0..5).map(|n| put(&instance, "deferred", n)).collect();
    let mut child = start(&instance, &["-h", "-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    for message in &messages {
        let begun = Instant::now();
        // The newline comes late, as it does from a person.
        stdin.write_all(message.id().as_bytes()).expect("a reader");
        stdin.write_all(b"\n").expect("a reader");
        let line = lines.next().expect("a line").expect("text");
        assert_eq!(line, format!("postsuper: {}: placed on hold", message.id()));
        assert!(begun.elapsed() < AT_ONCE);
        assert!(instance.spool().path("hold").join(message.id()).exists());
    }
    drop(stdin);
    let last = lines.next().expect("a line").expect("text");
    assert_eq!(last, "postsuper: Placed on hold: 5 messages");
    assert!(child.wait().expect("its end").success());
}

#[test]
fn results_come_in_the_order_of_the_input() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = postlog::configure(Instance::builder()).build();
    let log = Postlog::start(&instance);
    let messages: Vec<Placed> = (0..3_000)
        .map(|number| {
            let name = Name::Short {
                microseconds: number * 331,
            };
            let file = NewFile::new("deferred", Vec::new()).named(name);
            instance.spool().put(&file)
        })
        .collect();
    let mut stdin = String::new();
    let mut expected = String::new();
    for (number, message) in messages.iter().rev().enumerate() {
        // Twice the same is acted on once; junk is answered in its place.
        stdin.push_str(&format!("{0}\n{0}\n", message.id()));
        expected.push_str(&format!("postsuper: {}: removed\n", message.id()));
        if number % 7 == 0 {
            stdin.push_str("junk!\n");
            expected.push_str("postsuper: warning: invalid mail queue id: junk!\n");
        }
    }
    expected.push_str("postsuper: Deleted: 3000 messages\n");
    let output = ours(&instance, &["-d", "-"], &stdin);
    assert_eq!(output.ended, Ended::Exited(0));
    assert!(output.stderr_text() == expected, "another order");
    let logged: String = log
        .take()
        .iter()
        .filter_map(|line| {
            line.split_once(": ")
                .map(|(_, text)| format!("postsuper: {text}\n"))
        })
        .collect();
    assert!(logged == expected, "another order in the log");
}

/// Peak memory after that many lines, in KiB.
fn peak_memory(instance: &Instance, lines: usize) -> u64 {
    let last = put(instance, "hold", 0x77_777);
    let mut child = start(instance, &["-d", "-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut text = String::new();
    for number in 0..lines {
        text.push_str(&format!("{number:05X}FFFFFF{number:X}\n"));
        if text.len() > 60_000 {
            stdin.write_all(text.as_bytes()).expect("a reader");
            text.clear();
        }
    }
    text.push_str(&format!("{}\n", last.id()));
    stdin.write_all(text.as_bytes()).expect("a reader");
    // Results come in order: after this one all lines have been read.
    let removed = stderr.next().expect("a line").expect("text");
    assert_eq!(removed, format!("postsuper: {}: removed", last.id()));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("status");
    drop(stdin);
    assert!(child.wait().expect("its end").success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.split_whitespace().next());
    peak.expect("VmHWM").parse().expect("a number")
}

#[test]
fn very_many_ids_need_no_more_memory_than_a_thousand() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let thousand = peak_memory(&instance, 1_000);
    let very_many = match Extent::from_environment() {
        Extent::Sample => 100_000,
        _ => 1_000_000,
    };
    let peak = peak_memory(&instance, very_many);
    assert!(peak < thousand + 2_048, "{thousand} KiB, then {peak} KiB");
}

#[test]
fn a_line_without_end_needs_no_memory() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let output = ours(&instance, &["-d", "-"], &"x".repeat(20_000_000));
    assert_eq!(output.ended, Ended::Exited(0));
    assert!(output.stderr.len() < 100_000);
    assert!(output.stderr_text().contains("invalid mail queue id: xxx"));
}

#[test]
fn a_signal_ends_the_wait_with_its_number() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for signal in [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
    ] {
        for (arguments, warns) in [(&["-d", "-"][..], false), (&["-s", "-d", "-"], true)] {
            let instance = Instance::builder().build();
            let misplaced = NewFile::new("hold", Vec::new());
            let misplaced = misplaced.at(crate::support::spool::Place::Below("A".into()));
            instance.spool().put(&misplaced);
            let message = put(&instance, "deferred", 1);
            let mut child = start(&instance, arguments);
            let mut stdin = child.stdin.take().expect("a pipe");
            let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
            stdin
                .write_all(format!("{}\n", message.id()).as_bytes())
                .expect("a reader");
            let removed = stderr.next().expect("a line").expect("text");
            assert!(removed.ends_with(": removed"), "{removed}");
            kill(
                Pid::from_raw(i32::try_from(child.id()).expect("a pid")),
                signal,
            )
            .expect("kill");
            let rest: Vec<String> = stderr.map(|line| line.expect("text")).collect();
            let incomplete = "postsuper: warning: OPERATION INCOMPLETE -- RERUN COMMAND \
                              TO FIX THE QUEUE FIRST";
            let expected: &[&str] = if warns { &[incomplete] } else { &[] };
            assert_eq!(rest, expected);
            assert_eq!(child.wait().expect("its end").code(), Some(signal as i32));
        }
    }
}
