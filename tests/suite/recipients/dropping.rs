//! --drop-recipient without a mail system: exactly the records of matching
//! recipients are changed, and undo brings back the very bytes.

use super::*;
use crate::support::{Met, Needs, require};

const USUAL: [(u8, &str); 9] = [
    (b'A', "notify_flags=4"),
    (b'O', "bob@alias.example"),
    (b'R', "bob@dest.example"),
    (b'R', "ann@dest.example"),
    (b'R', "bob@DEST.example"),
    (b'D', "bob@dest.example"),
    (b'X', ""),
    (b'O', "bob@dest.example"),
    (b'R', "bob@dest.example"),
];

#[test]
fn only_the_types_of_matching_recipients_change_and_undo_brings_back_the_bytes() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for queue in ["deferred", "incoming", "hold"] {
        let instance = Instance::builder().in_memory().build();
        let placed = put(&instance, queue, "sender@example.com", &USUAL);
        let before = only_message(&instance);
        let arguments = [
            "--journal",
            "--drop-recipient=bob@dest.example",
            &placed.id(),
        ];
        let output = run(&instance, &arguments);
        let text = output.stderr_text();
        assert!(
            text.contains(": to=<bob@dest.example>: dropped\n"),
            "{text}"
        );
        assert!(text.contains(": recipients dropped\n"), "{text}");
        assert!(text.contains("Recipients dropped: 1 message\n"), "{text}");
        let after = only_message(&instance);
        let mut expected = before.clone();
        expected.content = queue_file(
            "sender@example.com",
            &USUAL.map(|(kind, text)| match (kind, text) {
                (b'R', "bob@dest.example" | "bob@DEST.example") => (b'D', text),
                other => other,
            }),
        );
        assert_eq!(after, expected, "{queue}");
        run(&instance, &["--undo"]);
        assert_eq!(only_message(&instance), before, "{queue}");
    }
}

#[test]
fn the_last_recipient_is_not_dropped() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let records = [
        (b'R', "a@x.example"),
        (b'R', "b@x.example"),
        (b'D', "c@y.example"),
    ];
    let placed = put(&instance, "deferred", "s@example.com", &records);
    let before = only_message(&instance);
    let output = run(&instance, &["--drop-recipient=*@x.example", &placed.id()]);
    let text = output.stderr_text();
    assert!(
        text.contains("no recipient would be left: use -d"),
        "{text}"
    );
    assert_eq!(only_message(&instance), before);
    // A recipient that is done is none.
    let output = run(&instance, &["--drop-recipient=c@y.example", &placed.id()]);
    let text = output.stderr_text();
    assert_eq!(text, "postsuper: Recipients dropped: 0 messages\n");
    assert_eq!(only_message(&instance), before);
}

#[test]
fn what_cannot_be_changed_safely_is_left_as_it_was() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let records = [(b'R', "a@x.example"), (b'R', "b@x.example")];
    let good = queue_file("s@example.com", &records);
    let cut = good.strip_suffix(b"E\0").expect("an end").to_vec();
    let mut circle = queue_file("s@example.com", &records);
    circle.truncate(circle.len() - 2);
    circle.extend(b"p\x0f             97E\0");
    for (queue, content, why) in [
        ("active", &good, "the queue manager is delivering it"),
        ("deferred", &cut, "it has no end record"),
        ("deferred", &circle, "is damaged"),
        ("deferred", &b"R\x01a".to_vec(), "is damaged"),
    ] {
        let instance = Instance::builder().in_memory().build();
        let placed = put_named(&instance, queue, 0x3A_789, content);
        let before = only_message(&instance);
        let output = run(&instance, &["--drop-recipient=a@x.example", &placed.id()]);
        let text = output.stderr_text();
        assert!(
            text.contains("left as it was: ") && text.contains(why),
            "{text}"
        );
        assert_eq!(only_message(&instance), before, "{why}");
    }
    let instance = Instance::builder().in_memory().build();
    let placed = put(&instance, "maildrop", "s@example.com", &records);
    run(&instance, &["--drop-recipient=a@x.example", &placed.id()]);
    assert_eq!(only_message(&instance).content, good);
}

