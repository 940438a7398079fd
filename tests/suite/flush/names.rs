//! sendmail -q, -qR, -qI and postfix flush: other names for what postqueue
//! does, with checks and words of their own.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;

use spoolbox::release::Feature;

use crate::support::compare::{same, same_output};
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::pty;
use crate::support::public;
use crate::support::public::{Fifo, Service, read_until, send};
use crate::support::run::{Ended, Invocation, Output, Program, Tool, User};
use crate::support::{Met, Needs, installed_release, require, under_test};

/// Command lines of sendmail that list or flush, or look as if they did.
const SENDMAIL: [&[&str]; 51] = [
    &["-q"],
    &["-qRexample.com"],
    &["-qR", "example.com"],
    &["-qIABC"],
    &["-qRa..b"],
    &["-qI-"],
    &["-qRother.example"],
    &["-q", "x"],
    &["-qRexample.com", "x"],
    &["-qIABC", "x"],
    &["-qIABC", "-bm", "x"],
    &["-qRa..b", "x"],
    &["-qIABC", "-qRexample.com"],
    &["-qRexample.com", "-qIABC"],
    &["-qRexample.com", "-qIABC", "x"],
    &["-qIABC", "-qRexample.com", "-q"],
    &["-qRexample.com", "-qIABC", "-q"],
    &["-qIABC", "-qIDEF"],
    &["-q", "-bp"],
    &["-bp", "-q"],
    &["-q", "-q"],
    &["-q", "-bv"],
    &["-bv", "-q"],
    &["-bp", "-bv"],
    &["-q", "-t"],
    &["-qIABC", "-t"],
    &["-t", "-qRexample.com"],
    &["-bp", "-qIABC"],
    &["-bm", "-qIABC"],
    &["-bs", "-bv", "-qRexample.com"],
    &["-bs", "-bm", "-qRexample.com"],
    &["-qX"],
    &["-qR"],
    &["-qI"],
    &["-q30m"],
    &["-C", "main.cf", "-q"],
    &["-q30m", "-bz"],
    &["-q30m", "-bp", "x"],
    &["-q30m", "-t"],
    &["-q30m", "-bp"],
    &["-q30m", "-q"],
    &["-q30m", "-Nx", "x"],
    &["-q30m", "-qRexample.com"],
    &["-bh"],
    &["-bH", "x"],
    &["-bh", "-bp"],
    &["-bp", "-bh"],
    &["-bh", "-t"],
    &["-qIABC", "-bH"],
    &["-qRexample.com", "-f", "x"],
    &["-qGfoo"],
];

/// Runs a call with daemons that record what they are sent.
fn recorded(program: Program, instance: &Instance, call: &Invocation) -> (Output, Vec<Vec<u8>>) {
    public::clear(instance);
    let place = |name: &str| public::directory(instance).join(name);
    let fifos = [Fifo::make(&place("qmgr")), Fifo::make(&place("pickup"))];
    let flush = Service::listen(&place("flush"), |mut stream| {
        if installed_release().has(Feature::DaemonsGreet) {
            send(&mut stream, b"protocol\0queue_flush_protocol\0\0");
        }
        let request = read_until(&mut stream, b"\0\0");
        send(&mut stream, b"status\x000\0\0");
        request
    });
    let output = call.run(program, instance);
    let mut sent: Vec<_> = fifos.into_iter().map(Fifo::taken).collect();
    sent.push(flush.taken());
    (output, sent)
}

#[test]
fn sendmail_flushes_with_the_same_checks_and_the_same_request() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let builder = || Instance::builder().set("relay_domains", "example.com");
    thread::scope(|scope| {
        for arguments in SENDMAIL {
            scope.spawn(move || {
                let instance = builder().build();
                for tool in [Tool::Sendmail, Tool::Mailq] {
                    let call = Invocation::new(tool, arguments).env("MAIL_CONFIG", instance.etc());
                    public::clear(&instance);
                    same_output(&instance, &call).unwrap_or_else(|text| panic!("{text}"));
                    let (theirs, sent_by_theirs) = recorded(Program::Theirs, &instance, &call);
                    let (ours, sent_by_ours) = recorded(under_test(), &instance, &call);
                    same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
                    assert_eq!(sent_by_ours, sent_by_theirs, "{arguments:?}");
                }
            });
        }
    });
}

#[test]
fn what_sendmail_does_beside_that_is_refused_before_a_message_is_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for arguments in [
        &["user@example.com"][..],
        &["-t"],
        &["-bs"],
        &["-bi"],
        &["-I"],
    ] {
        let call = Invocation::new(Tool::Sendmail, arguments)
            .env("MAIL_CONFIG", instance.etc())
            .stdin(b"subject: lost?\n\n");
        let output = call.run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(69), "{arguments:?}: {output:?}");
        let text = output.stderr_text();
        assert_eq!(
            text,
            "sendmail: fatal: this sendmail only lists and flushes the queue\n"
        );
    }
}

