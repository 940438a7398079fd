//! Extensions: JSON, groupings other than by domain, --top.

use std::path::Path;

use serde_json::Value;
use spoolbox::queue_file::records::writer::QueueFile;

use super::borders::put;
use super::draft::now;
use super::run::{give_to_mail_owner, ours};
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require, sample};

/// Deferred messages with one recipient each, and a log for it.
fn deferred(instance: &Instance, number: usize, reason: &str) {
    let address = format!("user{number}@dest{number}.example");
    let sender = format!("Sender{}@Example.com", number % 2);
    let file = QueueFile::new(now() - 1000, &sender, &[&address], &["text"]);
    let name = Name::Short {
        microseconds: u32::try_from(number).expect("a small number"),
    };
    let file = NewFile::new("deferred", file.to_bytes()).named(name);
    let placed = instance.spool().put(&file);
    if !reason.is_empty() {
        let log = format!("recipient={address}\noffset=9\nreason={reason}\n\n");
        instance
            .spool()
            .put_log("defer", &placed.name, log.as_bytes());
    }
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    text.lines().map(words).collect()
}

#[test]
fn json_is_the_same_table() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for (age, recipients) in [
        (10, &["a@x.example", "b@x.example"][..]),
        (700, &["a@x.example", "a@y.example"]),
        (999_999, &["a@\"q\\\"\u{e9}.example"]),
    ] {
        put(&instance, "incoming", age, recipients);
    }
    give_to_mail_owner(&instance);
    for options in [
        &[][..],
        &["-s"],
        &["-l", "-b", "4", "-t", "1.5"],
        &["-p", "-m", "1"],
    ] {
        let table = ours(&instance, &[&["-w", "200"], options].concat());
        let json = ours(&instance, &[&["--json"], options].concat()).stdout_text();
        assert_eq!(json.lines().count(), 1, "{json}");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let table = rows(&table.stdout_text());
        let total = table.iter().find(|row| row[0] == "TOTAL").expect("a total");
        let numbers = |row: &Value| {
            let mut numbers = vec![row["total"].to_string()];
            let buckets = row["buckets"].as_array().expect("an array");
            numbers.extend(buckets.iter().map(ToString::to_string));
            numbers
        };
        assert_eq!(numbers(&json), total[1..]);
        let found: Vec<Vec<String>> = json["rows"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|row| {
                [
                    vec![row["name"].as_str().expect("text").to_owned()],
                    numbers(row),
                ]
                .concat()
            })
            .collect();
        let rest: Vec<_> = table[1..]
            .iter()
            .filter(|row| row[0] != "TOTAL")
            .cloned()
            .collect();
        assert_eq!(found, rest);
        let limits = json["bucket_limits"].as_array().expect("an array");
        assert_eq!(limits.len(), table[0].len() - 1);
        assert_eq!(limits.last(), Some(&Value::Null));
        let seconds = limits[0].as_f64().expect("a number");
        assert!((seconds / 60.0 - table[0][1].parse::<f64>().expect("minutes")).abs() < 1e-9);
    }
}

#[test]
fn a_thousand_variants_of_a_reason_are_one_row() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for number in 0..1000 {
        let ip = format!("192.0.{}.{}", number / 250, number % 250);
        let reason = format!("connect to mx.d{number}.example[{ip}]:25: Connection timed out");
        deferred(&instance, number, &reason);
    }
    deferred(&instance, 1000, "mail transport unavailable");
    deferred(&instance, 1001, "");
    give_to_mail_owner(&instance);
    let table = ours(&instance, &["--by=reason", "-w", "132", "deferred"]).stdout_text();
    let table = rows(&table);
    let names: Vec<String> = table[1..]
        .iter()
        .map(|row| row[..row.len() - 11].join(" "))
        .collect();
    let expected = [
        "TOTAL",
        "connect to \u{2026}: Connection timed out",
        "(none yet)",
        "mail transport unavailable",
    ];
    assert_eq!(names, expected);
    let counts: Vec<&str> = table[1..]
        .iter()
        .map(|row| row[row.len() - 11].as_str())
        .collect();
    assert_eq!(counts, ["1002", "1000", "1", "1"]);
}

#[test]
fn rows_can_be_other_things_than_domains() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    (0..3).for_each(|number| deferred(&instance, number, ""));
    put(
        &instance,
        "hold",
        1,
        &["user0@dest0.example", "x@dest0.example"],
    );
    give_to_mail_owner(&instance);
    for (by, expected) in [
        (
            "sender",
            "TOTAL 4|sender0@example.com 2|sender@example.com 1|sender1@example.com 1",
        ),
        (
            "recipient",
            "TOTAL 5|user0@dest0.example 2|x@dest0.example 1|user1@dest1.example 1|user2@dest2.example 1",
        ),
        ("queue", "TOTAL 4|deferred 3|hold 1"),
        ("size", "TOTAL 4|less than 1K 4"),
        (
            "domain",
            "TOTAL 5|dest0.example 3|dest1.example 1|dest2.example 1",
        ),
    ] {
        let by = format!("--by={by}");
        let output = ours(&instance, &["-b1", &by, "hold", "deferred"]);
        let found: Vec<String> = rows(&output.stdout_text())[1..]
            .iter()
            .map(|row| row[..row.len() - 1].join(" "))
            .collect();
        assert_eq!(found.join("|"), expected, "{by}");
    }
    let top = ours(&instance, &["-b1", "--top=1", "hold", "deferred"]).stdout_text();
    let names: Vec<String> = rows(&top).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["T", "TOTAL", "dest0.example"]);
}

#[test]
fn wrong_long_options_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for args in [
        &["--by=colour"][..],
        &["--by"],
        &["--top=x"],
        &["--json", "--chart"],
        &["--json=x"],
        &["-s", "--by=size"],
        &["-p", "--by=reason"],
    ] {
        let output = ours(&instance, args);
        assert_eq!(output.ended, Ended::Exited(255), "{args:?}");
        assert!(output.stderr_text().contains("Usage: "), "{args:?}");
    }
}

#[test]
fn every_option_is_in_the_manual_pages() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let help = ours(&instance, &["--help"]).stdout_text();
    let page = ["qshape.1", "spoolbox-selection.7"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name))
        .map(|path| std::fs::read_to_string(path).expect("a manual page"))
        .concat()
        .replace('\\', "");
    let options: Vec<&str> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  -"))
        .map(|line| line.split([' ', '=']).next().unwrap_or_default())
        .collect();
    assert!(options.len() > 15, "{help}");
    for option in options {
        let described = page.lines().any(|line| {
            let words = line.split([' ', '=', '"']);
            line.starts_with(".B") && words.into_iter().any(|word| word == format!("-{option}"))
        });
        assert!(described, "-{option} is not described");
    }
}

#[test]
fn the_sample_spool_is_counted() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    let output = ours(&instance, &[&["-b1", "--by=queue"][..], &queues].concat());
    assert_eq!(rows(&output.stdout_text())[1][..2], ["TOTAL", "4"]);
}
