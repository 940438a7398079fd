//! Releases: the behaviour of each, by `--dialect` (`rows`, `parameters`) and compared
//! with the installed Postfix (`side_by_side`, `started`); daemons that are of another
//! release than their files say (`daemons`).

mod daemons;
mod parameters;
mod rows;
mod side_by_side;
mod started;

use std::fs;

use crate::layers::{rust_files, source};
use crate::support::instance::{Builder, Instance};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

/// An instance that every release can read: before 3.5.9 a level is a number.
fn builder() -> Builder {
    Instance::builder().set("compatibility_level", "2")
}

/// A record of a queue file: its type and its data.
type Record<'a> = (u8, &'a [u8]);

/// The data of a size record: the size, where the content begins, and so on.
fn size(numbers: [u64; 5]) -> Vec<u8> {
    let [a, b, c, d, e] = numbers;
    format!("{a:15} {b:15} {c:15} {d:15} {e:15}").into_bytes()
}

/// A whole message: this envelope, one line of text, and what is `extracted`.
fn message<'a>(envelope: &[Record<'a>], extracted: &[Record<'a>]) -> Vec<Record<'a>> {
    let content: [Record<'_>; 3] = [(b'M', b""), (b'N', b"text"), (b'X', b"")];
    [envelope, &content, extracted, &[(b'E', b"")]].concat()
}

/// Whether a file of that name is in incoming.
fn is_in_incoming(instance: &Instance, name: &str) -> bool {
    let incoming = instance.queue_directory().join("incoming");
    incoming.join(name).exists()
}

/// The bytes of a queue file with these records.
fn records(records: &[Record<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, data) in records {
        let length = u8::try_from(data.len()).expect("a short record");
        assert!(length < 128);
        bytes.extend([*kind, length]);
        bytes.extend_from_slice(data);
    }
    bytes
}

fn put(instance: &Instance, queue: &str, id: &str, of: &[Record<'_>]) {
    let file = NewFile::new(queue, records(of));
    instance
        .spool()
        .put(&file.named(Name::Literal(id.as_bytes().to_vec())));
}

fn run(instance: &Instance, tool: Tool, dialect: &str, arguments: &[&str]) -> Output {
    let dialect = format!("--dialect={dialect}");
    let arguments = [dialect.as_str()]
        .into_iter()
        .chain(arguments.iter().copied());
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .cwd(&instance.queue_directory())
        .run(Program::Ours, instance)
}

fn stdout(instance: &Instance, tool: Tool, dialect: &str, arguments: &[&str]) -> String {
    let output = run(instance, tool, dialect, arguments);
    assert_eq!(output.ended, Ended::Exited(0), "{dialect}: {output:?}");
    output.stdout_text()
}

fn json(instance: &Instance, dialect: &str) -> String {
    stdout(instance, Tool::Postqueue, dialect, &["-j"])
}

#[test]
fn a_dialect_that_is_no_version_is_refused_by_every_tool() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    for (tool, arguments) in [
        (Tool::Postqueue, ["-p", "-v"]),
        (Tool::Postsuper, ["-d", "ABC"]),
        (Tool::Postcat, ["-q", "ABC"]),
        (Tool::Mailq, ["-v", "-v"]),
        (Tool::Qshape, ["-p", "hold"]),
    ] {
        for version in ["", "3", "newest", "3.5.x", "\u{1b}[2J"] {
            let output = run(&instance, tool, version, &arguments);
            assert_ne!(
                output.ended,
                Ended::Exited(0),
                "{tool:?} {version:?}: {output:?}"
            );
            assert!(output.stderr_text().contains("--dialect"), "{output:?}");
            assert!(!output.stderr_text().contains('\u{1b}'), "{output:?}");
        }
        let output = run(&instance, tool, "3.12-20260821", &arguments);
        assert!(!output.stderr_text().contains("--dialect"), "{output:?}");
    }
}

#[test]
fn versions_are_compared_in_one_place() {
    for path in rust_files(&source()) {
        let text = fs::read_to_string(&path).expect("a source file");
        let is_place = path.starts_with(source().join("release"));
        for needle in [
            ".minor",
            ".patch",
            ".major",
            "Release::new",
            "release <",
            "release >",
        ] {
            // A method of that name, as of a style, is something else.
            let found = text.replace(".patch(", "").contains(needle);
            assert!(is_place || !found, "{}: {needle}", path.display());
        }
    }
}
