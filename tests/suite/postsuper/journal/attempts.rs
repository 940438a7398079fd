//! --postpone and --spread: what they set, and what a running queue manager
//! makes of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::{exact, succeeds};
use crate::support::instance::Instance;
use crate::support::mail_system::MailSystem;
use crate::support::sample;
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

/// Seconds since the epoch.
fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    i64::try_from(now.as_secs()).expect("a number")
}

#[test]
fn postponing_sets_the_next_attempt_of_deferred_messages_only() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let sample = sample::fill(&instance);
    let before = exact(&instance);
    let spool = instance.spool();
    let postpone = ["--journal", "--postpone=ALL", "--until", "2h"];
    let output = succeeds(&instance, &postpone, "");
    let text = output.stderr_text();
    assert!(text.contains("Postponed: 2 messages"), "{text}");
    for placed in sample.all() {
        let found = fs::metadata(spool.path(&placed.path)).expect("a message");
        let in_two_hours = (now() + 7100..now() + 7300).contains(&found.mtime());
        assert_eq!(in_two_hours, placed.queue == "deferred", "{placed:?}");
    }
    succeeds(&instance, &["--undo"], "");
    assert_eq!(exact(&instance), before);
    // By ID and by selection, and to a date.
    let by_id = format!("--postpone={}", sample.deferred.id());
    let date = ["--until", "2099-12-01T08:00Z"];
    for argument in [by_id.as_str(), "--postpone=-", "--postpone=MATCH"] {
        let mut arguments = vec!["--journal", argument, date[0], date[1]];
        if argument.ends_with("MATCH") {
            arguments.extend(["--from", "sender@example.com"]);
        }
        let stdin = format!("{}\n{}\n", sample.deferred.id(), sample.held.id());
        let output = succeeds(&instance, &arguments, &stdin);
        let text = output.stderr_text();
        assert!(
            text.contains("Postponed: 1 message\n"),
            "{arguments:?}: {text}"
        );
        let found = fs::metadata(spool.path(&sample.deferred.path)).expect("a message");
        assert_eq!(found.mtime(), 4_099_795_200);
        succeeds(&instance, &["--undo"], "");
        assert_eq!(exact(&instance), before);
    }
    // A message elsewhere has none.
    let on_hold = format!("--postpone={}", sample.held.id());
    let output = succeeds(&instance, &[&on_hold, "--until", "2h"], "");
    let text = output.stderr_text();
    assert!(text.contains("is in hold, and not postponed"), "{text}");
    assert_eq!(exact(&instance), before);
    // An attempt since then has set a time of its own.
    succeeds(&instance, &postpone, "");
    let path = spool.path(&sample.deferred.path);
    crate::support::spool::set_mtime(&path, 1_800_000_000);
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(text.contains("has another next attempt now"), "{text}");
    assert_eq!(
        fs::metadata(&path).expect("a message").mtime(),
        1_800_000_000
    );
}

/// Within a second, messages were ordered by the microseconds of their IDs,
/// which can be those of the next second already.
#[test]
fn the_order_of_arrival_is_that_of_the_time_records() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let messages = [
        ("1700000000 999990", 40),
        ("1700000001 17", 1_000),
        ("1700000000 500000", 700_000),
        ("1700000000 7", 900_000),
    ]
    .map(|(arrival, microseconds)| {
        let mut file = RecordWriter::new();
        file.record(RecordType::TIME, arrival.as_bytes());
        file.record(RecordType::SENDER, b"s@example.com");
        file.record(RecordType::RECIPIENT, b"r@dest.example");
        file.record(RecordType::CONTENT, b"");
        file.record(RecordType::EXTRACTED, b"");
        file.record(RecordType::END, b"");
        let named = Name::Short { microseconds };
        spool.put(&NewFile::new("hold", file.into_bytes()).named(named))
    });
    succeeds(&instance, &["-H", "ALL", "--spread", "4h"], "");
    let attempt = |place: usize| {
        let name = messages[place].id();
        let mut deferred = walkdir::WalkDir::new(spool.path("deferred"))
            .into_iter()
            .flatten();
        let found = deferred.find(|entry| entry.file_name() == name.as_str());
        found.expect("released").metadata().expect("a file").mtime()
    };
    let order = [3, 2, 0, 1].map(attempt);
    let steps: Vec<i64> = order.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps, [3600; 3]);
}

