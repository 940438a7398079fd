//! `postqueue --check`: a line and a status that monitoring systems take, whatever
//! is wrong.

use super::{filled, printed, run};
use crate::support::instance::{Instance, write_aged};
use crate::support::run::{Ended, Invocation, Program, Tool, User};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require};

/// The first line of a check as plugin consumers split it: text, and
/// performance data as name, value, warn, crit.
fn check(instance: &Instance, args: &[&str]) -> (Ended, String, Vec<[String; 4]>) {
    let mut all = vec!["--check"];
    all.extend(args);
    let output = run(instance, &all);
    let line = output.stdout_text();
    assert_eq!(line.matches('\n').count(), 1, "{output:?}");
    let (text, data) = line
        .trim_end()
        .split_once(" | ")
        .unwrap_or((line.trim_end(), ""));
    let datum = |datum: &str| {
        let (name, rest) = datum.split_once('=').expect("a name");
        let mut fields = rest.split(';').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        [name.to_owned(), next(), next(), next()]
    };
    (
        output.ended,
        text.to_owned(),
        data.split_whitespace().map(datum).collect(),
    )
}

#[test]
fn a_check_has_a_line_and_a_status() {
    let instance = filled();
    let fields = |name: &str, value: &str, warn: &str, crit: &str| {
        [name, value, warn, crit].map(str::to_owned)
    };
    for (args, status, word) in [
        (&["--warn", "10", "--crit", "20"][..], 0, "OK"),
        (&["--warn", "9", "--crit", "20"], 1, "WARNING"),
        (&["--warn", "5", "--crit", "9"], 2, "CRITICAL"),
        (&["--crit", "10"], 0, "OK"),
        (&["--warn", "1", "--queue", "hold"], 1, "WARNING"),
        (&["--warn-age", "9d"], 0, "OK"),
        (&["--warn-age", "1w", "--crit-age", "9d"], 1, "WARNING"),
        (&["--warn", "100", "--crit-age", "1w"], 2, "CRITICAL"),
        (&["--crit-age", "1w", "--not", "--queue", "hold"], 0, "OK"),
    ] {
        let (ended, text, data) = check(&instance, args);
        assert_eq!(ended, Ended::Exited(status), "{args:?}: {text}");
        assert!(text.starts_with(&format!("MAILQ {word} - ")), "{text}");
        assert_eq!(data[0][0], "messages");
        assert_eq!(
            data.len() == 2,
            args.iter().any(|arg| arg.contains("age")),
            "{data:?}"
        );
    }
    let (_, text, data) = check(&instance, &["--warn", "9", "--crit", "20"]);
    assert_eq!(text, "MAILQ WARNING - 10 messages (warn 9, crit 20)");
    assert_eq!(data, [fields("messages", "10", "9", "20")]);
    let (_, text, data) = check(&instance, &["--crit", "9", "--warn-age", "1w"]);
    assert!(
        text.starts_with("MAILQ CRITICAL - 10 messages (crit 9), the oldest 8d"),
        "{text}"
    );
    assert!(text.ends_with(" (warn 7d0h)"), "{text}");
    assert_eq!(data[0], fields("messages", "10", "", "9"));
    let age = data[1][1]
        .strip_suffix('s')
        .and_then(|age| age.parse::<i64>().ok());
    assert!(
        age.is_some_and(|age| (age - 8 * 86_400).abs() < 60),
        "{data:?}"
    );
    assert_eq!(data[1][2..], ["604800", ""]);
}

#[test]
fn a_queue_that_cannot_be_read_is_unknown() {
    let instance = filled();
    std::fs::remove_dir_all(instance.spool().path("hold")).expect("a queue less");
    let (ended, text, _) = check(&instance, &["--warn", "5"]);
    assert_eq!(ended, Ended::Exited(3));
    assert!(text.starts_with("MAILQ UNKNOWN - "), "{text}");
    assert!(text.contains("hold: No such file"), "{text}");
}

#[test]
fn a_check_without_main_cf_or_rights_is_unknown() {
    let instance = filled();
    write_aged(&instance.etc().join("main.cf"), "queue_directory\n");
    let (ended, text, _) = check(&instance, &["--warn", "5"]);
    assert_eq!(ended, Ended::Exited(3));
    assert!(text.contains("main.cf"), "{text}");
    std::fs::remove_file(instance.etc().join("main.cf")).expect("a main.cf");
    let (ended, text, _) = check(&instance, &["--warn", "5", "--all-instances"]);
    assert_eq!(ended, Ended::Exited(3));
    assert!(text.contains("main.cf: No such file"), "{text}");
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("authorized_mailq_users", "!static:all")
        .build();
    let output = Invocation::new(Tool::Postqueue, ["--check", "--warn", "5"])
        .user(User::Nobody)
        .default_etc(&instance.etc())
        .run(Program::Ours, &instance);
    assert_eq!(output.ended, Ended::Exited(3), "{output:?}");
    let line = output.stdout_text();
    assert!(
        line.contains("is not allowed to view the mail queue"),
        "{line}"
    );
}

#[test]
fn a_check_names_the_queue_and_the_values_above_the_thresholds() {
    let instance = filled();
    let text = |args: &[&str]| check(&instance, args);
    let (_, line, _) = text(&["--warn", "1", "--queue", "hold"]);
    assert_eq!(line, "MAILQ WARNING - 2 messages in hold (warn 1)");
    let senders = printed(&instance, &["--count=from", "--top=2", "-j"]);
    let rows = senders.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let value = row["value"].as_str().expect("a sender").to_owned();
        (value, row["messages"].as_u64().expect("a number"))
    });
    let rows: Vec<(String, u64)> = rows.collect();
    let shown = |(value, count): &(String, u64)| {
        format!("{} {count}", if value.is_empty() { "<>" } else { value })
    };
    let (_, line, _) = text(&["--crit", "100", "--top", "2"]);
    let expected = format!(
        "MAILQ OK - 10 messages (crit 100); top senders: {}, {}",
        shown(&rows[0]),
        shown(&rows[1])
    );
    assert_eq!(line, expected);
    let most = rows[0].1;
    let limit = (most - 1).to_string();
    let (ended, line, data) = text(&["--by", "from", "--warn", "0", "--crit", &limit, "--top=1"]);
    assert_eq!(ended, Ended::Exited(2), "{line}");
    assert!(line.contains(&format!(": {}", shown(&rows[0]))), "{line}");
    assert!(line.contains(" and "), "{line}");
    assert_eq!(data[1][..], ["largest", &most.to_string(), "0", &limit]);
    let (ended, line, _) = text(&["--by=from", "--warn=100"]);
    assert_eq!(ended, Ended::Exited(0));
    let expected = format!("no from above (warn 100), the largest {}", shown(&rows[0]));
    assert!(line.ends_with(&expected), "{line}");
}

#[test]
fn a_value_cannot_forge_the_line_of_a_check() {
    let instance = Instance::builder().build();
    let mut file =
        spoolbox::queue_file::records::writer::QueueFile::new(1, "", &["r@x"], &["", "x"]);
    file.sender = b"a|messages=0;;;0\nMAILQ OK@x\x1b[2J".to_vec();
    instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    let (ended, text, data) = check(&instance, &["--by=from", "--warn=0"]);
    assert_eq!(ended, Ended::Exited(1));
    assert!(
        text.contains("a?messages=0;;;0?MAILQ OK\"@x?[2J 1"),
        "{text}"
    );
    assert_eq!(data.len(), 3, "{data:?}");
}
