//! Killed at every system call: each recipient that is not done gets the message,
//! each that was returned has an entry in the bounce log, and the same call
//! completes the change, or undo takes it back.

use nix::errno::Errno;
use nix::libc;

use super::*;
use crate::support::tracer;
use crate::support::tracer::{Strike, Target, Traced};
use crate::support::{Extent, Met, Needs, require};

const RECORDS: [(u8, &str); 6] = [
    (b'R', "a@x.example"),
    (b'R', "b@x.example"),
    (b'R', "c@y.example"),
    (b'X', ""),
    (b'A', "notify_flags=1"),
    (b'R', "d@y.example"),
];
/// Kills and errors that are tried without SPOOLBOX_LONG, for each command.
const SAMPLE: usize = 40;

/// The queue, the content and the mode of the message, and the log's entries.
type State = (PathBuf, Vec<u8>, u32, Vec<String>);

const DROP: &[&str] = &["--journal", "--drop-recipient=*@y.example", "ID"];
const BOUNCE: &[&str] = &["--journal", "--bounce=ID", "--reason-text", "because"];

fn arguments(words: &[&str], placed: &Placed) -> Vec<String> {
    words
        .iter()
        .map(|word| word.replace("ID", &placed.id()))
        .collect()
}

fn new_scene() -> (Instance, Placed) {
    let instance = Instance::builder().in_memory().build();
    let placed = put(&instance, "deferred", "s@example.com", &RECORDS);
    (instance, placed)
}

fn struck(instance: &Instance, placed: &Placed, words: &[&str], target: Target) -> Traced {
    let arguments = arguments(words, placed);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let command = call(instance, &arguments).command(Program::Ours, instance);
    tracer::run(command, b"", target, Strike::Kill)
}

/// What a run that is left alone leaves; the times of a message that is returned
/// are those of the run.
fn state(instance: &Instance) -> State {
    let found = only_message(instance);
    // The inode number is in the names.
    let queue = found.path.components().next().expect("a queue");
    let queue = PathBuf::from(queue.as_os_str());
    let logs = bounce_logs(instance);
    let log = logs.iter().flat_map(|(.., text)| entries(text)).collect();
    (queue, found.content, found.mode, log)
}

/// The numbers of the calls at which a command is killed: those after the rights
/// were given up.
fn numbers(words: &[&str]) -> (Vec<u64>, State) {
    let (instance, placed) = new_scene();
    let traced = struck(&instance, &placed, words, Target::Nothing);
    assert_eq!(traced.output.ended, Ended::Exited(0), "{traced:?}");
    let gives_up = traced
        .calls
        .iter()
        .position(|made| made.kind.number == libc::SYS_setuid);
    let first = gives_up.map_or(1, |at| at + 2) as u64;
    let numbers = (first..=traced.calls.len() as u64).collect();
    (numbers, state(&instance))
}

/// Whether no recipient was forgotten.
fn nobody_is_forgotten(instance: &Instance, words: &[&str]) {
    let found = only_message(instance);
    let done = addresses(&found.content, b'D');
    let logs: String = bounce_logs(instance)
        .into_iter()
        .map(|(.., text)| text)
        .collect();
    for address in done {
        let drops = words.iter().any(|word| word.starts_with("--drop"));
        let is_accounted_for = if drops {
            address.ends_with("@y.example")
        } else {
            entries(&logs).iter().any(|entry| {
                entry.contains(&format!("recipient={address}\n"))
                    && entry.contains("\nreason=because")
            })
        };
        assert!(is_accounted_for, "{address} is forgotten: {logs}");
    }
}

fn kill_everywhere(words: &[&str]) {
    let (numbers, expected) = numbers(words);
    let mut tried = 0;
    for number in Extent::from_environment().some_of(numbers, SAMPLE) {
        let (instance, placed) = new_scene();
        let before = only_message(&instance);
        let traced = struck(&instance, &placed, words, Target::Any(number));
        if traced.struck.is_empty() {
            continue;
        }
        tried += 1;
        nobody_is_forgotten(&instance, words);
        if number % 2 == 0 {
            let again = arguments(words, &placed);
            let again: Vec<&str> = again.iter().map(String::as_str).collect();
            run(&instance, &again);
            assert_eq!(
                state(&instance),
                expected,
                "call {number}: {:?}",
                traced.struck
            );
        } else {
            undo_all(&instance, &placed, &before);
            assert_eq!(
                only_message(&instance),
                before,
                "call {number}: {:?}",
                traced.struck
            );
            assert!(bounce_logs(&instance).is_empty(), "call {number}");
        }
    }
    assert!(tried > 10, "{tried}");
}

/// Undoes all batches. What was killed before it was recorded is on hold,
/// unchanged, and is released.
fn undo_all(instance: &Instance, placed: &Placed, before: &Found) {
    for batch in crate::support::trash::batches(instance) {
        run(instance, &[&format!("--undo={batch}")]);
    }
    let found = only_message(instance);
    if found.path.starts_with("hold") && found.content == before.content {
        run(instance, &["-H", &placed.id()]);
        let path = instance.queue_directory().join(&before.path);
        crate::support::instance::set_mode(&path, before.mode);
    }
    let found = only_message(instance);
    if found.mode != before.mode && found.content == before.content {
        // Killed while nothing had been done: the mark has no meaning there.
        let path = instance.queue_directory().join(&found.path);
        crate::support::instance::set_mode(&path, before.mode);
    }
}

