//! Beside a running mail system: it receives, delivers and defers mail while
//! postsuper holds, releases, requeues, expires, deletes for good and into the
//! trash, and brings back from there, at random in every queue. At the end
//! every message that was accepted was delivered, is in the queue, or was
//! deleted on request; the mail log says which.
//!
//! In `active` qmgr(8) itself sets a limit, whoever moves the messages. One
//! that is taken from there while it is being delivered stays what it is: a
//! delivery that fails finds nothing in active to defer, and says so in the
//! log; one that succeeds removes nothing, so that the message is delivered
//! and on hold. But if it is back in active, under the same ID, before the
//! first delivery has ended, that end is taken for its own, and it is removed:
//! Postfix's postsuper loses messages so, and no order of system calls of ours
//! could prevent it. So nothing is brought back here (a queue run after -H)
//! before all deliveries have ended. -r gives a new ID and is safe always.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{messages, ours};
use crate::support::instance::Instance;
use crate::support::mail_system::{MailSystem, unused_port};
use crate::support::run::Ended;
use crate::support::{DEFAULT_SEED, Met, Needs, number_from_environment, require};

/// Messages that are sent while the others work.
const ROUNDS: usize = 12;
const MESSAGES_A_ROUND: usize = 10;
const QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];
const PATIENCE: Duration = Duration::from_secs(60);
/// Looks at mail that does not move, before qmgr is told of it again.
const ROUNDS_BEFORE_WAKING: u32 = 25;
/// How long a delivery takes to be written down after its connection ended.
const AFTER_DELIVERY: Duration = Duration::from_secs(2);

/// A server that takes mail, slowly.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start() -> Self {
        let port = unused_port();
        let mut command = Command::new("/usr/sbin/smtp-sink");
        // A second for each message: long enough to be met in active.
        command.args(["-w", "1", &format!("127.0.0.1:{port}"), "100"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("smtp-sink starts");
        Self { child, port }
    }

    /// Whether mail is being delivered to it at the moment.
    fn is_busy(&self) -> bool {
        const ESTABLISHED: &str = "01";
        let there = format!("0100007F:{:04X}", self.port);
        let connections = fs::read_to_string("/proc/net/tcp").expect("connections");
        connections.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(2) == Some(&there.as_str()) && words.get(3) == Some(&ESTABLISHED)
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(instance: &Instance) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name()?.to_str().map(str::to_owned);
    messages(instance).iter().filter_map(name).collect()
}

/// Does one random thing to random messages.
fn disturb(instance: &Instance, rng: &mut Rng) {
    let mut ids = names(instance);
    rng.shuffle(&mut ids);
    ids.truncate(rng.usize(0..6));
    let what = rng.u32(0..15);
    if what == 6 {
        // Something has to be left.
        ids.truncate(1);
    }
    let stdin: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let action: &[&str] = match what {
        0..2 => &["-h", "-"],
        2..4 => &["-H", "-"],
        4..6 => &["-r", "-"],
        6 => &["-d", "-"],
        7 => &["-H", "ALL"],
        8 => &["-h", "ALL"],
        9 => &["-e", "-"],
        10 => &["-f", "-"],
        11 | 12 => &["--trash", "-d", "-"],
        13 => return undo(instance),
        _ => &["-s"],
    };
    let arguments = &[action, &QUEUES].concat();
    let output = ours(instance, arguments, &stdin);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
}

/// Brings a batch back from the trash, if there is one.
fn undo(instance: &Instance) {
    let output = ours(instance, &["--undo"], "");
    let is_empty = output.stderr_text().contains("nothing to undo");
    let fine = output.ended == Ended::Exited(0) || is_empty;
    assert!(fine, "{output:?}");
}

#[test]
fn no_message_is_lost_beside_a_running_mail_system() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
    let sink = Sink::start();
    let transport = format!("inline:{{sink.example=smtp:[127.0.0.1]:{}}}", sink.port);
    let system = MailSystem::start(
        MailSystem::builder()
            .set("transport_maps", &transport)
            .set("smtp_connection_cache_on_demand", "no"),
    );
    let instance = &system.instance;
    let is_sending = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                let domain = ["sink.example", "dest.example"][round % 2];
                let recipient = format!("smtp@{domain}");
                system.submit_by_smtp_to(&recipient, MESSAGES_A_ROUND, 1);
                thread::sleep(Duration::from_millis(100));
            }
            is_sending.store(false, Ordering::SeqCst);
        });
        for number in 0..2 {
            let is_sending = &is_sending;
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed + number);
                while is_sending.load(Ordering::SeqCst) {
                    disturb(instance, &mut rng);
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    wait_for("the end of all deliveries", || !sink.is_busy());
    thread::sleep(AFTER_DELIVERY);
    let log = fs::read_to_string(instance.root().join("mail.log")).expect("the log");
    let batches = log.matches(": moved to trash").count();
    assert!(batches > 0, "nothing went to the trash");
    // As many batches as messages, at most.
    (0..batches).for_each(|_| undo(instance));
    settle(instance);
    let log = fs::read_to_string(instance.root().join("mail.log")).expect("the log");
    // What goes from deferred to active while we look is in neither list.
    let mut left = names(instance);
    thread::sleep(AFTER_DELIVERY);
    left.extend(names(instance));
    account(&log, &left);
}

