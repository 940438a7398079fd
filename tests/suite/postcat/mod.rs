//! postcat against Postfix's own: generated files, every way to cut a message
//! short, every combination of options, IDs in every queue, other inputs.

mod corpus;
mod extensions;
mod large;
pub mod milter;
pub mod run;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use self::run::{Stdin, call, same};
use crate::support::compare;
use crate::support::compare::{Cases, keep_if_asked};
use crate::support::generate::{chance, contents};
use crate::support::instance::{Instance, make_directory, set_mode};
use crate::support::run::{Invocation, Program, Tool, install_ours};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require, sample, under_test};

const GENERATED_CASES: u64 = 300;
/// The options of 3.7 that say what is shown.
const OPTIONS: [&str; 7] = ["-b", "-e", "-h", "-d", "-o", "-r", "-v"];

fn strings(args: &[&str]) -> Vec<String> {
    args.iter().map(|&arg| arg.to_owned()).collect()
}

fn write(instance: &Instance, name: &str, content: &[u8]) {
    fs::write(instance.root().join(name), content).expect("a file");
}

/// Options, some of them, and the operands.
fn draw_call(rng: &mut Rng, instance: &Instance, size: usize) -> (Invocation, Stdin) {
    let mut args: Vec<String> = OPTIONS
        .iter()
        .filter(|_| chance(rng, 30))
        .map(|&option| option.to_owned())
        .collect();
    if chance(rng, 8) {
        args.extend(["-s".to_owned(), rng.usize(0..size + 3).to_string()]);
    }
    let stdin = match rng.u32(0..100) {
        0..12 => Stdin::Pipe(fs::read(instance.root().join("one")).expect("the file")),
        12..20 => Stdin::File(instance.root().join("one")),
        _ => {
            let second: &[&str] = match rng.u32(0..10) {
                0 => &["two"],
                1 => &["absent", "two"],
                2 => &["two", "one"],
                _ => &[],
            };
            args.push("one".to_owned());
            args.extend(strings(second));
            Stdin::Nothing
        }
    };
    (call(instance, &args), stdin)
}

#[test]
fn generated_files_are_shown_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "postcat::generated_files_are_shown_alike";
    Cases::from_environment(GENERATED_CASES).run(test, |seed, case| {
        let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut instance = Instance::builder().build();
        let one = contents::file(&mut rng);
        write(&instance, "one", &one);
        write(&instance, "two", &contents::file(&mut rng));
        let (call, stdin) = draw_call(&mut rng, &instance, one.len());
        let result = same(&instance, &call, &stdin);
        keep_if_asked(&mut instance, result)
    });
}

/// A message with something of everything, small.
fn small_message() -> Vec<u8> {
    let mut content = RecordWriter::new();
    content
        .record(RecordType::TEXT, b"a: b")
        .record(RecordType::TEXT, b"")
        .record(RecordType::UNTERMINATED_TEXT, b"x")
        .record(RecordType::TEXT, b"y");
    let content = content.into_bytes();
    let mut file = RecordWriter::new();
    file.record(RecordType::SIZE, format!("{} 26", content.len()).as_bytes())
        .record(RecordType::TIME, b"17 0")
        .record(RecordType::ATTRIBUTE, b"a=b")
        .record(RecordType::RECIPIENT, b"r");
    assert_eq!(file.offset(), 21);
    file.record(RecordType::SENDER, b"s")
        .record(RecordType::CONTENT, b"")
        .raw(&content)
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::RECIPIENT, b"t")
        .record(RecordType::END, b"");
    file.into_bytes()
}

#[test]
fn a_message_cut_short_at_any_byte_is_shown_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let message = small_message();
    let cuts = u64::try_from(message.len()).expect("a small message") + 1;
    let test = "postcat::a_message_cut_short_at_any_byte_is_shown_alike";
    Cases::from_environment(cuts).run(test, |_, case| {
        let mut instance = Instance::builder().build();
        let cut = usize::try_from(case).expect("a small number");
        write(&instance, "cut", &message[..cut]);
        let options = ["", "-v", "-do", "-h", "-e"];
        let option = options[cut % options.len()];
        let args: Vec<_> = [option, "cut"]
            .into_iter()
            .filter(|a| !a.is_empty())
            .collect();
        let result = same(
            &instance,
            &call(&instance, &strings(&args)),
            &Stdin::Nothing,
        );
        keep_if_asked(&mut instance, result)
    });
}

