//! Any bytes as a queue file, and as a log: Postfix's own programs and ours
//! print the same and end the same.
//!
//! Real files are mutated and shown by the dozen, so that one run of each
//! program does for all of them. A group that differs, or in which a file ends
//! the run, is halved until single files are left. A case is one group:
//! SPOOLBOX_CASES=200 are 4,800 files. A file that differs is kept below
//! `target/tmp`.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::beginnings;
use super::targets::TARGETS;
use crate::postcat::run;
use crate::postcat::run::{Stdin, run_both};
use crate::qshape::run as qshape;
use crate::support::compare::{Cases, difference, shown};
use crate::support::generate::suspect::{Comparability, comparability};
use crate::support::generate::{chance, mutate, pick};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require, under_test};

/// Files in a group.
const GROUP: usize = 24;
/// Groups of each comparison, unless SPOOLBOX_CASES asks for another number.
const GROUPS: u64 = 8;

const QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// What postcat is asked for, one set per group.
const OPTIONS: [&[&str]; 8] = [
    &[],
    &["-v"],
    &["-do"],
    &["-h"],
    &["-b"],
    &["-e"],
    &["-vr"],
    &["-bh", "-o"],
];

/// Real files to be mutated.
struct Beginnings {
    files: Vec<Vec<u8>>,
    logs: Vec<Vec<u8>>,
}

impl Beginnings {
    fn read() -> Self {
        let of = |name: &str| {
            let target = TARGETS.iter().find(|target| target.name == name);
            beginnings(target.expect("a target of that name"))
        };
        Self {
            files: of("records"),
            logs: of("defer_log"),
        }
    }
}

/// One mutated message.
#[derive(Clone)]
struct Mutant {
    queue: &'static str,
    file: Vec<u8>,
    log: Option<Vec<u8>>,
}

impl Mutant {
    fn draw(rng: &mut Rng, from: &Beginnings) -> Self {
        let has_log = chance(rng, 30);
        Self {
            queue: pick(rng, &QUEUES),
            file: mutate::queue_file(rng, &from.files),
            log: has_log.then(|| mutate::file(rng, &from.logs)),
        }
    }

    /// One that Postfix 3.7 can list: see spoolbox-compat(7).
    fn draw_listable(rng: &mut Rng, from: &Beginnings) -> Self {
        loop {
            let mutant = Self::draw(rng, from);
            if comparability(&mutant.file) == Comparability::Comparable {
                return mutant;
            }
        }
    }
}

/// What became of a group.
enum Shown {
    /// Both printed the same to the end.
    Alike,
    /// Both printed the same and broke off: what comes after was not seen.
    BrokeOff,
    /// They differ like this.
    Differently(String),
}

/// Compares a group, and its halves where that is not enough.
fn compare(group: &[Mutant], show: &dyn Fn(&[Mutant]) -> Shown) -> Result<(), String> {
    let shown = show(group);
    let is_single = group.len() < 2;
    match shown {
        Shown::Alike => return Ok(()),
        Shown::BrokeOff if is_single => return Ok(()),
        Shown::Differently(text) if is_single => return Err(keep(group, &text)),
        _ => {}
    }
    let (first, second) = group.split_at(group.len() / 2);
    compare(first, show)?;
    compare(second, show)?;
    match shown {
        // Only together.
        Shown::Differently(text) => Err(text),
        _ => Ok(()),
    }
}

/// Keeps the file that differs, and says where.
fn keep(part: &[Mutant], text: &str) -> String {
    let mut text = text.to_owned();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    fs::create_dir_all(&directory).expect("a directory");
    for Mutant { queue, file, log } in part {
        let name = directory.join(format!("{queue}-{:016x}", fastrand::u64(..)));
        fs::write(&name, file).expect("room");
        text += &format!("  kept: {}\n", name.display());
        if let Some(log) = log {
            let name = name.with_extension("log");
            fs::write(&name, log).expect("room");
            text += &format!("  its log: {}\n", name.display());
        }
    }
    text
}

/// Compares this many groups; each seed gives other ones.
fn compare_groups(
    test: &str,
    draw: fn(&mut Rng, &Beginnings) -> Mutant,
    check: impl Fn(Vec<Mutant>, u64) -> Result<(), String> + Sync,
) {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let from = Beginnings::read();
    Cases::from_environment(GROUPS).run(test, |seed, case| {
        let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        check((0..GROUP).map(|_| draw(&mut rng, &from)).collect(), case)
    });
}

