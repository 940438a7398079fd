//! The fuzz targets: one function for each parser of untrusted bytes.
//!
//! Each takes any bytes, panics if something that has to hold of them does
//! not, and needs neither Postfix nor root. cargo fuzz calls them from
//! `fuzz_targets/`; `cargo test` includes this file and calls the same
//! functions on the seeds, on all findings, and on some mutations of both.

pub mod archives;
pub mod command_lines;
pub mod daemons;
pub mod logs;
pub mod names;
pub mod queue_files;
pub mod scratch;
pub mod settings;
pub mod texts;

/// One thing that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of the file in `fuzz_targets/` too.
    pub name: &'static str,
    /// Reads the bytes.
    pub run: fn(&[u8]),
    /// Directories with real files to begin with, below `fixtures/`, beside
    /// `fuzz/seeds/NAME`.
    pub seeds: &'static [&'static str],
}

const QUEUE_FILES: &[&str] = &[
    "corpus-3.7/spool/deferred",
    "corpus-3.7/spool/hold",
    "corpus-3.7/spool/maildrop",
    "corpus-3.11/spool/deferred",
    "corpus-3.11/spool/hold",
    "corpus-3.11/spool/maildrop",
    "postcat",
];

const LOGS: &[&str] = &["corpus-3.7/spool/defer", "corpus-3.11/spool/defer"];

/// Everything that is fuzzed.
pub const TARGETS: [Target; 13] = [
    target("records", queue_files::records, QUEUE_FILES),
    target("listing", queue_files::listing, QUEUE_FILES),
    target("defer_log", logs::defer_log, LOGS),
    target("journal", logs::journal, &[]),
    target("archive", archives::archive, &[]),
    target("showq_attributes", daemons::showq_attributes, &[]),
    target("flush_attributes", daemons::flush_attributes, &[]),
    target("main_cf", settings::main_cf, &[]),
    target("queue_ids", names::queue_ids, &[]),
    target("options", command_lines::options, &[]),
    target("patterns", command_lines::patterns, &[]),
    target("formats", texts::formats, &[]),
    target("texts", texts::texts, &[]),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: &'static [&'static str]) -> Target {
    Target { name, run, seeds }
}

/// Fails if a text could do anything to a terminal.
pub fn assert_printable(text: &[u8]) {
    let is_control = |b: &u8| *b < 0x20 || *b == 0x7f;
    assert!(
        !text.iter().any(is_control),
        "not printable: {}",
        text.escape_ascii()
    );
}

/// Fails if a text is no UTF-8, or holds what a terminal could take for a
/// command in it.
pub fn assert_harmless(text: &[u8]) {
    let text = std::str::from_utf8(text).expect("UTF-8");
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
}

/// Fails if one of several lines could, or if the last has no end.
pub fn assert_printable_lines(text: &[u8]) {
    assert!(matches!(text, [] | [.., b'\n']), "half a line");
    text.split(|&b| b == b'\n').for_each(assert_printable);
}

/// Fails if a line of JSON does not decode.
pub fn assert_json_lines(text: &[u8]) {
    assert_printable_lines(text);
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let decoded = serde_json::from_slice::<serde_json::Value>(line);
        assert!(decoded.is_ok(), "{decoded:?}: {}", line.escape_ascii());
    }
}
