//! Daemons that answer in another release's way than their files say, files
//! that name no release or one that is not known yet, and daemons that are
//! replaced while a tool waits for them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::builder;
use crate::support::instance::Instance;
use crate::support::public;
use crate::support::public::{Service, read_until, send};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};

/// What a daemon's file can say.
const FILES: [&str; 9] = [
    "3.4.13",
    "3.5.25",
    "3.7.11",
    "3.11.6",
    "3.12-20260821",
    "3.99.1",
    "99.0.0",
    "none",
    "",
];
/// Listings of one message as releases send them; bars stand for NULs.
const LISTINGS: [&str; 4] = [
    // 3.4, 3.5, 3.6 to 3.10, 3.11.
    "queue_name|hold|queue_id|A1|time|7|size|8|sender|s|recipient|r|reason|x|||",
    "queue_name|hold|queue_id|A1|time|7|size|8|forced_expire|0|sender|s|recipient|r|reason|x|||",
    "protocol|mail_queue_list_protocol||queue_name|hold|queue_id|A1|time|7|size|8|\
     forced_expire|0|sender|s|recipient|r|reason|x|||",
    "protocol|mail_queue_list_protocol||queue_name|hold|queue_id|A1|time|7|size|8|\
     forced_expire|0|sender|s|original_recipient||recipient|r|log_class|defer|reason|x|||",
];
/// How long a call may take: far less than ipc_timeout.
const LONGEST: Duration = Duration::from_secs(20);

/// An instance whose daemons say that they are of `version`.
fn instance_of(version: &str) -> Instance {
    let instance = builder()
        .set("daemon_directory", "@ROOT@/daemons")
        .set("fast_flush_domains", "example.com")
        .build();
    fs::create_dir(instance.root().join("daemons")).expect("a directory");
    upgrade(instance.root(), version);
    instance
}

fn bytes(text: &str) -> Vec<u8> {
    text.replace('|', "\0").into_bytes()
}

/// Runs ours while `text` is sent to each caller of showq.
fn listed(
    instance: &Instance,
    form: &str,
    text: &str,
    before: impl FnOnce() + Send + 'static,
) -> Output {
    public::clear(instance);
    let answer = bytes(text);
    let service = Service::listen(
        &public::directory(instance).join("showq"),
        move |mut stream| {
            before();
            send(&mut stream, &answer);
            Vec::new()
        },
    );
    let call = Invocation::new(Tool::Postqueue, [form, "--source=showq"])
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC");
    let start = Instant::now();
    let output = call.run(Program::Ours, instance);
    assert!(start.elapsed() < LONGEST, "{form} {text}: {output:?}");
    service.taken();
    output
}

#[test]
fn a_showq_of_any_release_is_understood_whatever_its_file_says() {
    for version in FILES {
        let instance = instance_of(version);
        for text in LISTINGS {
            let output = listed(&instance, "-j", text, || ());
            assert_eq!(
                output.ended,
                Ended::Exited(0),
                "{version:?} {text}: {output:?}"
            );
            let json = output.stdout_text();
            let has = |part: &str| json.contains(part);
            assert!(
                has("\"queue_id\": \"A1\"") && has("\"delay_reason\": \"x\""),
                "{json}"
            );
            // What was not sent is not made up.
            assert_eq!(
                has("forced_expire"),
                text.contains("forced_expire"),
                "{json}"
            );
            assert_eq!(has("orig_address"), text.contains("original_"), "{json}");
            let output = listed(&instance, "-p", text, || ());
            assert_eq!(
                output.ended,
                Ended::Exited(0),
                "{version:?} {text}: {output:?}"
            );
            assert!(output.stdout_text().contains("A1!"), "{output:?}");
        }
        for empty in ["|", "protocol|mail_queue_list_protocol|||"] {
            let output = listed(&instance, "-p", empty, || ());
            assert_eq!(
                output.stdout_text(),
                "Mail queue is empty\n",
                "{version:?} {empty}"
            );
        }
    }
}

#[test]
fn a_flush_daemon_of_any_release_is_understood_whatever_its_file_says() {
    for version in FILES {
        let instance = instance_of(version);
        for greeting in ["", "protocol|queue_flush_protocol||"] {
            public::clear(&instance);
            let path = public::directory(&instance).join("flush");
            let service = Service::listen(&path, move |mut stream| {
                send(&mut stream, &bytes(greeting));
                let request = read_until(&mut stream, b"\0\0");
                send(&mut stream, b"status\x000\0\0");
                request
            });
            let call = Invocation::new(Tool::Postqueue, ["-s", "example.com"])
                .env("MAIL_CONFIG", instance.etc());
            let start = Instant::now();
            let output = call.run(Program::Ours, &instance);
            assert!(
                start.elapsed() < LONGEST,
                "{version:?} {greeting}: {output:?}"
            );
            assert_eq!(
                output.ended,
                Ended::Exited(0),
                "{version:?} {greeting}: {output:?}"
            );
            let request = service.taken();
            assert_eq!(request, bytes("request|send_site|site|example.com||"));
        }
    }
}

#[test]
fn an_upgrade_while_a_listing_waits_changes_nothing_in_it() {
    for (before, after) in [("3.5.25", "3.11.6"), ("3.11.6", "3.4.13")] {
        for text in LISTINGS {
            for form in ["-p", "-j"] {
                let instance = instance_of(before);
                let expected = listed(&instance, form, text, || ());
                let root = instance.root().to_owned();
                let upgraded = listed(&instance, form, text, move || upgrade(&root, after));
                assert_eq!(upgraded.stdout, expected.stdout, "{before} {after} {text}");
                assert_eq!(upgraded.stderr, expected.stderr, "{before} {after} {text}");
                assert_eq!(upgraded.ended, expected.ended, "{before} {after} {text}");
            }
        }
    }
}

/// Puts a showq in the place of the one that may be there, as an upgrade does.
fn upgrade(root: &Path, version: &str) {
    let new = root.join("daemons/new");
    fs::write(&new, format!("x\0mail_version={version}\0")).expect("a daemon");
    fs::rename(new, root.join("daemons/showq")).expect("rename");
}

#[test]
fn a_file_that_is_no_daemon_is_of_a_release_all_the_same() {
    let instance = instance_of("3.7.11");
    let showq = instance.root().join("daemons/showq");
    for content in [
        &b""[..],
        b"mail_version=",
        b"mail_version=\0",
        b"mail_version=3.5",
        b"mail_version=\xff\xfe\0",
        b"mail_version=3.5.25.1.2\0",
        b"mail_version=3.5.25\x1b[2J\0",
        b"mail_version=99999999999999999999.1\0",
    ] {
        fs::write(&showq, content).expect("a daemon");
        let [_, _, current, _] = LISTINGS;
        let output = listed(&instance, "-p", current, || ());
        assert_eq!(output.ended, Ended::Exited(0), "{content:?}: {output:?}");
        assert_eq!(output.stderr_text(), "", "{content:?}");
    }
}