#[test]
fn all_and_match_find_the_messages_with_such_a_recipient() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let one = queue_file(
        "one@example.com",
        &[(b'R', "a@x.example"), (b'R', "b@x.example")],
    );
    let other = queue_file(
        "two@example.com",
        &[(b'R', "c@x.example"), (b'R', "d@x.example")],
    );
    let id = put_named(&instance, "deferred", 0x11_111, &one).id();
    put_named(&instance, "deferred", 0x22_222, &other);
    put_named(&instance, "incoming", 0x33_333, &one);
    for (pattern, count) in [("a@*", 1), ("c@*", 0), ("*", 0)] {
        let argument = format!("--drop-recipient={pattern}");
        let dry = run(&instance, &[&argument, &id, "--dry-run", "--results=json"]);
        let would = r#""result": "would have recipients dropped""#;
        assert_eq!(dry.stdout_text().contains(would), count == 1, "{dry:?}");
        let expected = format!("Would have recipients dropped: {count} message");
        assert!(dry.stderr_text().contains(&expected), "{dry:?}");
    }
    let dry = run(&instance, &["--drop-recipient=a@*", "ALL", "--dry-run"]);
    assert!(
        dry.stderr_text()
            .contains("Would have recipients dropped: 2 messages")
    );
    let refused = call(&instance, &["--drop-recipient=a@*", "ALL", "--max", "1"]);
    let refused = refused.run(Program::Ours, &instance);
    assert_eq!(refused.ended, Ended::Exited(1), "{refused:?}");
    let arguments = ["--drop-recipient=a@*", "--results=json", "--limit", "1"];
    let limited = run(&instance, &[&arguments[..], &["ALL", "deferred"]].concat());
    assert_eq!(
        limited.stdout_text(),
        format!(
            "{{\"id\": \"{id}\", \"action\": \"drop recipient\", \"result\": \"recipients \
             dropped\", \"queue_before\": \"deferred\", \"queue_after\": \"deferred\"}}\n"
        )
    );
    let arguments = ["--drop-recipient=a@*", "MATCH", "--from", "two@example.com"];
    let none = run(&instance, &arguments);
    assert!(
        none.stderr_text()
            .contains("Recipients dropped: 0 messages")
    );
    let rest = run(
        &instance,
        &["--drop-recipient=a@*", "ALL", "--comment", "why"],
    );
    assert!(
        rest.stderr_text()
            .contains("Recipients dropped: 1 message (why)")
    );
}

#[test]
fn options_that_contradict_are_refused_before_anything_is_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let records = [(b'R', "a@x.example"), (b'R', "b@x.example")];
    let placed = put(&instance, "deferred", "s@example.com", &records);
    let before = only_message(&instance);
    let id = placed.id();
    let (d, b) = ("--drop-recipient=a@x.example", format!("--bounce={id}"));
    for (arguments, words) in [
        (&[d][..], "--drop-recipient needs a message"),
        (&[d, &id, "-h", "ALL"], "without another action"),
        (
            &[d, &id, &b, "--reason-text", "x"],
            "without another action",
        ),
        (
            &["--drop-recipient=re:(", &id],
            "bad value for --drop-recipient",
        ),
        (&[d, "MATCH"], "MATCH needs a selection"),
        (&[&b], "--bounce needs the text"),
        (&[&b, "--reason-text", "a\nb"], "one line of printable text"),
        (
            &[&b, "--reason-text", "a\x1b[2J"],
            "one line of printable text",
        ),
        (
            &[&b, "--reason-text", "x", "--status-code", "4.7.1"],
            "permanent failure",
        ),
        (
            &[&b, "--reason-text", "x", "--reason-text", "y"],
            "given twice",
        ),
        (
            &["--reason-text", "x", "-h", "ALL"],
            "--reason-text is for --bounce",
        ),
        (&[d, &id, "--rate", "1/s"], "--rate is for actions"),
        (&[d, &id, "--notify"], "--notify is for actions"),
    ] {
        let output = call(&instance, arguments).run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(1), "{arguments:?}: {output:?}");
        let text = output.stderr_text();
        assert!(text.contains(words), "{arguments:?}: {text}");
        assert_eq!(only_message(&instance), before, "{arguments:?}");
    }
}