/// A message edited in place, as a milter leaves it: pointers into a heap
/// after the end and back, padding, DSN, VERP, a filter, UTF-8.
fn edited_message() -> Vec<u8> {
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 5")
        .record(RecordType::ATTRIBUTE, b"create_time=1700000000")
        .record(RecordType::FULL_NAME, b"Full Name")
        .record(RecordType::VERP, b"+=")
        .record(RecordType::DSN_RETURN, b"1")
        .record(RecordType::DSN_ENVELOPE_ID, b"id")
        .record(RecordType::FILTER, b"smtp:[filter]")
        .record(RecordType::PADDING, b"\0\0\0\0")
        .record(RecordType::SENDER, "j\u{fc}rgen@example.com".as_bytes())
        .record(RecordType::DSN_ORIGINAL_RECIPIENT, b"rfc822;o@example.com")
        .record(RecordType::DSN_NOTIFY, b"1")
        .record(RecordType::ORIGINAL_RECIPIENT, b"o@example.com")
        .record(RecordType::RECIPIENT, b"r@example.com")
        .pointer(0)
        .record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, b"from: a");
    let jump = file.offset();
    // The pointer, the line it leaves out, the rest up to the heap.
    let back = jump + 17 + 12;
    let heap = back + 3 + 2 + 3 + 3 + 2 + 2;
    file.pointer(heap)
        .record(RecordType::TEXT, b"subject: a")
        .record(RecordType::TEXT, b"x")
        .record(RecordType::TEXT, b"")
        .record(RecordType::UNTERMINATED_TEXT, b"y")
        .record(RecordType::TEXT, b"z")
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    assert_eq!(file.offset(), heap);
    file.record(RecordType::TEXT, b"subject: b")
        .record(RecordType::TEXT, b" continued")
        .pointer(back);
    file.into_bytes()
}

#[test]
fn every_combination_of_options_shows_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "postcat::every_combination_of_options_shows_alike";
    let (small, edited) = (small_message(), edited_message());
    Cases::from_environment(1 << OPTIONS.len()).run(test, |_, case| {
        let mut instance = Instance::builder().build();
        write(&instance, "small", &small);
        write(&instance, "edited", &edited);
        let chosen = OPTIONS
            .iter()
            .enumerate()
            .filter(|(at, _)| case & (1 << at) != 0);
        let mut args: Vec<_> = chosen.map(|(_, &option)| option).collect();
        args.extend(["edited", "small", "edited"]);
        let result = same(
            &instance,
            &call(&instance, &strings(&args)),
            &Stdin::Nothing,
        );
        keep_if_asked(&mut instance, result)
    });
}

#[test]
fn messages_are_found_by_their_id_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let mut instance = Instance::builder()
        .set("hash_queue_names", "deferred, hold, saved")
        .set("hash_queue_depth", "2")
        .build();
    let sample = sample::fill(&instance);
    let put = |queue: &str, name: &str| {
        let file = NewFile::new(queue, small_message()).named(Name::Literal(name.into()));
        instance.spool().put(&file.mode(0o600)).id()
    };
    let saved = put("saved", "SAVED1");
    let twice = put("hold", "TWICE");
    put("active", "TWICE");
    put("corrupt", "CORRUPT");
    let mut calls: Vec<Vec<String>> = Vec::new();
    let ids: Vec<String> = sample.all().iter().map(|placed| placed.id()).collect();
    for id in ids.iter().chain([&saved, &twice]) {
        for options in ["-q", "-qv", "-hq", "-bhq", "-eqo"] {
            calls.push(vec![options.into(), id.clone()]);
        }
    }
    let first = ids[0].as_str();
    for operands in [
        &[first, "ABSENT", first][..],
        &[first, "bad/id", first],
        &["CORRUPT"],
        &[""],
        &["-"],
        &[".."],
        &["x\u{fc}\u{1b}"],
        &["-s", "abc", first],
        &["-s", "99999999999999999999", first],
        &["-s", "40", first],
        &["-s", "9999", first],
    ] {
        calls.push(
            [&["-q"], operands]
                .concat()
                .iter()
                .map(|&a| a.into())
                .collect(),
        );
    }
    let count = u64::try_from(calls.len()).expect("a few calls");
    let test = "postcat::messages_are_found_by_their_id_alike";
    let result = std::panic::catch_unwind(|| {
        Cases::from_environment(count).run(test, |_, case| {
            let call = call(&instance, &calls[usize::try_from(case).expect("an index")]);
            let mut theirs = call.run(Program::Theirs, &instance);
            let mut ours = call.run(under_test(), &instance);
            if call.args[0] == "-qv" {
                // Postfix's debugging is not ours.
                theirs.stderr.clear();
                ours.stderr.clear();
            }
            compare::same(&call, &ours, &theirs)
        });
    });
    if result.is_err() {
        let _ = keep_if_asked(&mut instance, Err(String::new()));
        std::panic::resume_unwind(Box::new("see above"));
    }
}

