//! Queue files that real mail systems wrote, 3.7.11 and 3.11.6, and what
//! those versions printed for them.
//!
//! Needs neither Postfix nor root. The order of messages is that of the
//! directories, so the listings are compared message by message.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile, Place};

/// The message of the 3.11 corpus that has a bounce log.
const WITH_BOUNCE_LOG: &str = "5ED489F00ED";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Corpus {
    V3_7,
    V3_11,
}

impl Corpus {
    fn directory(self) -> PathBuf {
        let name = match self {
            Corpus::V3_7 => "corpus-3.7",
            Corpus::V3_11 => "corpus-3.11",
        };
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name)
    }

    fn dialect(self) -> &'static str {
        match self {
            Corpus::V3_7 => "--dialect=3.7",
            Corpus::V3_11 => "--dialect=3.11",
        }
    }

    fn expected(self, file: &str) -> String {
        fs::read_to_string(self.directory().join("expected").join(file)).expect("expected output")
    }

    /// Puts the corpus into a new instance, modes and times as they were.
    fn restore(self, long_ids: &str) -> Instance {
        let instance = Instance::builder()
            .set("enable_long_queue_ids", long_ids)
            .build();
        let manifest = fs::read_to_string(self.directory().join("manifest.tsv"));
        for line in manifest.expect("the manifest").lines().skip(1) {
            let [path, mode, mtime] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("manifest line {line:?}");
            };
            let content = fs::read(self.directory().join("spool").join(path)).expect("a file");
            let (directory, name) = path.rsplit_once('/').expect("a path");
            let (queue, below) = directory.split_once('/').unwrap_or((directory, ""));
            let file = NewFile::new(queue, content)
                .named(Name::Literal(name.into()))
                .at(Place::Below(below.into()))
                .mode(u32::from_str_radix(mode, 8).expect("a mode"))
                .mtime(mtime.parse().expect("an mtime"));
            instance.spool().put(&file);
        }
        instance
    }
}

/// What our postqueue prints for an instance.
fn listed(instance: &Instance, dialect: &str, form: &str) -> String {
    let etc = instance.etc();
    let arguments = ["-c".as_ref(), etc.as_os_str(), form.as_ref()];
    let output = Invocation::new(Tool::Postqueue, arguments)
        .ours_only(dialect)
        .env("TZ", "UTC")
        .run(Program::Ours, instance);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    output.stdout_text()
}

/// A text listing as heading, messages in any order, and footer.
#[derive(Debug, PartialEq, Eq)]
struct TextListing {
    heading: String,
    messages: BTreeSet<String>,
    footer: String,
}

impl TextListing {
    fn parse(text: &str) -> Self {
        let (heading, rest) = text.split_once('\n').expect("a heading");
        let (messages, footer) = rest.rsplit_once("\n\n").expect("a footer");
        Self {
            heading: heading.into(),
            messages: messages.split("\n\n").map(str::to_owned).collect(),
            footer: footer.into(),
        }
    }
}

fn assert_same_messages(ours: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(
        ours == expected,
        "--- only ours\n{}\n--- only expected\n{}",
        only(ours, expected),
        only(expected, ours)
    );
}

fn compare_text(corpus: Corpus, long_ids: &str, file: &str) {
    let instance = corpus.restore(long_ids);
    let ours = TextListing::parse(&listed(&instance, corpus.dialect(), "-p"));
    let expected = TextListing::parse(&corpus.expected(file));
    assert_same_messages(&ours.messages, &expected.messages);
    assert_eq!(ours, expected);
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_text_form_shows_the_3_7_corpus_as_3_7_did() {
    compare_text(Corpus::V3_7, "no", "postqueue-p.txt");
}

#[test]
fn the_text_form_for_long_ids_shows_the_3_7_corpus_as_3_7_did() {
    compare_text(Corpus::V3_7, "yes", "postqueue-p.long.txt");
}

#[test]
fn the_json_form_shows_the_3_7_corpus_as_3_7_did() {
    let instance = Corpus::V3_7.restore("no");
    let ours = lines(&listed(&instance, "--dialect=3.7", "-j"));
    assert_same_messages(&ours, &lines(&Corpus::V3_7.expected("postqueue-j.jsonl")));
}

#[test]
fn the_text_form_shows_the_3_11_corpus_as_3_11_did() {
    compare_text(Corpus::V3_11, "no", "postqueue-p.txt");
}

#[test]
fn the_text_form_for_long_ids_shows_the_3_11_corpus_as_3_11_did() {
    compare_text(Corpus::V3_11, "yes", "postqueue-p.long.txt");
}

#[test]
fn the_json_form_shows_the_3_11_corpus_as_3_11_did() {
    let instance = Corpus::V3_11.restore("no");
    let ours = lines(&listed(&instance, "--dialect=3.11", "-j"));
    assert_same_messages(&ours, &lines(&Corpus::V3_11.expected("postqueue-j.jsonl")));
}

#[test]
fn the_older_dialect_leaves_out_original_addresses_and_nothing_else() {
    let instance = Corpus::V3_11.restore("no");
    let ours = listed(&instance, "--dialect=3.7", "-j");
    let expected = Corpus::V3_11.expected("postqueue-j.jsonl");
    let without_bounces = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains(WITH_BOUNCE_LOG));
        lines
            .map(without_original_addresses)
            .collect::<BTreeSet<_>>()
    };
    assert!(!ours.contains("orig_address"), "{ours}");
    assert!(!ours.contains("bounce_reason"), "{ours}");
    assert_same_messages(&without_bounces(&ours), &without_bounces(&expected));
}

/// A line of JSON less its members `"orig_address": "…", `.
fn without_original_addresses(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, from)) = rest.split_once("\"orig_address\": ") {
        kept.push_str(before);
        rest = from.split_once(", ").expect("another member").1;
    }
    kept + rest
}
