//! The trash, as the tests use it: its batches, and lines of its journal as
//! the first spoolbox wrote them.

use super::instance::Instance;
use super::run::{Invocation, Program, Tool};

/// The first line of a journal.
pub const HEADER: &str = "# spoolbox trash journal, version 1\n";

/// The names of the batches that are listed, the newest first.
pub fn batches(instance: &Instance) -> Vec<String> {
    let call = Invocation::new(Tool::Postsuper, ["--trash-list"]);
    let output = call
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, instance);
    let text = output.stdout_text();
    let name = |row: &str| row.split(' ').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = text.lines().skip(1).map(name).collect();
    names.reverse();
    names
}

/// A line of the journal: the words with their sum (FNV-1a).
pub fn journal_line(words: &str) -> String {
    let sum = words.bytes().fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{words} sum={sum:016x}\n")
}

/// Batches of one message each that were undone long ago.
pub fn undone_batches(count: usize) -> String {
    let batch = |number: usize| {
        let by = format!("batch=20200101-000000-{number} uid=0 user=root");
        let message = format!(
            "2020-01-01T00:00:00Z trash {by} id={number:X}ABC queue=hold mode=0700 size=9 \
             mtime=1577836800.000000000 atime=1577836800.000000000 inode={number} logs=none"
        );
        journal_line(&message) + &journal_line(&format!("2020-01-01T00:00:00Z undone {by}"))
    };
    (1..=count).map(batch).collect()
}
