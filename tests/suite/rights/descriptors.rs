//! Processes that are started with closed descriptors, an odd umask, or resource limits
//! of zero.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;

use super::programs::{Bits, NOBODY, Programs, Run};
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::{Met, Needs, require, sample};

/// Redirections that close standard descriptors.
const CLOSED: [&str; 8] = [
    "",
    "<&-",
    ">&-",
    "2>&-",
    "<&- >&-",
    "<&- 2>&-",
    ">&- 2>&-",
    "<&- >&- 2>&-",
];

/// Command lines of every tool that leave the spool as it is.
const CALLS: [(&str, &[&str]); 9] = [
    ("postqueue", &["-p"]),
    ("postqueue", &["-j"]),
    ("postqueue", &["-f"]),
    ("postqueue", &["-i", "x-"]),
    ("postsuper", &["-d", "ABCDEF", "-h", "no ID"]),
    ("postsuper", &["-e", "ALL", "trace"]),
    ("postsuper", &["-d", "-"]),
    ("postcat", &["-q", "ABCDEF"]),
    ("postcat", &["/etc/hostname"]),
];

/// Resource limits and masks that a caller may leave. Without limits
/// that end the shell itself.
const BEFORE: [&str; 7] = [
    "umask 0",
    "umask 777",
    "ulimit -c 0",
    "ulimit -t 30",
    "ulimit -s 256",
    "ulimit -n 64",
    "ulimit -l 0",
];

/// Whether Postfix's own tool ends by chance: its connection to showq takes
/// the place of a standard output that is closed, and gets the listing.
/// (A deliberate difference: ours says that it cannot write.)
fn is_left_to_chance(arguments: &[&str], redirections: &str) -> bool {
    let closes_stdout = redirections.split(' ').any(|word| word == ">&-");
    closes_stdout && matches!(arguments, ["-p" | "-j"])
}

/// Both programs, the same call, on one spool.
fn compare(instance: &Instance, programs: &Programs<'_>, before: &str, redirections: &str) {
    for (name, arguments) in CALLS {
        let run = |program: PathBuf| {
            let run = Run {
                before,
                redirections,
                ..Run::new(&program, arguments, 0)
            };
            run.run(&instance.etc())
        };
        let ours = run(programs.ours(name, Bits::Plain));
        if is_left_to_chance(arguments, redirections) {
            assert_eq!(ours.ended, Ended::Exited(69), "{name} {redirections}");
            continue;
        }
        let theirs = run(programs.theirs(name, Bits::Plain));
        assert_eq!(ours, theirs, "{before} {name} {arguments:?} {redirections}");
    }
}

/// An instance with mail in it.
fn filled() -> Instance {
    let instance = Instance::builder().build();
    sample::fill(&instance);
    instance
}

/// Every file of the spool, with its content.
fn contents(instance: &Instance) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![instance.queue_directory()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            match entry.file_type().expect("its type").is_dir() {
                true => directories.push(entry.path()),
                false => {
                    let content = fs::read(entry.path()).expect("a file");
                    found.insert(entry.path(), content);
                }
            }
        }
    }
    found
}

#[test]
fn closed_descriptors_end_alike_and_never_become_a_file_of_the_spool() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for redirections in CLOSED {
            scope.spawn(move || {
                let instance = filled();
                let programs = Programs::of(&instance);
                let before = contents(&instance);
                compare(&instance, &programs, "", redirections);
                assert_eq!(contents(&instance), before, "{redirections}");
            });
        }
    });
}

#[test]
fn masks_and_limits_change_as_little_as_with_postfix() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for before in BEFORE {
            scope.spawn(move || {
                let instance = filled();
                compare(&instance, &Programs::of(&instance), before, "");
            });
        }
    });
}

/// Limits under which nothing can be done: no descriptor, no process, no
/// memory, no byte of output. Whatever ours does, it ends, says so with its
/// status, and the spool is as it was or the message is where it was asked
/// to be.
#[test]
fn limits_of_zero_lose_nothing_and_are_no_success() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    for limit in ["-n 3", "-n 4", "-n 6", "-v 4000", "-d 0", "-u 0", "-f 0"] {
        let instance = filled();
        let programs = Programs::of(&instance);
        let before = contents(&instance);
        let ours = programs.ours("postsuper", Bits::Plain);
        let limited = format!("ulimit {limit}");
        for arguments in [&["-h", "ALL"][..], &["-H", "ALL"]] {
            let run = Run {
                before: &limited,
                ..Run::new(&ours, arguments, 0)
            };
            let output = run.run(&instance.etc());
            assert_ne!(output.ended, Ended::TimedOut, "{limit}");
            let text = output.stderr_text();
            assert!(!text.contains("panicked"), "{limit}: {text}");
            let kept = contents(&instance).len();
            assert_eq!(kept, before.len(), "{limit}: {output:?}");
        }
    }
}

/// A listing that cannot be complete does not say that it is.
#[test]
fn a_listing_under_limits_is_complete_or_an_error() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let programs = Programs::of(&instance);
    let ours = programs.ours("postqueue", Bits::Plain);
    let whole = Run::new(&ours, &["-j"], 0).run(&instance.etc());
    assert_eq!(whole.ended, Ended::Exited(0), "{whole:?}");
    for limit in ["-n 3", "-n 4", "-n 6", "-n 16", "-v 20000", "-u 0", "-f 0"] {
        for user in [0, NOBODY] {
            let limited = format!("ulimit {limit}");
            let run = Run {
                before: &limited,
                ..Run::new(&ours, &["-j"], user)
            };
            let output = run.run(&instance.etc());
            assert_ne!(output.ended, Ended::TimedOut, "{limit}");
            let text = output.stderr_text();
            assert!(!text.contains("panicked"), "{limit}: {text}");
            if output.ended == Ended::Exited(0) {
                assert_eq!(output.stdout, whole.stdout, "{limit} user {user}");
            }
        }
    }
}