/// A message waits for its next attempt, give or take a second, however often deferred is scanned, and
/// one released with --spread as well.
#[test]
fn a_running_queue_manager_keeps_to_the_next_attempt() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let builder = MailSystem::builder().set("queue_run_delay", "1s");
    let system = MailSystem::start_awake(builder);
    let instance = &system.instance;
    for number in 0..5 {
        let sender = format!("s{number}@example.com");
        system.submit(&sender, &["r@dest.example"], "subject: x\n\ntext\n");
        thread::sleep(Duration::from_millis(20));
    }
    let ids = system.wait_for_deferred(5);
    // The next attempt is hours away; one message is to be tried in 6 seconds.
    let path = |queue: &str, id: &str| {
        let root = instance.queue_directory().join(queue);
        let files = walkdir::WalkDir::new(root).into_iter().flatten();
        let mut files = files.map(walkdir::DirEntry::into_path);
        files.find(|path| path.ends_with(id))
    };
    let attempt = |id: &str| {
        let found = path("deferred", id).and_then(|path| fs::metadata(path).ok());
        found.map(|found| found.mtime())
    };
    let postponed = ids[0].as_str();
    let by_id = format!("--postpone={postponed}");
    let until = now() + 6;
    succeeds(instance, &[&by_id, "--until", "6s"], "");
    succeeds(instance, &["-h", "-"], &ids[1..].join("\n"));
    let begun = now();
    let spread = ["--journal", "-H", "ALL", "--spread", "8s"];
    let output = succeeds(instance, &spread, "");
    assert!(
        output
            .stderr_text()
            .contains("Released from hold: 4 messages"),
        "{output:?}"
    );
    // Evenly spread, in the order of arrival: that in which they were submitted, and not
    // that of their IDs, since pickup takes what it finds in one scan in any order.
    let log = system.diagnosis();
    let arrival = |id: &str| {
        let is_from = |number: &usize| log.contains(&format!("{id}: from=<s{number}@"));
        (0..5).find(is_from).expect("in the log")
    };
    let mut released: Vec<&str> = ids[1..].iter().map(String::as_str).collect();
    released.sort_by_key(|id| arrival(id));
    // What is planned is in the journal: by now, a message may be active.
    let journal = fs::read_to_string(instance.spool().path("saved/journal.spoolbox"));
    let journal = journal.expect("a journal");
    let planned: Vec<i64> = released
        .iter()
        .map(|id| {
            let is_it = |line: &&str| line.contains(&format!(" id={id} "));
            let line = journal.lines().find(is_it).expect("a record");
            let time = line.split(" sets=").nth(1).expect("a time");
            let seconds = time.split('.').next().expect("seconds");
            seconds.parse::<i64>().expect("a number") - begun
        })
        .collect();
    assert!((0..10).contains(&planned[0]), "{planned:?}");
    let is_even = planned.windows(2).all(|pair| pair[1] - pair[0] == 2);
    assert!(is_even, "{planned:?}");
    // Each is tried not before its time, and soon after.
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut tried: Vec<(String, i64)> = Vec::new();
    while tried.len() < ids.len() {
        assert!(
            Instant::now() < deadline,
            "{tried:?}: {}",
            system.diagnosis()
        );
        for id in &ids {
            let is_known = tried.iter().any(|(known, _)| known == id);
            let next = attempt(id);
            if !is_known && next.is_some_and(|next| next > now() + 1000) {
                tried.push((id.clone(), now() - begun));
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    let when = |id: &str| {
        tried
            .iter()
            .find(|(known, _)| known == id)
            .expect("tried")
            .1
    };
    // The queue manager begins up to a second early.
    assert!(when(postponed) + begun + 1 >= until, "{tried:?}");
    for (id, planned) in released.iter().zip(planned) {
        assert!(when(id) + 1 >= planned, "{id} {planned}: {tried:?}");
    }
    let order: Vec<i64> = released.iter().map(|id| when(id)).collect();
    // What one scan finds is tried in any order.
    let is_in_order = order.windows(2).all(|pair| pair[0] <= pair[1] + 1);
    assert!(is_in_order, "{order:?}");
}

/// What was held and released while Postfix runs comes back, and is not sent
/// twice: a hold is taken back to deferred, a release to hold.
#[test]
fn acts_on_a_running_system_are_undone() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    let instance = &system.instance;
    for _ in 0..3 {
        system.submit("s@example.com", &["r@dest.example"], "subject: x\n\ntext\n");
    }
    let ids = system.wait_for_deferred(3);
    let queue = |id: &str| {
        let queues = ["hold", "deferred", "maildrop", "active", "incoming"];
        queues
            .into_iter()
            .find(|queue| system.names(queue).iter().any(|name| name == id))
    };
    let before = exact(instance);
    let mail = |tree: &std::collections::BTreeMap<std::path::PathBuf, String>| {
        let is_mail = |path: &&std::path::PathBuf| {
            ["hold", "deferred", "defer"]
                .iter()
                .any(|queue| path.starts_with(queue))
        };
        let paths = tree.keys().filter(is_mail);
        paths
            .map(|path| (path.clone(), tree[path].clone()))
            .collect::<Vec<_>>()
    };
    for arguments in [
        &["-h", "ALL"][..],
        &["-e", "ALL"],
        &["-f", "-"],
        &["-d", "-"],
    ] {
        let arguments = [&["--journal"], arguments].concat();
        succeeds(instance, &arguments, &ids.join("\n"));
        succeeds(instance, &["--undo"], "");
        assert_eq!(mail(&exact(instance)), mail(&before), "{arguments:?}");
    }
    // pickup may be copying what was requeued: it is left alone.
    succeeds(instance, &["--journal", "-r", &ids[0]], "");
    let output = succeeds(instance, &["--undo"], "");
    let text = output.stderr_text();
    let left = queue(&ids[0]);
    match left {
        Some("maildrop") => assert!(text.contains("the mail system is running"), "{text}"),
        None => assert!(text.contains("another queue ID"), "{text}"),
        other => panic!("{other:?}: {text}"),
    }
}