/// Arguments that are wrong, or name what is no queue file.
const ODD_CALLS: [&[&str]; 33] = [
    &["absent"],
    &["one", "absent", "one"],
    &[""],
    &["-"],
    &["directory"],
    &["-o", "directory", "one"],
    &["-s", "4", "directory"],
    &["/dev/null"],
    &["empty"],
    &["empty", "one"],
    &["empty", "no-queue-file", "one"],
    &["-b", "no-queue-file", "one"],
    &["-x"],
    &["-hx", "one"],
    &["-c"],
    &["-s"],
    &["-c", "/nonexistent", "-x"],
    &["-c", "/nonexistent", "one"],
    &["-c", "/nonexistent", "-s", "x", "one"],
    &["-s", "", "one"],
    &["-s", "-1", "one"],
    &["-s", "0x1", "one"],
    &["-s", "3", "-s", "0", "one"],
    &["-s", "9223372036854775808", "one"],
    &["-s", "5", "no-queue-file"],
    &["--", "one", "-b"],
    &["-q", "--", "-e"],
    &["-q", "--", "--"],
    &["-q", "--", "ABCDEF", "-h"],
    &["--", "-e", "one"],
    &["-s", "5", "/dev/null"],
    &["-s", "9223372036854775807", "/dev/null"],
    &["-s", "99999999999999999999", "/dev/null", "one"],
];

#[test]
fn odd_calls_are_answered_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "postcat::odd_calls_are_answered_alike";
    Cases::from_environment(ODD_CALLS.len() as u64).run(test, |_, case| {
        let mut instance = Instance::builder().build();
        write(&instance, "one", &small_message());
        write(&instance, "empty", b"");
        write(&instance, "no-queue-file", b"zzz");
        make_directory(&instance.root().join("directory"), 0o755);
        let args = strings(ODD_CALLS[usize::try_from(case).expect("an index")]);
        let result = same(&instance, &call(&instance, &args), &Stdin::Nothing);
        keep_if_asked(&mut instance, result)
    });
}

#[test]
fn a_file_that_may_not_be_read_is_refused_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    write(&instance, "secret", &small_message());
    set_mode(&instance.root().join("secret"), 0);
    set_mode(instance.root(), 0o755);
    // The program itself may be where no user can reach it.
    let ours = instance.root().join("ours");
    install_ours(&ours);
    let refused = |program: &Path| {
        let mut command = Command::new(program);
        command.arg0("postcat").arg("secret").env_clear();
        command
            .env("MAIL_CONFIG", instance.etc())
            .current_dir(instance.root());
        let output = command
            .uid(65_534)
            .gid(65_534)
            .output()
            .expect("a program that starts");
        (output.status.code(), output.stdout, output.stderr)
    };
    let theirs = refused(&Program::Theirs.path(Tool::Postcat, &instance));
    assert_eq!(refused(&ours), theirs);
    assert_eq!(theirs.0, Some(1));
}

/// Files that were once shown differently, each with every option.
#[test]
fn files_that_once_differed_are_shown_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/postcat");
    let entries = fs::read_dir(&directory).expect("the fixtures");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "queue"));
    names.sort();
    assert!(!names.is_empty(), "no fixtures in {}", directory.display());
    let count = names.len() as u64;
    let test = "postcat::files_that_once_differed_are_shown_alike";
    Cases::from_environment(count).run(test, |_, case| {
        let mut instance = Instance::builder().build();
        let path = &names[usize::try_from(case).expect("an index")];
        let content = fs::read(path).expect("a fixture");
        write(&instance, "one", &content);
        let mut result = Ok(());
        for options in ["-beh", "-h", "-b", "-e", "-do", "-vr", "-hdv"] {
            let args = strings(&[options, "one", "one"]);
            let call = call(&instance, &args);
            result = result.and_then(|()| same(&instance, &call, &Stdin::Nothing));
        }
        let piped = call(&instance, &strings(&["-o"]));
        result = result.and_then(|()| same(&instance, &piped, &Stdin::Pipe(content)));
        keep_if_asked(&mut instance, result)
    });
}