/// What the command line of postfix can be, with `@ETC@`.
const POSTFIX: [&[&str]; 12] = [
    &["-c", "@ETC@", "flush"],
    &["-c", "@ETC@/", "flush"],
    &["-c", "@ETC@", "flush", "x"],
    &["-c", "@ETC@", "-D", "flush"],
    &["-c@ETC@", "--", "flush"],
    &["-c", "relative", "flush"],
    &["-c", "/nonexistent", "flush"],
    &["-c"],
    &["-x"],
    &["-vx"],
    &["-vcrelative"],
    &["-x", "-c", "@ETC@", "flush"],
];

const POSTFIX_SETTINGS: [&str; 7] = [
    "",
    "command_directory = /nonexistent",
    "daemon_directory = /nonexistent",
    "queue_directory = /nonexistent",
    "mail_owner = nosuch",
    "a = b\na = c",
    "hash_queue_depth = x",
];

#[test]
fn postfix_flush_has_the_same_words_on_a_terminal_and_elsewhere() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for settings in POSTFIX_SETTINGS {
            scope.spawn(move || {
                let instance = Instance::builder().append(&format!("{settings}\n")).build();
                for arguments in POSTFIX {
                    let call = postfix(&instance, arguments);
                    same_output(&instance, &call).unwrap_or_else(|text| panic!("{text}"));
                    let theirs = on_terminal(&call, Program::Theirs, &instance);
                    let ours = on_terminal(&call, under_test(), &instance);
                    assert_eq!(ours, theirs, "{settings:?} {arguments:?}");
                }
            });
        }
    });
}

/// Levels before and after the newest one of every release.
const LEVELS: [&str; 9] = ["", "0", "1", "2", "3.5", "3.6", "3.6.1", "3.11", "4"];

#[test]
fn postfix_flush_says_the_same_of_an_old_compatibility_level() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for level in LEVELS {
            scope.spawn(move || {
                let builder = postlog::configure(Instance::builder());
                let instance = builder.set("compatibility_level", level).build();
                let log = Postlog::start(&instance);
                let call = postfix(&instance, &["-c", "@ETC@", "flush"]);
                let seen = |program| {
                    let piped = call.run(program, &instance);
                    let shown = on_terminal(&call, program, &instance);
                    (piped.stderr_text(), shown, log.take())
                };
                let theirs = seen(Program::Theirs);
                assert_eq!(seen(under_test()), theirs, "{level:?}");
            });
        }
    });
}

#[test]
fn postfix_flush_sends_what_postqueue_does() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let call = postfix(&instance, &["-c", "@ETC@", "flush"]);
    let (theirs, sent_by_theirs) = recorded(Program::Theirs, &instance, &call);
    let (ours, sent_by_ours) = recorded(under_test(), &instance, &call);
    same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(sent_by_ours, sent_by_theirs);
    assert_eq!(sent_by_theirs[0], b"FADI");
}

#[test]
fn postfix_is_for_the_superuser_before_its_options_are_looked_at() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for arguments in [&["-c", "@ETC@", "flush"][..], &["-x"]] {
        let call = postfix(&instance, arguments).user(User::Id(4242));
        // Ours as installed: with the rights of its caller alone.
        let run = |path: &std::path::Path| {
            let mut command = Command::new(path);
            std::os::unix::process::CommandExt::arg0(&mut command, "postfix");
            std::os::unix::process::CommandExt::uid(&mut command, 4242);
            std::os::unix::process::CommandExt::gid(&mut command, 4242);
            command.args(&call.args).env_clear().current_dir("/");
            terminal(command)
        };
        let theirs = run(std::path::Path::new("/usr/sbin/postfix"));
        let ours = run(&instance.set_gid_program());
        assert_eq!(ours, theirs, "{arguments:?}");
    }
}

fn postfix(instance: &Instance, arguments: &[&str]) -> Invocation {
    let etc = instance.etc().display().to_string();
    let arguments = arguments.iter().map(|text| text.replace("@ETC@", &etc));
    Invocation::new(Tool::Postfix, arguments)
}

fn on_terminal(call: &Invocation, program: Program, instance: &Instance) -> (Ended, String) {
    terminal(call.command(program, instance))
}

/// Runs a command with its standard error on a terminal, and returns what was
/// to be read there.
fn terminal(mut command: Command) -> (Ended, String) {
    let pty = pty::open();
    let other: OwnedFd = pty.slave.as_fd().try_clone_to_owned().expect("dup");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(other);
    let mut child = command.spawn().expect("it starts");
    drop((command, pty.slave));
    let mut text = Vec::new();
    let mut screen = File::from(pty.master);
    let mut buffer = [0; 4096];
    // A terminal that nobody has open any more is an error to read from.
    while let Ok(length @ 1..) = screen.read(&mut buffer) {
        text.extend(&buffer[..length]);
    }
    let ended = child.wait().expect("its end").into();
    (ended, String::from_utf8_lossy(&text).into_owned())
}
