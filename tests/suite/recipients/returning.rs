//! --bounce without a mail system: the bounce log it writes, what it refuses, and
//! its undo.

use std::os::unix::fs::chown;

use super::*;
use crate::support::instance::set_mode;
use crate::support::{Met, Needs, require};

const RECORDS: [(u8, &str); 6] = [
    (b'O', "alias@v.example"),
    (b'R', "real@x.example"),
    (b'D', "done@x.example"),
    (b'X', ""),
    (b'A', "notify_flags=1"),
    (b'R', "bcc@x.example"),
];

fn bounce(argument: &str) -> [&str; 4] {
    [
        "--journal",
        argument,
        "--reason-text",
        "No more mail, please",
    ]
}

#[test]
fn every_pending_recipient_has_an_entry_and_undo_brings_back_the_bytes() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (queue, log) in [
        ("deferred", None),
        (
            "incoming",
            Some("\n<old@x>: text\nrecipient=old@x\noffset=1\nreason=text\n\n"),
        ),
        ("hold", Some("")),
    ] {
        let instance = Instance::builder().in_memory().build();
        let placed = put(&instance, queue, "s@example.com", &RECORDS);
        if let Some(log) = log {
            instance
                .spool()
                .put_log("bounce", &placed.name, log.as_bytes());
        }
        let (before, log_before) = (only_message(&instance), bounce_logs(&instance));
        let output = run(&instance, &bounce(&format!("--bounce={}", placed.id())));
        let text = output.stderr_text();
        assert!(text.contains(": returned to sender\n"), "{text}");
        assert!(text.contains("Returned to sender: 1 message\n"), "{text}");
        let after = only_message(&instance);
        assert!(after.path.starts_with("deferred"), "{after:?}");
        assert_eq!(addresses(&after.content, b'R'), [""; 0]);
        assert_eq!((after.mode, after.inode), (before.mode, before.inode));
        assert!(after.modified < before.modified, "due now");
        let logs = bounce_logs(&instance);
        let [(path, mode, owner, text)] = &logs[..] else {
            panic!("not one log: {logs:?}");
        };
        assert_eq!(path, &PathBuf::from(format!("bounce/{}", placed.id())));
        assert_eq!((*mode, *owner), (0o600, instance.owner().uid));
        let offset = |address: &str| {
            let record = [&[b'R', address.len() as u8], address.as_bytes()].concat();
            let mut windows = before.content.windows(record.len());
            windows.position(|window| window == record).expect("it")
        };
        let end = "status=5.7.1\naction=failed\nreason=No more mail, please\n\n";
        let expected = format!(
            "{}\n<real@x.example>: No more mail, please\nrecipient=real@x.example\n\
             original_recipient=alias@v.example\noffset={}\n{end}\
             \n<bcc@x.example>: No more mail, please\nrecipient=bcc@x.example\n\
             offset={}\nnotify_flags=1\n{end}",
            log.unwrap_or_default(),
            offset("real@x.example"),
            offset("bcc@x.example"),
        );
        assert_eq!(text, &expected);
        run(&instance, &["--undo"]);
        assert_eq!(only_message(&instance), before, "{queue}");
        assert_eq!(bounce_logs(&instance), log_before, "{queue}");
    }
}

#[test]
fn a_message_whose_notice_was_sent_cannot_be_undone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let placed = put(&instance, "deferred", "s@example.com", &RECORDS);
    run(&instance, &bounce(&format!("--bounce={}", placed.id())));
    let after = only_message(&instance);
    fs::remove_file(instance.queue_directory().join("bounce").join(placed.id())).expect("removed");
    let output = run(&instance, &["--undo"]);
    let text = output.stderr_text();
    assert!(text.contains("was returned to its sender"), "{text}");
    assert_eq!(only_message(&instance), after);
}

#[test]
fn messages_without_anybody_to_notify_are_left_as_they_were() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let never = [(b'A', "notify_flags=1"), (b'R', "a@x.example")];
    let success = [(b'A', "notify_flags=2"), (b'R', "a@x.example")];
    for (sender, records, why) in [
        ("", &RECORDS[..], "the null sender"),
        ("s@example.com", &never, "no notice is due"),
        ("s@example.com", &success, "no notice is due"),
    ] {
        let instance = Instance::builder().in_memory().build();
        let placed = put(&instance, "deferred", sender, records);
        let before = only_message(&instance);
        let output = run(&instance, &bounce(&format!("--bounce={}", placed.id())));
        let text = output.stderr_text();
        assert!(text.contains(why) && text.contains("use -d"), "{text}");
        assert_eq!(only_message(&instance), before, "{why}");
        assert!(bounce_logs(&instance).is_empty());
    }
}

