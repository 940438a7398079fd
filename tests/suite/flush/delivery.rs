//! Flushing for real: a started Postfix whose destinations were away and come
//! back. What is flushed is delivered, and nothing else is.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Program, Tool, User};
use crate::support::{Met, Needs, require, under_test};

/// Longest wait for a delivery.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what must not be delivered is given to be delivered all the same.
const GRACE: Duration = Duration::from_millis(700);

/// The destination, come back.
pub struct Sink(Child);

impl Sink {
    pub fn listening_for(system: &MailSystem) -> Self {
        let mut command = Command::new("/usr/sbin/smtp-sink");
        command.args([
            "-u",
            "nobody",
            &format!("127.0.0.1:{}", system.destination()),
        ]);
        command.arg("100").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let sink = Self(command.spawn().expect("smtp-sink starts"));
        let deadline = Instant::now() + PATIENCE;
        let address = ("127.0.0.1", system.destination());
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "smtp-sink does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        sink
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A system with three messages deferred: two for a.example, one for
/// b.example.
fn system_with_deferred_mail(long_ids: &str) -> (MailSystem, Vec<String>) {
    let builder = MailSystem::builder()
        .set("fast_flush_domains", "a.example, b.example")
        .set("enable_long_queue_ids", long_ids);
    let system = MailSystem::start(builder);
    for recipient in ["one@a.example", "two@a.example", "one@b.example"] {
        system.submit("sender@example.com", &[recipient], "subject: x\n\n");
    }
    let deferred = system.wait_for_deferred(3);
    (system, deferred)
}

/// Every name that is in a queue of the system.
fn queued(system: &MailSystem) -> BTreeSet<String> {
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    // Twice: what moves from one queue to another meanwhile is in one of them.
    let look = || queues.iter().flat_map(|queue| system.names(queue));
    look().chain(look()).collect()
}

/// Waits until the queue holds exactly these messages, and then some time.
fn expect_queued(system: &MailSystem, expected: &BTreeSet<String>, after: &str) {
    let deadline = Instant::now() + PATIENCE;
    while queued(system) != *expected {
        assert!(
            Instant::now() < deadline,
            "after {after}: {:?}, not {expected:?}\n{}",
            queued(system),
            system.diagnosis()
        );
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(GRACE);
    assert_eq!(queued(system), *expected, "after {after}");
}

fn run(system: &MailSystem, tool: Tool, arguments: &[&str], user: User) {
    let call = Invocation::new(tool, arguments)
        .user(user)
        .default_etc(&system.instance.etc());
    let output = call.run(under_test(), &system.instance);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
}

/// The recipient of a message, by Postfix's own listing.
fn recipient(system: &MailSystem, id: &str) -> String {
    let call = Invocation::new(Tool::Postqueue, ["-j"]).default_etc(&system.instance.etc());
    let listing = call.run(Program::Theirs, &system.instance).stdout_text();
    let line = listing.lines().find(|line| line.contains(id));
    let object: serde_json::Value = serde_json::from_str(line.expect("the message")).expect("JSON");
    object["recipients"][0]["address"]
        .as_str()
        .expect("an address")
        .to_owned()
}

#[test]
fn one_message_then_one_site_then_all_are_delivered() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    for (user, long_ids) in [(User::Caller, "no"), (User::Nobody, "yes")] {
        let (system, deferred) = system_with_deferred_mail(long_ids);
        let of = |wanted: &str| {
            let found = deferred.iter().find(|id| recipient(&system, id) == wanted);
            found.expect("a message").clone()
        };
        let [one, two, other] = ["one@a.example", "two@a.example", "one@b.example"].map(of);
        let _sink = Sink::listening_for(&system);
        run(&system, Tool::Postqueue, &["-i", &one], user);
        expect_queued(&system, &[two, other.clone()].into(), "-i ID");
        run(&system, Tool::Postqueue, &["-s", "a.example"], user);
        expect_queued(&system, &[other].into(), "-s SITE");
        run(&system, Tool::Postqueue, &["-f"], user);
        expect_queued(&system, &BTreeSet::new(), "-f");
    }
}

#[test]
fn the_other_names_have_mail_delivered_too() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (system, deferred) = system_with_deferred_mail("yes");
    let site = |id: &String| recipient(&system, id);
    let mut left: BTreeSet<_> = deferred.iter().cloned().collect();
    let first = deferred.first().expect("a message").clone();
    let rest_of_b: Vec<_> = deferred
        .iter()
        .filter(|id| site(id).ends_with("@b.example"))
        .cloned()
        .collect();
    let _sink = Sink::listening_for(&system);
    run(
        &system,
        Tool::Sendmail,
        &[&format!("-qI{first}")],
        User::Caller,
    );
    left.remove(&first);
    expect_queued(&system, &left, "sendmail -qI");
    run(&system, Tool::Sendmail, &["-qRb.example"], User::Caller);
    left.retain(|id| !rest_of_b.contains(id));
    expect_queued(&system, &left, "sendmail -qR");
    run(&system, Tool::Sendmail, &["-q"], User::Caller);
    expect_queued(&system, &BTreeSet::new(), "sendmail -q");
}

#[test]
fn postfix_flush_and_notify_have_mail_delivered() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (system, deferred) = system_with_deferred_mail("no");
    let etc = system.instance.etc().display().to_string();
    let held = deferred.first().expect("a message").clone();
    let hold = ["-c", &etc, "-h", &held];
    Invocation::new(Tool::Postsuper, hold).run(under_test(), &system.instance);
    let _sink = Sink::listening_for(&system);
    run(&system, Tool::Postfix, &["-c", &etc, "flush"], User::Caller);
    expect_queued(&system, &[held.clone()].into(), "postfix flush");
    let release = Invocation::new(Tool::Postsuper, ["-c", &etc, "-H", &held]);
    let release = release.ours_only("--notify");
    let output = release.run(Program::Ours, &system.instance);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    expect_queued(&system, &BTreeSet::new(), "postsuper --notify -H");
}
