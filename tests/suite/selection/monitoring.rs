//! Metrics that Prometheus takes, and the alerts on them.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::{filled, printed, run};
use crate::support::instance::{Instance, make_directory};
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