#[test]
fn a_dry_run_of_all_or_match_ends_as_the_call_does() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let never = [(b'A', "notify_flags=1"), (b'R', "a@x.example")];
    let one = queue_file("s@example.com", &RECORDS);
    for (queue, microseconds, content) in [
        ("deferred", 0x11_111, one.clone()),
        ("deferred", 0x22_222, queue_file("", &RECORDS)),
        ("deferred", 0x33_333, queue_file("s@example.com", &never)),
        ("active", 0x44_444, one.clone()),
        ("hold", 0x55_555, one[..one.len() - 2].to_vec()),
    ] {
        put_named(&instance, queue, microseconds, &content);
    }
    let text = ["--reason-text", "because"];
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let all = [&["--bounce=ALL"][..], &text].concat();
    let matching = [&["--bounce=MATCH", "--to", "real@x.example"][..], &text].concat();
    let dry: Vec<Output> = [&all, &matching]
        .into_iter()
        .map(|words| {
            run(
                &instance,
                &[&words[..], &["--results=json", "--dry-run"]].concat(),
            )
        })
        .collect();
    assert!(bounce_logs(&instance).is_empty());
    assert!(!instance.queue_directory().join("bounce/1").exists());
    let counted = run(
        &instance,
        &[&all[..], &["--dry-run", "--max", "1"]].concat(),
    );
    let said = "Would be returned to sender: 1 message\n";
    assert!(counted.stderr_text().ends_with(said), "{counted:?}");
    let match_said = dry[1].stderr_text();
    assert!(match_said.ends_with(said), "{match_said}");
    assert!(!match_said.contains("no notice is due"), "{match_said}");
    let real = run(&instance, &[&all[..], &["--results=json"]].concat());
    let would_be = |text: String| {
        text.replace("Would be returned", "Returned")
            .replace("would be ", "")
    };
    let mut reported = sorted(&real.stderr_text());
    reported.retain(|line| !line.ends_with(": returned to sender"));
    assert_eq!(sorted(&would_be(dry[0].stderr_text())), reported);
    assert_eq!(
        sorted(&would_be(dry[0].stdout_text())),
        sorted(&real.stdout_text())
    );
}

#[test]
fn a_log_or_directory_that_is_not_the_mail_systems_own_is_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    type Damage = fn(&Instance, &Placed);
    let cases: [(&str, Damage); 6] = [
        ("bounce: mode 0755, not 0700", |instance, _| {
            set_mode(&instance.queue_directory().join("bounce"), 0o755);
        }),
        ("mode 0644, not 0600", |instance, placed| {
            let log = instance.spool().put_log("bounce", &placed.name, b"");
            set_mode(&instance.queue_directory().join(log.path), 0o644);
        }),
        (
            "owned by user 0, not by the mail owner",
            |instance, placed| {
                let log = instance.spool().put_log("bounce", &placed.name, b"");
                let path = instance.queue_directory().join(log.path);
                chown(path, Some(0), Some(0)).expect("chown");
            },
        ),
        ("not a regular file", |instance, placed| {
            let path = PathBuf::from("bounce").join(placed.id());
            instance.spool().symlink("/etc/passwd".as_ref(), &path);
        }),
        ("not a regular file", |instance, placed| {
            let path = PathBuf::from("bounce").join(placed.id());
            instance.spool().fifo(&path);
        }),
        ("No such file or directory", |instance, _| {
            let bounce = instance.queue_directory().join("bounce");
            fs::remove_dir(&bounce).expect("removed");
            fs::write(bounce, "").expect("a file");
        }),
    ];
    for (words, damage) in cases {
        let instance = Instance::builder().in_memory().build();
        let placed = put(&instance, "deferred", "s@example.com", &RECORDS);
        damage(&instance, &placed);
        let before = only_message(&instance);
        let output = run(&instance, &bounce(&format!("--bounce={}", placed.id())));
        let text = output.stderr_text();
        let is_said = text.contains(words) || text.contains("Not a directory");
        assert!(
            text.contains("left as it was: ") && is_said,
            "{words}: {text}"
        );
        assert_eq!(only_message(&instance), before, "{words}");
    }
}

#[test]
fn hashed_logs_and_many_recipients_are_written_whole() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("hash_queue_names", "bounce deferred")
        .in_memory()
        .build();
    let names: Vec<String> = (0..1000).map(|n| format!("r{n}@x.example")).collect();
    let records: Vec<(u8, &str)> = names.iter().map(|name| (b'R', name.as_str())).collect();
    let placed = put(&instance, "deferred", "s@example.com", &records);
    let before = only_message(&instance);
    run(&instance, &bounce("--bounce=ALL"));
    let logs = bounce_logs(&instance);
    assert_eq!(logs.len(), 1);
    assert_eq!(entries(&logs[0].3).len(), 1000);
    assert_eq!(
        logs[0].0.parent().and_then(|p| p.to_str()),
        Some("bounce/3"),
        "{placed:?}"
    );
    run(&instance, &["--undo"]);
    assert_eq!(only_message(&instance), before);
    assert!(bounce_logs(&instance).is_empty());
}