#[test]
fn mutated_queue_files_and_logs_are_listed_alike() {
    let test = "fuzz::differential::mutated_queue_files_and_logs_are_listed_alike";
    compare_groups(test, Mutant::draw_listable, |group, _| {
        compare(&group, &listed)
    });
}

/// An instance with these messages.
fn spool_of(part: &[Mutant]) -> Instance {
    let instance = Instance::builder().build();
    for (number, Mutant { queue, file, log }) in part.iter().enumerate() {
        let name = format!("{number:02}F022ED").into_bytes();
        let new = NewFile::new(queue, file.clone()).named(Name::Literal(name.clone()));
        instance.spool().put(&new);
        if let Some(log) = log {
            instance.spool().put_log("defer", &name, log);
        }
    }
    instance
}

/// Lists a spool that holds these messages, as text and as JSON.
fn listed(part: &[Mutant]) -> Shown {
    let instance = spool_of(part);
    let mut result = Shown::Alike;
    for form in ["-p", "-j"] {
        let call = Invocation::new(Tool::Postqueue, [form])
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC");
        let theirs = call.run(Program::Theirs, &instance);
        let ours = call.run(under_test(), &instance);
        if let Some(text) = difference(&ours, &theirs) {
            return Shown::Differently(format!("{}\n{text}", shown(&call)));
        }
        if theirs.ended != Ended::Exited(0) {
            result = Shown::BrokeOff;
        }
    }
    result
}

#[test]
fn mutated_queue_files_are_counted_alike() {
    let test = "fuzz::differential::mutated_queue_files_are_counted_alike";
    compare_groups(test, Mutant::draw, |group, case| {
        let options: &[&str] = match case % 3 {
            0 => &["-s"],
            1 => &["-p", "-m", "1"],
            _ => &["-l", "-t", "1e6"],
        };
        compare(&group, &|part| counted(part, options))
    });
}

/// Counts these messages with qshape.
fn counted(part: &[Mutant], options: &[&str]) -> Shown {
    let instance = spool_of(part);
    let call = qshape::call(&instance, options.iter().chain(&QUEUES));
    // It is the group that is done with where Postfix's goes round for ever.
    match qshape::same(&instance, &call) {
        Ok(()) => Shown::Alike,
        Err(text) => Shown::Differently(text),
    }
}

#[test]
fn mutated_queue_files_are_shown_alike() {
    if require(Needs::Time) == Met::No {
        return;
    }
    let test = "fuzz::differential::mutated_queue_files_are_shown_alike";
    compare_groups(test, Mutant::draw, |group, case| {
        let sets = OPTIONS.len() as u64;
        let index = usize::try_from(case % sets).expect("a small number");
        let options = OPTIONS[index];
        // Postfix's program sleeps for a second before it breaks off.
        let (good, bad): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|mutant| ends_well(mutant, options));
        compare(&good, &|part| printed(part, options))?;
        bad.chunks(1)
            .try_for_each(|one| compare(one, &|part| printed(part, options)))
    });
}

/// A call of postcat that shows these files, one after the other.
fn showing(part: &[Mutant], options: &[&str], instance: &Instance) -> Invocation {
    let mut args: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    for (number, mutant) in part.iter().enumerate() {
        let name = format!("{number:02}");
        fs::write(instance.root().join(&name), &mutant.file).expect("room");
        args.push(name);
    }
    run::call(instance, &args)
}

/// Whether postcat, at least ours, shows a file to its end.
fn ends_well(mutant: &Mutant, options: &[&str]) -> bool {
    let instance = Instance::builder().build();
    let call = showing(std::slice::from_ref(mutant), options, &instance);
    run::run(&call, &Stdin::Nothing, Program::Ours, &instance).ended == Ended::Exited(0)
}

/// Shows these files with postcat.
fn printed(part: &[Mutant], options: &[&str]) -> Shown {
    let instance = Instance::builder().build();
    let call = showing(part, options, &instance);
    if part.len() == 1 {
        // What 3.7 does wrongly is left out there.
        return match run::same(&instance, &call, &Stdin::Nothing) {
            Ok(()) => Shown::Alike,
            Err(text) => Shown::Differently(text),
        };
    }
    match run_both(&call, &Stdin::Nothing, &instance) {
        (ours, theirs) if ours == theirs && theirs.ended == Ended::Exited(0) => Shown::Alike,
        // Single files tell whose fault it is.
        _ => Shown::BrokeOff,
    }
}
