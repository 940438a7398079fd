//! A signal ends the work also within one message: one that is as large as a
//! queue takes many seconds to read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::{call, messages};
use crate::support::instance::Instance;
use crate::support::run::Program;
use crate::support::spool::NewFile;
use crate::support::under_test;
use crate::support::{Met, Needs, require};

/// Bytes of the message, at two to fifteen a record.
const SIZE: usize = 200 << 20;
/// What it takes to be in the middle of it.
const WHILE: Duration = Duration::from_millis(700);
/// What it may take to end, on a machine that is busy.
const SOON: Duration = Duration::from_secs(5);

/// A message with very many records of one kind after its beginning.
fn message(kind: RecordType, data: &[u8]) -> Vec<u8> {
    let mut start = RecordWriter::new();
    start.record(RecordType::TIME, b"1795438815 0");
    start.record(RecordType::SENDER, b"a@example.com");
    if kind == RecordType::TEXT || kind == RecordType::UNTERMINATED_TEXT {
        start.record(RecordType::CONTENT, b"");
        start.record(RecordType::TEXT, b"subject: a message");
        start.record(RecordType::TEXT, b"");
    }
    let mut one = RecordWriter::new();
    one.record(kind, data);
    let one = one.into_bytes();
    let mut file = start.into_bytes();
    file.extend(one.repeat(SIZE / one.len()));
    file
}

/// Runs a command on the message, and interrupts it in the middle.
fn interrupted(kind: RecordType, data: &[u8], arguments: &[&str], signal: Signal) {
    let instance = Instance::builder().in_memory().build();
    instance
        .spool()
        .put(&NewFile::new("hold", message(kind, data)));
    let before = messages(&instance);
    let mut command = call(&instance, arguments, "").command(under_test(), &instance);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    thread::sleep(WHILE);
    let running = child.try_wait().expect("a child").is_none();
    assert!(
        running,
        "{arguments:?} had ended before: the message is too small"
    );
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    kill(pid, signal).expect("a signal");
    let sent = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if sent.elapsed() > SOON => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{arguments:?} goes on after {signal}");
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    assert_eq!(status.code(), Some(signal as i32), "{arguments:?}");
    assert_eq!(messages(&instance), before, "{arguments:?}");
}

#[test]
fn every_signal_ends_the_look_at_the_recipients_of_one_message() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let arguments = ["-d", "MATCH", "--to", "nobody@example.com"];
        interrupted(RecordType::RECIPIENT, b"b", &arguments, signal);
    }
}

#[test]
fn a_signal_ends_the_look_at_the_text_of_one_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let arguments = ["-d", "MATCH", "--body", "*nothing*"];
    interrupted(RecordType::TEXT, b"", &arguments, Signal::SIGTERM);
    interrupted(
        RecordType::UNTERMINATED_TEXT,
        b"",
        &arguments,
        Signal::SIGTERM,
    );
}

#[test]
fn a_signal_ends_a_dry_run_within_one_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for arguments in [
        &["--dry-run", "-d", "MATCH", "--to", "nobody@example.com"][..],
        &["--dry-run", "-r", "ALL"],
    ] {
        interrupted(RecordType::ATTRIBUTE, b"", arguments, Signal::SIGINT);
    }
}

/// With too few descriptors everything is done, or the status says that it
/// was not.
#[test]
fn running_out_of_descriptors_is_an_error() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let commands: [&[&str]; 8] = [
        &["-r", "-"],
        &["-h", "-"],
        &["-e", "-"],
        &["-d", "-"],
        &["-f", "-"],
        &["-r", "ALL"],
        &["-e", "ALL"],
        &["-h", "MATCH", "--from", "*"],
    ];
    let mut errors = 0;
    for arguments in commands {
        for descriptors in 5..20 {
            let instance = Instance::builder().in_memory().build();
            let queue = "active";
            let text = message_with_sender();
            let placed: Vec<_> = (0..3)
                .map(|_| instance.spool().put(&NewFile::new(queue, text.clone())))
                .collect();
            let ids: String = placed.iter().map(|p| format!("{}\n", p.id())).collect();
            let plain = call(&instance, arguments, &ids);
            let inner = plain.command(Program::Ours, &instance);
            let mut command = std::process::Command::new("prlimit");
            command
                .arg(format!("--nofile={descriptors}"))
                .arg(inner.get_program());
            command.args(arguments).env("MAIL_CONFIG", instance.etc());
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let child = command.spawn().expect("prlimit");
            let output = crate::support::run::collect(child, ids.as_bytes(), SOON * 4);
            let is_done = placed.iter().all(|placed| {
                let found = fs::metadata(instance.spool().path(&placed.path));
                found.is_ok_and(|found| found.permissions().mode() & 0o010 != 0)
                    || !instance.spool().path(&placed.path).exists()
            });
            let has_failed = output.ended != crate::support::run::Ended::Exited(0);
            errors += u32::from(has_failed);
            assert!(
                is_done || has_failed,
                "{arguments:?} with {descriptors} descriptors: {output:?}"
            );
        }
    }
    assert!(errors > 0, "there were enough descriptors for all");
}

fn message_with_sender() -> Vec<u8> {
    let lines = ["subject: a message", "", "text"];
    let file = spoolbox::queue_file::records::writer::QueueFile::new(
        crate::support::sample::ARRIVAL,
        "a@example.com",
        &["b@example.com"],
        &lines,
    );
    file.to_bytes()
}