/// Fails unless every message in the log was delivered, returned to its
/// sender, is in the queue, or was deleted. What is returned is a message too.
fn account(log: &str, left: &[String]) {
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let (mut sent, mut removed) = (BTreeSet::new(), BTreeSet::new());
    let mut returns = 0;
    for line in log.lines() {
        let words: Vec<&str> = line.split(": ").collect();
        let &[program, id, text, ..] = words.as_slice() else {
            continue;
        };
        if program.contains("/cleanup[") && text.starts_with("message-id=") {
            ids.entry(text).or_default().insert(id);
        } else if program.contains("/postsuper[") && text == "removed" {
            removed.insert(id);
        } else if line.contains(" status=sent ") || line.contains("expired, returned to sender") {
            sent.insert(id);
        } else if text == "sender non-delivery notification" {
            returns += 1;
        }
    }
    assert_eq!(ids.len(), ROUNDS * MESSAGES_A_ROUND + returns, "{log}");
    let is_there = |id: &&str| left.iter().any(|name| name == id);
    for (message, ids) in ids {
        let is_known = |id: &&str| sent.contains(id) || removed.contains(id) || is_there(id);
        assert!(ids.iter().any(is_known), "{message} {ids:?} is lost\n{log}");
    }
    // Otherwise nothing was proved.
    let counts = [sent.len(), removed.len(), left.len()];
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}\n{log}");
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "no sign of {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Releases everything and waits until nothing moves.
fn settle(instance: &Instance) {
    let output = ours(instance, &["-H", "ALL", "-r", "ALL", "hold"], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    wake(instance);
    let is_deferred = |path: &std::path::PathBuf| super::queue_of(path) == "deferred";
    let deadline = Instant::now() + PATIENCE;
    let mut round = 0;
    while !messages(instance).iter().all(is_deferred) {
        let paths = messages(instance);
        assert!(
            Instant::now() < deadline,
            "mail still moves: {}",
            moving(instance, &paths)
        );
        thread::sleep(Duration::from_millis(200));
        // Nothing wakes up by itself in this instance. What qmgr skipped in
        // incoming because it was "still being delivered" waits as well.
        round += 1;
        let is_patient = round % ROUNDS_BEFORE_WAKING != 0;
        if !is_patient || paths.iter().any(|path| super::queue_of(path) == "maildrop") {
            wake(instance);
        }
    }
    let names = names(instance);
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "a message in two places");
}

/// What is not deferred, and what the log says of it.
fn moving(instance: &Instance, paths: &[std::path::PathBuf]) -> String {
    let log = fs::read_to_string(instance.root().join("mail.log")).expect("the log");
    let mut text = String::new();
    for path in paths
        .iter()
        .filter(|path| super::queue_of(path) != "deferred")
    {
        let found = fs::symlink_metadata(instance.spool().path(path));
        text.push_str(&format!("{}: {found:?}\n", path.display()));
        let id = path.file_name().unwrap_or_default().to_string_lossy();
        let about = log.lines().filter(|line| line.contains(&*id));
        about.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    text
}

/// Says that mail is there.
fn wake(instance: &Instance) {
    let flushed = Command::new("/usr/sbin/postqueue")
        .arg("-c")
        .arg(instance.etc())
        .arg("-f")
        .status();
    assert!(flushed.is_ok_and(|status| status.success()));
}
