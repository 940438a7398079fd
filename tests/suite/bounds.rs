//! Spools made to use memory and time: pointers that lead back for ever,
//! addresses of megabytes, more recipients than fit, logs of junk.
//!
//! Every command has the same bound on memory, whatever is in the spool, and
//! reads a file no more than a few times. Fewer and smaller files in every
//! run; SPOOLBOX_LONG=2 makes them as large as in the report of the fault.

use std::path::Path;
use std::time::{Duration, Instant};

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use crate::hostile::peak_memory;
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{NewFile, Placed};
use crate::support::{Extent, Met, Needs, require, tell};

/// KiB that any command may take.
const MEMORY: u64 = 64 * 1024;
/// How long any of them may take, without optimization on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const COMMANDS: [(Tool, &[&str]); 18] = [
    (Tool::Postqueue, &["-p"]),
    (Tool::Postqueue, &["-j"]),
    (Tool::Postqueue, &["-p", "--sort", "size"]),
    (Tool::Postqueue, &["-j", "--sort", "sender"]),
    (Tool::Postqueue, &["-p", "--limit", "3"]),
    (Tool::Postqueue, &["-j", "--limit", "3"]),
    (Tool::Postqueue, &["-j", "--detail"]),
    (Tool::Postqueue, &["--csv"]),
    (Tool::Postqueue, &["--count=to"]),
    (Tool::Postqueue, &["--count=from"]),
    (Tool::Postqueue, &["--count=reason"]),
    (Tool::Postqueue, &["--prometheus"]),
    (
        Tool::Postqueue,
        &["--ids", "--to", "nobody@nowhere.example"],
    ),
    (Tool::Qshape, &["deferred"]),
    (Tool::Qshape, &["--by=recipient", "--top=3", "deferred"]),
    (Tool::Qshape, &["--by=reason", "deferred"]),
    (Tool::Postsuper, &["-e", "MATCH", "--to", "*", "--dry-run"]),
    (
        Tool::Postsuper,
        &["-h", "MATCH", "--body", "*nowhere*", "--dry-run"],
    ),
];

fn is_long() -> bool {
    Extent::from_environment().is_exhaustive()
}

fn call(instance: &Instance, tool: Tool, words: &[&str]) -> Invocation {
    Invocation::new(tool, words)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
}

fn ours(instance: &Instance, tool: Tool, words: &[&str]) -> Output {
    call(instance, tool, words).run(Program::Ours, instance)
}

