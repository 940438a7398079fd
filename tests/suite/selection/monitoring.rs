//! Metrics that Prometheus takes, and a line that monitoring systems take.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::{filled, printed, run};
use crate::support::instance::{Instance, make_directory, write_aged};
use crate::support::run::{Ended, Invocation, Program, Tool, User};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require};

#[test]
fn promtool_has_nothing_to_say_about_the_metrics() {
    if require(Needs::Promtool) == Met::No {
        return;
    }
    for instance in [filled(), Instance::builder().build(), strange()] {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool");
        let mut pipe = promtool.stdin.take().expect("a pipe");
        pipe.write_all(printed(&instance, &["--prometheus"]).as_bytes())
            .expect("a reader");
        drop(pipe);
        let output = promtool.wait_with_output().expect("promtool ends");
        assert!(output.status.success(), "{output:?}");
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

/// A queue whose domains are what no label may hold as it is.
fn strange() -> Instance {
    let instance = Instance::builder().build();
    for sender in [
        &b"a@quote\"back\\slash"[..],
        b"a@\xff\xfe",
        b"a@line\nfeed",
        "a@\u{fc}".as_bytes(),
    ] {
        let mut file =
            spoolbox::queue_file::records::writer::QueueFile::new(1, "", &["r@x"], &["", "x"]);
        file.sender = sender.to_vec();
        instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    }
    instance
}

/// Values by name and labels. Everything that is not of the format is an
/// error, as far as the format is used here.
fn parse(text: &str) -> HashMap<String, f64> {
    assert!(text.ends_with('\n'));
    let mut values = HashMap::new();
    let (mut families, mut family) = (HashSet::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(["gauge", "histogram"].contains(&kind), "{line}");
            assert!(families.insert(name.to_owned()), "{name} twice");
            name.clone_into(&mut family);
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            assert!(name.starts_with(&family), "{name} is not of {family}");
            check_labels(name);
            let value = value.parse().expect("a number");
            assert_eq!(values.insert(name.to_owned(), value), None, "{name} twice");
        }
    }
    values
}

/// `name{label="value",...}` with every quote and backslash escaped.
fn check_labels(series: &str) {
    let Some((name, labels)) = series.split_once('{') else {
        return;
    };
    assert!(
        name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
        "{name}"
    );
    let mut rest = labels.strip_suffix('}').expect("an end");
    while let Some((label, value)) = rest.split_once("=\"") {
        assert!(
            label
                .trim_start_matches(',')
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{series}"
        );
        let mut escaped = false;
        let end = value.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        rest = &value[end.expect("a closing quote").0 + 1..];
    }
    assert_eq!(rest, "", "{series}");
}

/// The value of a sample of the nameless instance, written without that label.
fn value_of(values: &HashMap<String, f64>, name: &str) -> Option<f64> {
    let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
    let comma = if labels == "}" { "" } else { "," };
    let series = format!("spoolbox_queue_{name}{{instance_name=\"-\"{comma}{labels}");
    values.get(&series).copied()
}

#[test]
fn metrics_are_the_counts() {
    let instance = filled();
    let text = printed(&instance, &["--prometheus", "--top", "2"]);
    let values = parse(&text);
    let value = |name: &str| value_of(&values, name);
    for (queue, count) in [
        ("maildrop", 1.),
        ("active", 2.),
        ("incoming", 1.),
        ("deferred", 4.),
        ("hold", 2.),
    ] {
        assert_eq!(
            value(&format!("messages{{queue=\"{queue}\"}}")),
            Some(count)
        );
        let total = value(&format!("age_seconds_count{{queue=\"{queue}\"}}"));
        let infinite = value(&format!(
            "age_seconds_bucket{{queue=\"{queue}\",le=\"+Inf\"}}"
        ));
        assert_eq!((total, infinite), (Some(count), Some(count)));
    }
    // 5 hours, 2, 3 and 4 days.
    let older = |le: &str| {
        value(&format!(
            "age_seconds_bucket{{queue=\"deferred\",le=\"{le}\"}}"
        ))
    };
    assert_eq!(
        (older("14400"), older("86400"), older("432000")),
        (Some(0.), Some(1.), Some(4.))
    );
    let oldest = value("oldest_age_seconds{queue=\"hold\"}").expect("an age");
    assert!((oldest - 8. * 86_400.).abs() < 60.);
    assert_eq!(
        value("sender_domain_messages{domain=\"example.com\"}"),
        Some(3.)
    );
    let top = text
        .lines()
        .filter(|line| line.starts_with("spoolbox_queue_sender_domain_messages"));
    assert_eq!(top.count(), 2);
    let reason = "reason_recipients{reason=\"connect to \u{2026}: Connection refused\"}";
    assert_eq!(value(reason), Some(4.));
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).expect("a time");
    let scanned = value("scan_timestamp_seconds").expect("a time");
    assert!((now.as_secs_f64() - scanned).abs() < 60.);
    let took = value("scan_duration_seconds").expect("a duration");
    assert!((0. ..60.).contains(&took), "{took}");
    assert_eq!(
        (value("scan_errors"), value("scan_success")),
        (Some(0.), Some(1.))
    );
}

