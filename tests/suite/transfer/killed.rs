//! Killed at any system call, or with an error of one, and repeated: every
//! message is in one place, and no message is delivered by both instances or by
//! one of them twice.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;

use super::{
    assert_area_is_tidy, assert_names_are_right, below, builder, command, counted, export, files,
    queued, run,
};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Output};
use crate::support::sample;
use crate::support::tracer;
use crate::support::tracer::{Made, Strike, Target};
use crate::support::{Extent, Met, Needs, require};

/// What changes the spool or the archive.
const CHANGES: [i64; 10] = [
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_fchmod,
    libc::SYS_utimensat,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_syncfs,
    libc::SYS_write,
    libc::SYS_openat,
];
/// The strikes of each kind without SPOOLBOX_LONG.
const SAMPLE: usize = 16;

fn source() -> Instance {
    let source = builder("a.example").build();
    let sample = sample::fill(&source);
    fs::remove_file(below(&source, sample.maildrop.path)).expect("unlink");
    source
}

/// The changing calls of a run at which it is struck, counted from 1, and how.
fn strikes(command: Command, stdin: &[u8]) -> Vec<(u64, Strike)> {
    let traced = tracer::run(command, stdin, Target::Nothing, Strike::Kill);
    let output = traced.output;
    assert_eq!(output.ended, Ended::Exited(0), "{}", output.stderr_text());
    let is_change = |made: &&Made| CHANGES.contains(&made.kind.number);
    let numbers: Vec<u64> = (1..)
        .zip(traced.calls.iter().filter(is_change))
        .map(|(number, _)| number)
        .collect();
    assert!(numbers.len() > 50, "{}", numbers.len());
    let kinds = [Strike::Kill, Strike::Once(Errno::EIO)];
    let each = |kind: Strike| {
        let struck = numbers
            .iter()
            .map(|number| (*number, kind))
            .collect::<Vec<_>>();
        Extent::from_environment().some_of(struck, SAMPLE)
    };
    kinds.into_iter().flat_map(each).collect()
}

fn struck(command: Command, stdin: &[u8], (number, strike): (u64, Strike)) -> Output {
    let target = Target::Among(CHANGES.to_vec(), number);
    let output = tracer::run(command, stdin, target, strike).output;
    assert_ne!(
        output.ended,
        Ended::TimedOut,
        "call {number}, {strike:?}: {}",
        output.stderr_text()
    );
    let text = output.stderr_text();
    assert!(!text.contains("panicked"), "call {number}: {text}");
    output
}

/// The contents of all messages of an instance, wherever they are.
fn everywhere(instance: &Instance) -> BTreeMap<Vec<u8>, usize> {
    let mut all = counted(instance);
    for file in files(instance, "saved") {
        let is_message =
            file.path.parent().is_some_and(|dir| dir.ends_with("saved")) && !file.id.contains('.');
        if is_message {
            *all.entry(file.content).or_insert(0) += 1;
        }
    }
    all
}

#[test]
fn an_export_that_moves_can_be_struck_at_any_call() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let arguments = ["--trash"];
    for at in strikes(command(&source(), "export", &arguments), b"") {
        let (source, target) = (source(), builder("b.example").build());
        let all = counted(&source);
        let output = struck(command(&source, "export", &arguments), b"", at);
        assert_eq!(everywhere(&source), all, "call {at:?}");
        let first = run(&target, "import", &[], &output.stdout);
        if first.ended == Ended::Exited(0) {
            // The archive is complete: nothing of it is delivered here.
            let arrived = counted(&target);
            for file in queued(&source) {
                let is_in_both = file.queue != "hold" && arrived.contains_key(&file.content);
                assert!(!is_in_both, "call {at:?}: {}", file.path.display());
            }
        } else {
            assert_eq!(queued(&target).len(), 0, "call {at:?}");
        }
        let again = run(&source, "export", &arguments, b"");
        let text = again.stderr_text();
        assert_eq!(again.ended, Ended::Exited(0), "call {at:?}: {text}");
        assert_eq!(queued(&source).len(), 0, "call {at:?}");
        let second = run(&target, "import", &[], &again.stdout);
        let text = second.stderr_text();
        assert_eq!(second.ended, Ended::Exited(0), "call {at:?}: {text}");
        assert_eq!(counted(&target), all, "call {at:?}");
    }
}

#[test]
fn an_import_can_be_struck_at_any_call_while_mail_is_delivered() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let source = source();
    let archive = export(&source, &[]);
    let all = counted(&source);
    let target = || builder("b.example").build();
    for at in strikes(command(&target(), "import", &[]), &archive) {
        let target = target();
        struck(command(&target, "import", &[]), &archive, at);
        // What is in a queue where deliveries begin is complete: its log is
        // there, and it can be delivered.
        let mut delivered = BTreeMap::new();
        for file in queued(&target)
            .into_iter()
            .filter(|file| file.queue != "hold")
        {
            *delivered.entry(file.content).or_insert(0) += 1;
            fs::remove_file(file.path).expect("unlink");
        }
        let again = run(&target, "import", &[], &archive);
        let text = again.stderr_text();
        assert_eq!(again.ended, Ended::Exited(0), "call {at:?}: {text}");
        for (content, count) in counted(&target) {
            *delivered.entry(content).or_insert(0) += count;
        }
        assert_eq!(delivered, all, "call {at:?}: {text}");
        assert_names_are_right(&target);
        assert_area_is_tidy(&target);
        let on_hold = files(&target, "hold").len();
        assert_eq!(on_hold, 1, "call {at:?}: only what was on hold");
    }
}

/// A message that somebody puts on hold after an interrupted import has
/// released it stays there.
#[test]
fn an_interrupted_import_does_not_release_what_is_put_on_hold_afterwards() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let archive = export(&source(), &[]);
    let target = builder("b.example").build();
    let traced = tracer::run(
        command(&builder("b.example").build(), "import", &[]),
        &archive,
        Target::Nothing,
        Strike::Kill,
    );
    let is_change = |made: &&Made| CHANGES.contains(&made.kind.number);
    let changes = (1..).zip(traced.calls.iter().filter(is_change));
    let renames = changes.filter(|(_, made)| made.kind.number == libc::SYS_renameat2);
    let renames: Vec<u64> = renames.map(|(number, _)| number).collect();
    // The last one moves the index; those before it release four messages.
    let at = (renames[renames.len() - 2], Strike::Kill);
    struck(command(&target, "import", &[]), &archive, at);
    let released = files(&target, "deferred");
    assert!(!released.is_empty());
    // Later than the moves by more than their clock can err.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let id = &released[0].id;
    let held = run(&target, "postsuper", &["-h", id], b"");
    assert_eq!(held.ended, Ended::Exited(0), "{}", held.stderr_text());
    let again = run(&target, "import", &[], &archive);
    assert_eq!(again.ended, Ended::Exited(0), "{}", again.stderr_text());
    assert!(files(&target, "hold").iter().any(|file| file.id == *id));
    assert_eq!(files(&target, "hold").len(), 2);
}