/// Runs every command, and fails if one takes more than it may.
fn check(instance: &Instance) {
    let mut wrong = Vec::new();
    for (tool, words) in COMMANDS {
        let begin = Instant::now();
        let peak = peak_memory(&mut call(instance, tool, words).command(Program::Ours, instance));
        let took = begin.elapsed();
        let line = format!("{tool:?} {words:?}: {peak} KiB, {took:?}");
        tell(&line);
        if peak > MEMORY || took > PATIENCE {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn envelope(sender: &[u8]) -> RecordWriter {
    let mut file = RecordWriter::new();
    // First, as postdrop(1) does: qshape finds its time nowhere else here.
    file.record(RecordType::SENDER, sender)
        .record(RecordType::TIME, b"1700000000 0");
    file
}

fn put(instance: &Instance, file: RecordWriter) -> Placed {
    instance
        .spool()
        .put(&NewFile::new("deferred", file.into_bytes()))
}

/// This number of recipients, then a pointer back to the first.
fn circle(recipients: usize) -> RecordWriter {
    let mut file = envelope(b"s@example.com");
    let start = file.offset();
    for number in 0..recipients {
        file.record(RecordType::RECIPIENT, format!("u{number}@x.de").as_bytes());
    }
    file.pointer(start);
    file
}

#[test]
fn a_pointer_that_leads_back_for_ever_costs_what_the_file_is_long() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    put(&instance, circle(if is_long() { 100_000 } else { 40_000 }));
    put(&instance, circle(800));
    check(&instance);
    let listed = ours(&instance, Tool::Postqueue, &["-p"]).stdout_text();
    let large = listed.matches("u39999@x.de").count();
    assert!(
        (2..=5).contains(&large),
        "the large file is read {large} times"
    );
    let small = listed.matches("u799@x.de").count();
    assert!((2..=80).contains(&small), "a small one {small} times");
}

#[test]
fn addresses_of_megabytes_cost_no_memory() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let long = |c: u8| [&vec![c; 2 << 20][..], b"@example.com"].concat();
    let mut file = envelope(&long(b's'));
    file.record(RecordType::ORIGINAL_RECIPIENT, &long(b'"'))
        .record(RecordType::RECIPIENT, &long(b'"'))
        .record(RecordType::END, b"");
    let first = put(&instance, file);
    let count = if is_long() { 300 } else { 30 };
    for number in 0..count {
        let link = format!("deferred/A{number:05}");
        instance.spool().hard_link(&first.path, Path::new(&link));
    }
    check(&instance);
}

#[test]
fn newsletters_need_no_more_memory_than_other_mail() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let (count, readers) = match Extent::from_environment() {
        Extent::Sample => (4, 5_000),
        Extent::Complete => (4, 30_000),
        Extent::Exhaustive { .. } => (80, 30_000),
    };
    for message in 0..count {
        let mut file = envelope(b"news@example.com");
        for number in 0..readers {
            let recipient = format!("reader{number}@domain{message}.example");
            file.record(RecordType::RECIPIENT, recipient.as_bytes());
        }
        file.record(RecordType::END, b"");
        put(&instance, file);
    }
    check(&instance);
    // Nothing is counted twice or forgotten on the way.
    let sum = |text: String| -> u64 {
        let counts = text.lines().skip(1);
        let counts = counts.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        counts.sum()
    };
    let recipients = count * readers;
    let counted = ours(&instance, Tool::Postqueue, &["--count=to"]).stdout_text();
    assert_eq!(sum(counted), recipients);
    let shape = ours(
        &instance,
        Tool::Qshape,
        &["--by=recipient", "--json", "deferred"],
    );
    let shape: serde_json::Value = serde_json::from_slice(&shape.stdout).expect("JSON");
    assert_eq!(shape["total"], recipients);
    let limited = ours(&instance, Tool::Postqueue, &["-j", "--limit", "2"]).stdout_text();
    let lines: Vec<serde_json::Value> = limited
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    let recipients =
        |line: &serde_json::Value| line["recipients"].as_array().map(|all| all.len() as u64);
    assert!(lines.iter().all(|line| recipients(line) == Some(readers)));
    let sorted = ours(&instance, Tool::Postqueue, &["-j", "--sort", "id"]).stdout_text();
    let mut plain = ours(&instance, Tool::Postqueue, &["-j"]).stdout_text();
    let mut all: Vec<&str> = plain.lines().collect();
    all.sort_by_key(|line| {
        line.split("queue_id\": \"")
            .nth(1)
            .map(|id| id[..12].to_owned())
    });
    plain = all.join("\n") + "\n";
    assert!(
        sorted == plain,
        "what is sorted is the same, in another order"
    );
}

#[test]
fn a_log_of_junk_is_one_warning_and_no_memory() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = postlog::configure(Instance::builder()).build();
    let log = Postlog::start(&instance);
    let mut file = envelope(b"s@example.com");
    file.record(RecordType::RECIPIENT, b"r@example.com")
        .record(RecordType::END, b"");
    let placed = put(&instance, file);
    let lines = if is_long() { 12_000_000 } else { 100_000 };
    let junk = b"x\n".repeat(lines);
    instance.spool().put_log("defer", &placed.name, &junk);
    check(&instance);
    log.take();
    let listed = ours(&instance, Tool::Postqueue, &["-p"]);
    assert_eq!(listed.ended, Ended::Exited(0));
    let is_warning = |line: &&String| line.contains("malformed record");
    assert_eq!(log.take().iter().filter(is_warning).count(), 1);
}