#[test]
fn a_thousand_recipients_are_dropped_and_restored() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let names: Vec<String> = (0..1000).map(|n| format!("r{n}@x.example")).collect();
    let mut records: Vec<(u8, &str)> = vec![(b'R', "left@y.example"), (b'X', "")];
    records.extend(names.iter().map(|name| (b'R', name.as_str())));
    let placed = put(&instance, "deferred", "s@example.com", &records);
    let before = only_message(&instance);
    let arguments = ["--journal", "--drop-recipient=*@x.example", &placed.id()];
    let output = run(&instance, &arguments);
    assert!(
        output
            .stderr_text()
            .contains(": 900 more recipients: dropped")
    );
    let after = only_message(&instance);
    assert_eq!(addresses(&after.content, b'D').len(), 1000);
    assert_eq!(addresses(&after.content, b'R'), ["left@y.example"]);
    run(&instance, &["--undo"]);
    assert_eq!(only_message(&instance), before);
}

#[test]
fn undo_leaves_alone_what_was_delivered_meanwhile() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().in_memory().build();
    let records = [
        (b'R', "a@x.example"),
        (b'R', "b@x.example"),
        (b'R', "c@x.example"),
    ];
    let placed = put(&instance, "deferred", "s@example.com", &records);
    run(
        &instance,
        &["--journal", "--drop-recipient=a@x.example", &placed.id()],
    );
    // A delivery agent is done with b, and the next attempt is another.
    let path = instance.queue_directory().join(&placed.path);
    let mut content = fs::read(&path).expect("a message");
    let text = b"R\x0bb@x.example";
    let at = content.windows(text.len()).position(|w| w == text);
    content[at.expect("b")] = b'D';
    fs::write(&path, &content).expect("written");
    crate::support::spool::set_mtime(&path, NEXT_ATTEMPT + 5);
    run(&instance, &["--undo"]);
    let after = only_message(&instance);
    assert_eq!(
        addresses(&after.content, b'R'),
        ["a@x.example", "c@x.example"]
    );
    assert_eq!(addresses(&after.content, b'D'), ["b@x.example"]);
    assert_eq!(after.modified, (NEXT_ATTEMPT + 5, 0));
    assert_eq!(after.path, placed.path);
}

/// KiB that a command may take, and how long without optimization.
const MEMORY: u64 = 32 * 1024;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn messages_of_very_many_recipients_take_bounded_memory_and_time() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    for (count, is_changed) in [(300_000, true), (600_000, false)] {
        let instance = Instance::builder().in_memory().build();
        let mut records = vec![(b'R', "a@x.example"); count];
        records.push((b'R', "b@x.example"));
        put(&instance, "deferred", "s@example.com", &records);
        for arguments in [
            &["--drop-recipient=b@*", "ALL"][..],
            &["--bounce=ALL", "--reason-text", "x"],
        ] {
            let mut command = call(&instance, arguments).command(Program::Ours, &instance);
            let begin = std::time::Instant::now();
            let peak = crate::hostile::peak_memory(&mut command);
            let took = begin.elapsed();
            assert!(
                peak < MEMORY && took < PATIENCE,
                "{arguments:?}: {peak} KiB, {took:?}"
            );
        }
        let left = addresses(&only_message(&instance).content, b'R').len();
        assert_eq!(left, if is_changed { 0 } else { count + 1 });
    }
}
