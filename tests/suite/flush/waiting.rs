//! `--wait`: a started Postfix whose destination refuses mail, accepts it, or does
//! not answer; what is printed is what became of each message.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::delivery::Sink;
use crate::support::instance::{Instance, set_mode};
use crate::support::mail_system::MailSystem;
use crate::support::public;
use crate::support::public::{Service, read_until, send};
use crate::support::run::{Ended, Invocation, Output, Program, Tool, User};
use crate::support::{Met, Needs, require};

fn call(system: &MailSystem, arguments: &[&str], user: User) -> Invocation {
    Invocation::new(Tool::Postqueue, arguments)
        .user(user)
        .default_etc(&system.instance.etc())
}

fn run(system: &MailSystem, arguments: &[&str], user: User) -> Output {
    call(system, arguments, user).run(Program::Ours, &system.instance)
}

/// A system with deferred mail for these recipients, one message each.
fn deferred(recipients: &[&str]) -> (MailSystem, Vec<String>) {
    let builder = MailSystem::builder().set("fast_flush_domains", "a.example, b.example");
    let system = MailSystem::start(builder);
    for recipient in recipients {
        system.submit("sender@example.com", &[recipient], "subject: x\n\n");
    }
    let deferred = system.wait_for_deferred(recipients.len());
    (system, deferred)
}

#[test]
fn a_failed_attempt_shows_its_reason_and_a_delivery_leaves_the_queue() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let all = [
        "1@a.example",
        "2@a.example",
        "3@b.example",
        "4@b.example",
        "5@b.example",
        "6@a.example",
        "7@a.example",
    ];
    let (system, ids) = deferred(&all);
    let refused = |id: &str| {
        let start = format!("{id}: still deferred: connect to 127.0.0.1[127.0.0.1]:");
        move |line: &str| line.starts_with(&start) && line.ends_with(": Connection refused")
    };
    for (arguments, user) in [
        (["-i", &ids[0], "--wait=30s"], User::Caller),
        (["-i", &ids[0], "--wait=30s"], User::Nobody),
    ] {
        let output = run(&system, &arguments, user);
        assert_eq!(
            output.ended,
            Ended::Exited(1),
            "{output:?}\n{}",
            system.diagnosis()
        );
        let text = output.stdout_text();
        assert!(refused(&ids[0])(text.trim_end()), "{output:?}");
        assert_eq!(output.stderr_text(), "");
    }
    for (arguments, user) in [
        (&["-f", "--wait=30s"][..], User::Caller),
        (&["-f", "--wait=30s"], User::Nobody),
        (&["-i", "MATCH", "--from", "*", "--wait=30s"], User::Caller),
        (&["-i", "MATCH", "--from", "*", "--wait=30s"], User::Nobody),
    ] {
        let output = run(&system, arguments, user);
        assert_eq!(
            output.ended,
            Ended::Exited(1),
            "{output:?}\n{}",
            system.diagnosis()
        );
        let text = output.stdout_text();
        assert_eq!(text.lines().count(), all.len(), "{output:?}");
        for id in &ids {
            let line = text.lines().find(|line| line.starts_with(id.as_str()));
            let suspended = format!("{id}: still deferred: delivery temporarily suspended: ");
            let is_it = |line: &str| refused(id)(line) || line.starts_with(&suspended);
            assert!(line.is_some_and(is_it), "{id}: {output:?}");
        }
        assert!(
            output
                .stderr_text()
                .contains("Left the queue: 0, still waiting: 7"),
            "{output:?}"
        );
    }
    let _sink = Sink::listening_for(&system);
    for (arguments, user, count) in [
        (&["-i", ids[0].as_str(), "--wait"][..], User::Caller, 1),
        (&["-i", ids[1].as_str(), "--wait"], User::Nobody, 1),
        (&["-s", "a.example", "--wait"], User::Nobody, 2),
        (&["-s", "b.example", "--wait"], User::Caller, 1),
        (&["-f", "--wait"], User::Caller, 0),
    ] {
        let output = run(&system, arguments, user);
        assert_eq!(
            output.ended,
            Ended::Exited(0),
            "{output:?}\n{}",
            system.diagnosis()
        );
        let text = output.stdout_text();
        let left = text
            .lines()
            .filter(|line| line.ends_with(": left the queue"));
        // The first two messages may be for either site.
        assert_eq!(left.count(), text.lines().count(), "{output:?}");
        assert!(text.lines().count() >= count, "{arguments:?}: {output:?}");
    }
    assert!(
        system.names("deferred").is_empty(),
        "{}",
        system.diagnosis()
    );
}

