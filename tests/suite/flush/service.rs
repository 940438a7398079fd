//! The flush service: the requests of both programs to a daemon of the test's own, and
//! their reactions to its answers, right and wrong.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use spoolbox::release::Feature;

use super::postqueue;
use crate::support::compare::same;
use crate::support::instance::Instance;
use crate::support::public;
use crate::support::public::{Service, read_until, send};
use crate::support::run::{Ended, Output, Program};
use crate::support::{Met, Needs, installed_release, require, under_test};

const GREETING: &str = "protocol|queue_flush_protocol||";

/// Longer than a greeting is waited for before the request is sent.
const LATE: Duration = Duration::from_millis(1500);

/// A flush daemon that greets after a while, waits for the request, answers, and goes after
/// a while. Bars stand for NULs.
#[derive(Clone, Copy, Debug)]
struct Daemon {
    comes_after: Duration,
    greeting: &'static str,
    answer: &'static str,
    stays: Duration,
}

impl Daemon {
    fn saying(greeting: &'static str, answer: &'static str) -> Self {
        Self {
            comes_after: Duration::ZERO,
            greeting,
            answer,
            stays: Duration::ZERO,
        }
    }

    /// The same conversation with the installed release's daemon: before 3.6 it
    /// does not greet. `None` if it is about the greeting then.
    fn of_release(self) -> Option<Self> {
        if installed_release().has(Feature::DaemonsGreet) || self.greeting.is_empty() {
            return Some(self);
        }
        let greeting = self.greeting.strip_prefix(GREETING)?;
        greeting.is_empty().then_some(Self { greeting, ..self })
    }

    fn serve(self, mut stream: UnixStream) -> Vec<u8> {
        thread::sleep(self.comes_after);
        send(&mut stream, &bytes(self.greeting));
        let request = match self.answer {
            "" => Vec::new(),
            _ => read_until(&mut stream, b"\0\0"),
        };
        send(&mut stream, &bytes(self.answer));
        thread::sleep(self.stays);
        request
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.replace('|', "\0").into_bytes()
}

fn ask(
    program: Program,
    instance: &Instance,
    daemon: Daemon,
    arguments: &[&str],
) -> (Output, Vec<u8>) {
    public::clear(instance);
    let path = public::directory(instance).join("flush");
    let service = Service::listen(&path, move |stream| daemon.serve(stream));
    let output = postqueue(instance, arguments).run(program, instance);
    (output, service.taken())
}

/// Both programs in the same conversation; returns what it looked like, if the
/// installed release has it.
fn compare(daemon: Daemon, arguments: &[&str]) -> Option<(Output, Vec<u8>)> {
    let daemon = daemon.of_release()?;
    let compared = compare_once(daemon, arguments);
    // The words have errno in them, which depends on how long the daemon took
    // to be scheduled.
    let compared = compared.or_else(|_| compare_once(daemon, arguments));
    Some(compared.unwrap_or_else(|text| panic!("{daemon:?}\n{text}")))
}

fn compare_once(daemon: Daemon, arguments: &[&str]) -> Result<(Output, Vec<u8>), String> {
    // One that comes late is waited for.
    let timeout = 1 + daemon.comes_after.as_secs() * 10;
    let instance = Instance::builder()
        .set("ipc_timeout", &format!("{timeout}s"))
        .set("relay_domains", "example.com")
        .build();
    let (theirs, asked_by_theirs) = ask(Program::Theirs, &instance, daemon, arguments);
    let (ours, asked_by_ours) = ask(under_test(), &instance, daemon, arguments);
    same(&postqueue(&instance, arguments), &ours, &theirs)?;
    assert_eq!(asked_by_ours, asked_by_theirs, "{daemon:?}");
    Ok((theirs, asked_by_theirs))
}

#[test]
fn one_message_and_one_site_are_asked_for_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let done = Daemon::saying(GREETING, "status|0||");
    let (output, request) = compare(done, &["-i", "3A78999CD00"]).expect("a request");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(request, bytes("request|send_file|queue_id|3A78999CD00||"));
    let (output, request) = compare(done, &["-s", "Example.Com"]).expect("a request");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(request, bytes("request|send_site|site|Example.Com||"));
}

#[test]
fn every_status_has_the_same_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let answers = [
        "status|0||",
        "status|1||",
        "status|3||",
        "status|4||",
        "status|5||",
        "status|-1||",
        "status|-2||",
        "status| 7||",
        "status|+7||",
        "status|x||",
        "status|||",
        "status|7x||",
        "status|99999999999||",
        "status|4294967295||",
        "status|4294967297||",
    ];
    thread::scope(|scope| {
        for answer in answers {
            scope.spawn(move || {
                for arguments in [["-i", "ABC"], ["-s", "example.com"]] {
                    compare(Daemon::saying(GREETING, answer), &arguments);
                }
            });
        }
    });
}

