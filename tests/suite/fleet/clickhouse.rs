//! The ClickHouse table and its questions, on ClickHouse as a library: three hosts,
//! of which one is silent and one grows, and copies of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use spoolbox::listing::write_iso;
use spoolbox::sys::time::Zone;

use super::{kit, tool};
use crate::selection::spool;
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::{Extent, Met, Needs, require};

/// What the script prints: rows by the name of the question.
type Answers = BTreeMap<String, Value>;

fn host(name: &str) -> Instance {
    let instance = Instance::builder().set("myhostname", name).build();
    spool::fill(&instance);
    instance
}

/// Writes the first `count` messages of a host to a file, as a scan that many
/// minutes ago.
fn listing(directory: &Path, of: &Instance, minutes: i64, count: usize) -> PathBuf {
    let output = Invocation::new(Tool::Postqueue, ["-j", "--detail", "--all-instances"])
        .env("MAIL_CONFIG", of.etc())
        .run(Program::Ours, of);
    let mut time = Vec::new();
    write_iso(spool::now() - minutes * 60, Zone::Utc, &mut time);
    let time = String::from_utf8(time).expect("ASCII");
    let text = output.stdout_text();
    let lines = text.lines().take(count).map(|line| {
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        value["scanned_at"] = time.clone().into();
        format!("{value}\n")
    });
    let lines: String = lines.collect();
    let number = std::fs::read_dir(directory).expect("a directory").count();
    let file = directory.join(format!("{number}.json"));
    std::fs::write(&file, lines).expect("a file");
    file
}

/// Asks all questions of a table with the listings and copies of them.
fn ask(directory: &Path, rows: &str, listings: &[PathBuf]) -> Answers {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fleet/clickhouse.py");
    let output = Command::new(tool("python"))
        .arg(script)
        .arg(kit("clickhouse"))
        .arg(directory.join(format!("data-{rows}")))
        .arg(rows)
        .args(listings)
        .output()
        .expect("python");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What our own count has, by value.
fn counted(of: &Instance, by: &str, member: &str) -> BTreeMap<String, u64> {
    let by = format!("--count={by}");
    let output = Invocation::new(Tool::Postqueue, ["-j", &by])
        .env("MAIL_CONFIG", of.etc())
        .run(Program::Ours, of);
    let rows = output.stdout_text();
    let rows = rows.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let value = row["value"].as_str().expect("a value").to_owned();
        (value, row[member].as_u64().expect("a number"))
    });
    rows.collect()
}

/// The rows of an answer, by the value of `name`.
fn rows(answers: &Answers, question: &str, name: &str, member: &str) -> BTreeMap<String, u64> {
    let rows = answers[question].as_array().expect("rows").iter();
    let rows = rows.map(|row| {
        let value = row[name].as_str().expect("a value").to_owned();
        (value, row[member].as_u64().expect("a number"))
    });
    rows.collect()
}

#[test]
fn the_questions_have_the_answers_of_the_queues() {
    if require(Needs::Time) == Met::No || require(Needs::FleetTools) == Met::No {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let hosts = ["mx1.example.com", "mx2.example.com", "mx3.example.com"].map(host);
    let listings = [
        listing(directory.path(), &hosts[0], 0, 10),
        listing(directory.path(), &hosts[1], 5, 4),
        listing(directory.path(), &hosts[1], 0, 10),
        listing(directory.path(), &hosts[2], 60, 10),
    ];
    let answers = ask(directory.path(), "0", &listings);
    assert_eq!(answers["total"], 34);
    let threefold = |mut counts: BTreeMap<String, u64>| {
        counts.values_mut().for_each(|count| *count *= 3);
        counts
    };
    let mut senders = threefold(counted(&hosts[0], "from", "messages"));
    if let Some(null) = senders.remove("MAILER-DAEMON") {
        senders.insert("MAILER-DAEMON".to_owned(), null);
    }
    assert_eq!(rows(&answers, "top_senders", "sender", "messages"), senders);
    let mut logins = threefold(counted(&hosts[0], "sasl-user", "messages"));
    logins.remove("(none)");
    assert_eq!(
        rows(&answers, "runaway_accounts", "sasl_username", "messages"),
        logins
    );
    let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    let reasons = threefold(counted(&hosts[0], "reason", "recipients"));
    assert_eq!(
        sum(&rows(&answers, "reasons", "reason", "waiting")),
        sum(&reasons)
    );
    assert!(!answers["destinations"].as_array().expect("rows").is_empty());
    let growing = &answers["growing_hosts"][0];
    assert_eq!(
        (&growing["host"], &growing["growth"]),
        (&"mx2.example.com".into(), &6.into())
    );
    let silent = answers["silent_hosts"].as_array().expect("rows");
    assert_eq!(silent.len(), 1);
    assert_eq!(silent[0]["host"], "mx3.example.com");
    // The same questions of a fleet.
    let wanted = match Extent::from_environment() {
        Extent::Sample => "20000",
        Extent::Complete | Extent::Exhaustive { .. } => "2000000",
    };
    let answers = ask(directory.path(), wanted, &listings);
    let total = answers["total"].as_u64().expect("a number");
    assert!(total >= wanted.parse().expect("a number"), "{total}");
    assert_eq!(answers["top_senders"].as_array().expect("rows").len(), 20);
}
