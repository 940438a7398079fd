//! Beside a running mail system: it receives and defers mail while postsuper
//! holds, releases, requeues and deletes at random. At the end every message
//! that was accepted is in the queue, or was deleted on request.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{messages, ours};
use crate::support::instance::Instance;
use crate::support::mail_system::MailSystem;
use crate::support::run::Ended;
use crate::support::{DEFAULT_SEED, Met, Needs, number_from_environment, require};

/// Messages that are sent while the others work.
const ROUNDS: usize = 12;
const MESSAGES_A_ROUND: usize = 10;
/// Where postsuper works. Not in active: qmgr(8) itself forgets a message that
/// is taken from there and comes back while a delivery is under way, whoever
/// moves it; with Postfix's postsuper the same messages are lost.
const QUEUES: [&str; 4] = ["maildrop", "incoming", "deferred", "hold"];
const PATIENCE: Duration = Duration::from_secs(40);

fn names(instance: &Instance) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name()?.to_str().map(str::to_owned);
    messages(instance).iter().filter_map(name).collect()
}

/// Does one random thing to random messages; what was deleted by it.
fn disturb(instance: &Instance, rng: &mut Rng) -> Vec<String> {
    let mut ids = names(instance);
    rng.shuffle(&mut ids);
    ids.truncate(rng.usize(0..6));
    let stdin: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let action: &[&str] = match rng.u32(0..10) {
        0..2 => &["-h", "-"],
        2..4 => &["-H", "-"],
        4..6 => &["-r", "-"],
        6 => &["-d", "-"],
        7 => &["-H", "ALL"],
        8 => &["-h", "ALL"],
        _ => &["-s"],
    };
    let arguments = &[action, &QUEUES].concat();
    let output = ours(instance, arguments, &stdin);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
    let text = output.stderr_text();
    let removed = text
        .lines()
        .filter_map(|line| line.strip_suffix(": removed"));
    removed
        .filter_map(|line| line.strip_prefix("postsuper: ").map(str::to_owned))
        .collect()
}

#[test]
fn no_message_is_lost_beside_a_running_mail_system() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
    let system = MailSystem::start(MailSystem::builder());
    let instance = &system.instance;
    let is_sending = AtomicBool::new(true);
    let deleted: usize = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                system.submit_by_smtp(MESSAGES_A_ROUND, 1);
            }
            is_sending.store(false, Ordering::SeqCst);
        });
        let mut workers = Vec::new();
        for number in 0..2 {
            let is_sending = &is_sending;
            workers.push(scope.spawn(move || {
                let mut rng = Rng::with_seed(seed + number);
                let mut deleted = 0;
                while is_sending.load(Ordering::SeqCst) {
                    deleted += disturb(instance, &mut rng).len();
                }
                deleted
            }));
        }
        let done = workers.into_iter().map(|w| w.join().expect("a worker"));
        done.sum()
    });
    let left = settle(instance);
    assert_eq!(left + deleted, ROUNDS * MESSAGES_A_ROUND);
}

/// Releases everything and waits until nothing moves; how many messages there
/// are, each counted once.
fn settle(instance: &Instance) -> usize {
    let output = ours(instance, &["-H", "ALL", "-r", "ALL", "hold"], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let paths = messages(instance);
        let all_deferred = paths.iter().all(|path| super::queue_of(path) == "deferred");
        if all_deferred {
            let distinct: BTreeSet<String> = names(instance).into_iter().collect();
            assert_eq!(distinct.len(), paths.len());
            return paths.len();
        }
        if Instant::now() > deadline {
            panic!("mail still moves: {paths:?}");
        }
        let output = ours(instance, &["-H", "ALL"], "");
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        wake(instance);
        thread::sleep(Duration::from_millis(200));
    }
}

/// Nothing wakes up by itself in this instance: says that mail is there.
fn wake(instance: &Instance) {
    let flushed = std::process::Command::new("/usr/sbin/postqueue")
        .arg("-c")
        .arg(instance.etc())
        .arg("-f")
        .status();
    assert!(flushed.is_ok_and(|status| status.success()));
}