#[test]
fn a_conversation_that_goes_wrong_ends_with_the_same_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let greetings = [
        "prot",
        "protocol|",
        "protocol|queue",
        "protocol|queue_flush_protocol|",
        "protocol|queue_flush_protocol|x",
        "protocol|||",
        "protocol|other||",
        "protocol|o\u{1}th\u{1b}er||",
    ];
    let answers = [
        "stat",
        "status|",
        "status|12",
        "status|0|",
        "status|0|x",
        "status|0|x|y",
        "status|0|x|y||",
        "stat|0||",
        "|",
    ];
    let wrong_greetings = [
        "proto|queue_flush_protocol||",
        "|",
        "protocol|queue_flush_protocol|x|y||",
        // What comes before it was asked is no answer.
        "protocol|queue_flush_protocol||status|3||",
    ];
    let soon = [Duration::ZERO, Duration::from_millis(2500)];
    thread::scope(|scope| {
        for stays in soon {
            let daemon = move |greeting, answer| Daemon {
                comes_after: Duration::ZERO,
                greeting,
                answer,
                stays,
            };
            for greeting in greetings {
                // It has to see the end of the greeting, not of the daemon.
                let stays = stays.max(Duration::from_millis(100));
                let daemon = Daemon {
                    stays,
                    ..daemon(greeting, "")
                };
                scope.spawn(move || compare(daemon, &["-i", "ABC"]));
            }
            for answer in answers {
                scope.spawn(move || compare(daemon(GREETING, answer), &["-i", "ABC"]));
            }
            for greeting in wrong_greetings {
                scope.spawn(move || compare(daemon(greeting, "status|0||"), &["-i", "ABC"]));
            }
        }
        let silent = Daemon {
            comes_after: Duration::ZERO,
            greeting: "",
            answer: "",
            stays: Duration::from_millis(2500),
        };
        scope.spawn(move || compare(silent, &["-i", "ABC"]));
    });
}

// The request is there before the greeting then.
#[test]
fn a_daemon_that_is_late_is_understood_as_one_that_is_not() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let conversations = [
        (GREETING, "status|0||"),
        (GREETING, "status|3||"),
        (GREETING, "stat|0||"),
        ("proto|queue_flush_protocol||", "status|0||"),
        ("|", "status|0||"),
        ("protocol|queue_flush_protocol|x|y||", "status|0||"),
        ("", ""),
        ("prot", ""),
        ("protocol|", ""),
        ("protocol|queue", ""),
        ("protocol|queue_flush_protocol|", ""),
        ("protocol|queue_flush_protocol|x", ""),
        ("protocol|other||", ""),
    ];
    thread::scope(|scope| {
        for (greeting, answer) in conversations {
            let daemon = Daemon {
                comes_after: LATE,
                // It has to see the end of the greeting, not of the daemon.
                stays: Duration::from_millis(if greeting.is_empty() { 0 } else { 100 }),
                ..Daemon::saying(greeting, answer)
            };
            scope.spawn(move || compare(daemon, &["-i", "ABC"]));
        }
    });
}

// As that of Postfix 3.4.13 and 3.5.25; it may still run after an upgrade.
#[test]
fn a_daemon_that_does_not_greet_is_asked_whatever_release_is_installed() {
    let builder = Instance::builder().set("ipc_timeout", "20s");
    // Before 3.5.9 a level is a number.
    let instance = builder.set("compatibility_level", "2").build();
    for dialect in ["3.4.13", "3.5.25", "3.6.4", "3.12"] {
        let dialect = format!("--dialect={dialect}");
        for (answer, ended) in [("status|0||", 0), ("status|3||", 69)] {
            let daemon = Daemon::saying("", answer);
            let arguments = [dialect.as_str(), "-i", "ABC"];
            let (output, request) = ask(Program::Ours, &instance, daemon, &arguments);
            assert_eq!(output.ended, Ended::Exited(ended), "{dialect}: {output:?}");
            assert_eq!(request, bytes("request|send_file|queue_id|ABC||"));
        }
    }
}

#[test]
fn a_daemon_that_is_not_there_is_a_mail_system_that_is_down() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("relay_domains", "example.com")
        .build();
    let path = public::directory(&instance).join("flush");
    let places: [&dyn Fn(); 5] = [
        &|| {},
        &|| public::make_fifo(&path),
        &|| std::fs::write(&path, "").expect("a file"),
        &|| public::make_deaf_socket(&path),
        &|| std::os::unix::fs::symlink(&path, &path).expect("a link"),
    ];
    for place in places {
        public::clear(&instance);
        place();
        for arguments in [["-i", "ABC"], ["-s", "example.com"]] {
            let call = postqueue(&instance, &arguments);
            let theirs = call.run(Program::Theirs, &instance);
            let ours = call.run(under_test(), &instance);
            same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
            assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
        }
    }
}