#[test]
fn the_sums_of_all_values_are_right() {
    let instance = filled();
    let values = |top: &str| parse(&printed(&instance, &["--prometheus", "--top", top]));
    let sum = |values: &HashMap<String, f64>, name: &str| -> f64 {
        let found = values.iter().filter(|(series, _)| series.contains(name));
        found.map(|(_, value)| value).sum()
    };
    let (all, first) = (values("all"), values("1"));
    let messages = sum(&all, "queue_messages{");
    assert_eq!(sum(&all, "sender_domain_messages{"), messages);
    assert!(sum(&first, "sender_domain_messages{") < messages);
    // What --count says, without a limit.
    let recipients = printed(&instance, &["--count=to-domain", "--top=all", "-j"]);
    let recipients = recipients.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        row["recipients"].as_f64().expect("a number")
    });
    assert_eq!(
        sum(&all, "recipient_domain_recipients{"),
        recipients.sum::<f64>()
    );
}

#[test]
fn what_could_not_be_read_is_counted() {
    let instance = filled();
    let file = NewFile::new("hold", b"no queue file at all".to_vec());
    instance.spool().put(&file);
    let values = parse(&printed(&instance, &["--prometheus"]));
    let errors = value_of(&values, "scan_errors");
    assert_eq!(errors, Some(1.));
}

/// Names by the rules of OpenMetrics: no family is called like a sample of
/// another one, and units are at the end.
#[test]
fn names_follow_the_rules_of_openmetrics() {
    let text = printed(&filled(), &["--prometheus", "--top", "all"]);
    let families: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    assert!(families.len() > 8, "{families:?}");
    for family in families {
        for suffix in ["_total", "_created", "_count", "_sum", "_bucket", "_info"] {
            assert!(!family.ends_with(suffix), "{family}");
        }
        let has = |unit: &str| family.contains(unit) && !family.ends_with(unit);
        assert!(!has("seconds") && !has("bytes"), "{family}");
    }
}

#[test]
fn no_address_breaks_the_format() {
    let values = parse(&printed(&strange(), &["--prometheus"]));
    let domains = values.keys().filter(|name| name.contains("sender_domain"));
    assert_eq!(domains.count(), 4, "{values:?}");
}

#[test]
fn the_file_is_replaced_and_stays_when_the_queue_cannot_be_read() {
    let instance = filled();
    let directory = instance.root().join("textfile");
    // Nobody but the caller can write there: not even the mail owner.
    make_directory(&directory, 0o700);
    let file = directory.join("mail.prom");
    std::fs::write(&file, "old\n").expect("a file");
    let name = file.to_str().expect("a path of ASCII");
    assert_eq!(printed(&instance, &["--prometheus", "--output", name]), "");
    let new = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(
        parse(&new).len(),
        parse(&printed(&instance, &["--prometheus"])).len()
    );
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    std::fs::remove_dir_all(instance.spool().path("hold")).expect("a queue less");
    let output = run(&instance, &["--prometheus", &format!("--output={name}")]);
    assert_eq!(output.ended, Ended::Exited(69));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), new);
    let left = std::fs::read_dir(&directory)
        .expect("the directory")
        .count();
    assert_eq!(left, 1);
    let nowhere = run(&instance, &["--prometheus", "--output", "/nonexistent/x"]);
    assert_eq!(nowhere.ended, Ended::Exited(69));
}

#[test]
fn a_set_gid_program_writes_no_file() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let file = instance.root().join("mail.prom");
    let output = Invocation::new(
        Tool::Postqueue,
        [
            "--prometheus".as_ref(),
            "--output".as_ref(),
            file.as_os_str(),
        ],
    )
    .user(User::Nobody)
    .run(Program::Ours, &instance);
    assert_eq!(output.ended, Ended::Exited(69));
    assert!(
        output.stderr_text().contains("--output is not available"),
        "{output:?}"
    );
    assert!(!file.exists());
}

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
        .run(Program::Ours, &instance);
    assert_eq!(output.ended, Ended::Exited(3), "{output:?}");
    let line = output.stdout_text();
    assert!(line.contains("is not allowed to view the mail queue"), "{line}");
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
    let mut file = spoolbox::queue_file::records::writer::QueueFile::new(1, "", &["r@x"], &["", "x"]);
    file.sender = b"a|messages=0;;;0\nMAILQ OK@x\x1b[2J".to_vec();
    instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    let (ended, text, data) = check(&instance, &["--by=from", "--warn=0"]);
    assert_eq!(ended, Ended::Exited(1));
    assert!(text.contains("a?messages=0;;;0?MAILQ OK@x?[2J 1"), "{text}");
    assert_eq!(data.len(), 3, "{data:?}");
}

/// The directory of the example for a fleet.
fn example() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/monitoring")
}

#[test]
fn the_example_configuration_is_accepted_and_its_alerts_alert() {
    if require(Needs::Promtool) == Met::No {
        return;
    }
    for args in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "mail-queue.rules.yml"],
        ["test", "rules", "mail-queue.test.yml"],
    ] {
        let output = Command::new("promtool")
            .args(args)
            .current_dir(example())
            .output()
            .expect("promtool");
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
}

#[test]
fn the_alerts_name_metrics_that_there_are() {
    let rules = std::fs::read_to_string(example().join("mail-queue.rules.yml")).expect("rules");
    let metrics = printed(&filled(), &["--prometheus"]);
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names: HashSet<&str> = rules
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with("spoolbox_"))
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        assert!(metrics.contains(&format!("# TYPE {name} ")), "{name}");
    }
}