#[test]
fn what_is_not_delivered_is_named_when_the_time_is_over_or_at_a_signal() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (system, ids) = deferred(&["1@a.example"]);
    // The destination accepts connections, and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", system.destination())).expect("a port");
    let output = run(&system, &["-i", &ids[0], "--wait=2s"], User::Caller);
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    let text = format!("{}: delivery is in progress after 2s\n", ids[0]);
    assert_eq!(output.stdout_text(), text, "{}", system.diagnosis());
    let mut command =
        call(&system, &["-f", "--wait=50s"], User::Caller).command(Program::Ours, &system.instance);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().expect("a program that starts");
    thread::sleep(Duration::from_millis(1500));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    kill(pid, Signal::SIGINT).expect("a signal");
    let ended: Ended = child.wait().expect("waitpid").into();
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("a pipe");
    pipe.read_to_string(&mut stderr).expect("standard error");
    assert_eq!(ended, Ended::Exited(130), "{stderr}");
    assert!(
        stderr.contains("stopped by SIGINT: 1 message left"),
        "{stderr}"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(silent);
}

#[test]
fn mail_on_hold_and_unknown_ids_do_not_wait() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (system, ids) = deferred(&["1@a.example"]);
    let held = system.tool("postsuper", &["-h", &ids[0]]);
    assert_eq!(held.ended, Ended::Exited(0), "{held:?}");
    for user in [User::Caller, User::Nobody] {
        let output = run(&system, &["-i", &ids[0], "--wait"], user);
        assert_eq!(
            output.stdout_text(),
            format!("{}: on hold\n", ids[0]),
            "{output:?}"
        );
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    }
    let none = run(&system, &["-i", "ABCDEF12", "--wait"], User::Caller);
    assert!(
        none.stderr_text()
            .contains("no message in the queue to wait for"),
        "{none:?}"
    );
    for (arguments, part) in [
        (&["-i", "no/id", "--wait"][..], "invalid name"),
        (&["-p", "--wait"], "--wait requires -f, -i or -s"),
        (
            &["-i", "MATCH", "--from=x", "--dry-run", "--wait"],
            "without --dry-run",
        ),
        (&["-f", "--wait=soon"], "give a time"),
    ] {
        let output = run(&system, arguments, User::Caller);
        assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
        assert!(output.stderr_text().contains(part), "{output:?}");
    }
}

/// A message on its way from a queue to another can be missing from a listing. It
/// was said to have left the queue.
#[test]
fn a_message_that_is_missing_from_one_listing_has_not_left_the_queue() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let id = "3A78999C0FE";
    let directory = public::directory(&instance);
    let bytes = |text: &str| text.replace('|', "\0").into_bytes();
    let listed = |reason: &str| {
        bytes(&format!(
            "protocol|mail_queue_list_protocol||queue_name|deferred|queue_id|{id}|time|7|size|8|\
             forced_expire|0|sender|s|recipient|r|reason|{reason}|||"
        ))
    };
    let nothing = bytes("protocol|mail_queue_list_protocol|||");
    // For the choice of messages and their state before, and two after the flush.
    let answers = [listed("first"), listed("first"), nothing, listed("second")];
    let showq = directory.join("showq");
    let listener = UnixListener::bind(&showq).expect("a socket");
    set_mode(&showq, 0o777);
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a caller");
            send(&mut stream, &answer);
        }
    });
    let done = bytes("status|0||");
    let flush = Service::listen(&directory.join("flush"), move |mut stream| {
        let request = read_until(&mut stream, b"\0\0");
        send(&mut stream, &done);
        request
    });
    let call = Invocation::new(Tool::Postqueue, ["-i", id, "--wait=20s"])
        .user(User::Nobody)
        .default_etc(&instance.etc());
    let output = call.run(Program::Ours, &instance);
    let lines = output.stdout_text();
    let expected = format!("{id}: still deferred: second\n");
    assert_eq!(lines, expected, "{output:?}");
    assert!(!flush.taken().is_empty());
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
}