/// Fails each call that changes something, or a sample of the others, once.
fn fail_everywhere(words: &[&str]) {
    let (numbers, _) = numbers(words);
    let mut tried = 0;
    for number in Extent::from_environment().some_of(numbers, SAMPLE) {
        let (instance, placed) = new_scene();
        let arguments = arguments(words, &placed);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let command = call(&instance, &arguments).command(Program::Ours, &instance);
        let errno = if number % 2 == 0 {
            Errno::EIO
        } else {
            Errno::ENOSPC
        };
        let traced = tracer::run(command, b"", Target::Any(number), Strike::Once(errno));
        if traced.struck.is_empty() {
            continue;
        }
        tried += 1;
        let text = traced.output.stderr_text();
        assert!(!text.contains("panicked"), "{:?}: {text}", traced.struck);
        nobody_is_forgotten(&instance, words);
        if !text.contains("warning: ") && !text.contains("fatal: ") {
            let found = only_message(&instance);
            assert!(
                found.path.starts_with("deferred"),
                "{:?}: {text}",
                traced.struck
            );
        }
    }
    assert!(tried > 10, "{tried}");
}

#[test]
fn a_call_that_fails_forgets_nobody_and_does_not_pass_in_silence() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    fail_everywhere(DROP);
    fail_everywhere(BOUNCE);
}

#[test]
fn a_killed_drop_forgets_nobody_and_can_be_completed_or_undone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    kill_everywhere(DROP);
}

/// The calls before which a message is marked, moved, changed or released, and how
/// many of each there are at most.
const STEPS: [(&[i64], u64); 5] = [
    (&[libc::SYS_renameat2, libc::SYS_renameat], 2),
    (&[libc::SYS_pwrite64], 4),
    (&[libc::SYS_fchmod], 3),
    (&[libc::SYS_utimensat], 1),
    (&[libc::SYS_fsync], 1),
];

/// Kills a call at each of these steps, and makes it again.
fn complete(words: &[&str]) {
    let (instance, placed) = new_scene();
    run_words(&instance, &placed, words);
    let expected = state(&instance);
    let mut tried = 0;
    for (numbers, most) in STEPS {
        for nth in 1..=most {
            let (instance, placed) = new_scene();
            let target = Target::Among(numbers.to_vec(), nth);
            let traced = struck(&instance, &placed, words, target);
            if traced.struck.is_empty() {
                break;
            }
            tried += 1;
            nobody_is_forgotten(&instance, words);
            let is_on_hold = state(&instance).0.starts_with("hold");
            let dry = run_words(&instance, &placed, &[&["--dry-run"], words].concat());
            let counts_it = dry.stderr_text().contains(": 1 message\n");
            assert!(
                counts_it || !is_on_hold,
                "{words:?}: {:?}: {dry:?}",
                traced.struck
            );
            run_words(&instance, &placed, words);
            assert_eq!(state(&instance), expected, "{words:?}: {:?}", traced.struck);
        }
    }
    assert!(tried >= 4, "{words:?}: {tried}");
}

fn run_words(instance: &Instance, placed: &Placed, words: &[&str]) -> Output {
    let words = arguments(words, placed);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(instance, &words)
}

#[test]
fn a_killed_drop_is_completed_by_the_same_call_whatever_names_the_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let drop = "--drop-recipient=*@y.example";
    for words in [
        &[drop, "ALL"][..],
        &[drop, "ALL", "deferred"],
        &[drop, "ID", "deferred"],
        &[drop, "MATCH", "--to", "c@y.example", "--queue", "deferred"],
    ] {
        complete(words);
    }
}

#[test]
fn a_killed_bounce_is_completed_by_the_same_call_whatever_names_the_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let reason = ["--reason-text", "because"];
    for words in [
        &["--bounce=ALL"][..],
        &["--bounce=ALL", "deferred"],
        &["--bounce=ID", "deferred"],
        &[
            "--bounce=MATCH",
            "--to",
            "a@x.example",
            "--queue",
            "deferred",
        ],
    ] {
        complete(&[&words[..1], &reason, &words[1..]].concat());
    }
}

#[test]
fn mail_that_an_administrator_holds_is_not_released_by_a_call_for_deferred() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for words in [
        &["--drop-recipient=*@y.example"][..],
        &["--bounce=ALL", "--reason-text", "because"],
    ] {
        let instance = Instance::builder().in_memory().build();
        put(&instance, "hold", "s@example.com", &RECORDS);
        let before = only_message(&instance);
        let all: &[&str] = if words.len() == 1 { &["ALL"] } else { &[] };
        run(&instance, &[words, all, &["deferred"]].concat());
        assert_eq!(only_message(&instance), before, "{words:?}");
    }
}

#[test]
fn a_killed_bounce_forgets_nobody_and_can_be_completed_or_undone() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    kill_everywhere(BOUNCE);
}
