//! Random calls on random spools: both programs have to print and log the same lines,
//! end with the same status, and leave the same files.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use fastrand::Rng;

use crate::support::compare::{Cases, keep_if_asked, shown};
use crate::support::effect::{Effect, LineOrder};
use crate::support::generate;
use crate::support::generate::{Input, Spool, chance, pick};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require, under_test};

const GENERATED_CASES: u64 = 600;

const ACTIONS: [&str; 6] = ["-d", "-e", "-f", "-h", "-H", "-r"];
const QUEUES: [&str; 9] = [
    "maildrop", "incoming", "active", "deferred", "hold", "defer", "bounce", "trace", "flush",
];
/// Words that people give for an ID although they are none, or none here.
const NO_IDS: [&[u8]; 12] = [
    b"",
    b"ABCDEF0123",
    b"all",
    b"ALL ",
    b"../hold/X",
    b"user@example.com",
    b"ID*",
    b"3A789BCD!",
    b"caf\xc3\xa9",
    b"\xff\x1b[31m",
    b"deferred",
    b"CRLF\r",
];

/// A call, and in which order its lines come.
struct Draft {
    call: Invocation,
    order: LineOrder,
    repairs: bool,
    /// The first operand that is no queue.
    unknown: Option<&'static str>,
}

fn draft(spool: &mut Spool) -> Draft {
    let mut args: Vec<OsString> = Vec::new();
    let mut stdin = None;
    let mut order = LineOrder::AsPrinted;
    let mut repairs = false;
    let actions = pick(&mut spool.rng, &[0, 1, 1, 1, 2, 3, 5]);
    for _ in 0..actions {
        let option = pick(&mut spool.rng, &ACTIONS);
        let argument = match spool.rng.u32(0..10) {
            0..4 => {
                order = LineOrder::Any;
                "ALL".into()
            }
            4..6 if stdin.is_none() => {
                stdin = Some(lines(spool));
                "-".into()
            }
            _ => word(spool),
        };
        args.extend([OsString::from(option), argument]);
    }
    let switches = if actions == 0 { 60 } else { 8 };
    for switch in ["-s", "-S", "-p"] {
        if chance(&mut spool.rng, switches) {
            args.insert(0, switch.into());
            order = LineOrder::Any;
            repairs |= switch != "-p";
        }
    }
    if args.is_empty() {
        order = LineOrder::Any;
        repairs = true;
    }
    let mut unknown = None;
    if chance(&mut spool.rng, 40) {
        for _ in 0..spool.rng.usize(1..5) {
            let operand = operand(&mut spool.rng);
            unknown = unknown.or(Some(operand).filter(|name| !QUEUES.contains(name)));
            args.push(operand.into());
        }
    }
    let call = Invocation::new(Tool::Postsuper, args)
        .env("MAIL_CONFIG", spool.instance.etc())
        .stdin(&stdin.unwrap_or_default());
    Draft {
        call,
        order,
        repairs,
        unknown,
    }
}

fn operand(rng: &mut Rng) -> &'static str {
    if chance(rng, 3) {
        return pick(rng, &["nosuch", "corrupt", "saved", "public", "", "hold/"]);
    }
    pick(rng, &QUEUES)
}

/// An ID that is there, or something else.
fn word(spool: &mut Spool) -> OsString {
    let known = spool.placed.len();
    if known == 0 || chance(&mut spool.rng, 10) {
        return OsString::from_vec(pick(&mut spool.rng, &NO_IDS).to_vec());
    }
    let index = spool.rng.usize(0..known);
    OsString::from_vec(spool.placed[index].name.clone())
}

/// What a pipeline could feed.
fn lines(spool: &mut Spool) -> Vec<u8> {
    let mut text = Vec::new();
    let count = pick(&mut spool.rng, &[0, 1, 5, 40, 400]);
    for _ in 0..count {
        text.extend(word(spool).into_vec());
        match spool.rng.u32(0..40) {
            0 => text.extend(b"\r\n"),
            1 => text.extend(b"\0rest\n"),
            2 => text.extend(b" \n"),
            _ => text.push(b'\n'),
        }
    }
    if chance(&mut spool.rng, 30) {
        text.pop();
    }
    text
}

/// The call of a case.
pub(super) fn draft_of(seed: u64, case: u64) -> Invocation {
    draft(&mut generate::spool(seed, case, Input::Any)).call
}

/// What a call of a case does that was altered.
pub(super) fn altered_effect(
    program: Program,
    seed: u64,
    case: u64,
    alter: impl Fn(Invocation) -> Invocation,
) -> Effect {
    let mut spool = generate::spool(seed, case, Input::Any);
    let draft = draft(&mut spool);
    if draft.repairs {
        generate::remove_short_names(&spool);
    }
    Effect::of(program, &spool, &alter(draft.call), draft.order)
}

fn effect(program: Program, seed: u64, case: u64) -> (Effect, Spool, Draft) {
    let mut spool = generate::spool(seed, case, Input::Any);
    let draft = draft(&mut spool);
    if draft.repairs {
        generate::remove_short_names(&spool);
    }
    let effect = Effect::of(program, &spool, &draft.call, draft.order);
    (effect, spool, draft)
}

#[test]
fn generated_calls_do_the_same() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "postsuper::generated::generated_calls_do_the_same";
    Cases::from_environment(GENERATED_CASES).run(test, |seed, case| {
        let (ours, mut spool, draft) = effect(under_test(), seed, case);
        if let Some(name) = draft.unknown {
            let result = refused(&ours, name, seed, case);
            let result = result.map_err(|text| format!("{}\n{text}", shown(&draft.call)));
            return keep_if_asked(&mut spool.instance, result);
        }
        if ours.output.stderr_text().contains(": not moved: ") {
            let result = nothing_is_replaced(&ours, &draft, seed, case);
            let result = result.map_err(|text| format!("{}\n{text}", shown(&draft.call)));
            return keep_if_asked(&mut spool.instance, result);
        }
        let (theirs, _, _) = effect(Program::Theirs, seed, case);
        let result = if met_an_obstacle(&theirs) && draft.order == LineOrder::Any {
            same_end(&ours, &theirs)
        } else {
            ours.compare(&theirs)
        };
        let result = result.map_err(|text| format!("{}\n{text}", shown(&draft.call)));
        keep_if_asked(&mut spool.instance, result)
    });
}

/// The spool that a call finds.
fn before(seed: u64, case: u64) -> Snapshot {
    let mut spool = generate::spool(seed, case, Input::Any);
    if draft(&mut spool).repairs {
        generate::remove_short_names(&spool);
    }
    let labels = Labels::of(&spool.placed);
    Snapshot::of(&spool.instance.queue_directory(), &labels)
}

/// Whether there are as many files as before, where a message could not move
/// because another has its name: Postfix replaces that one, and cannot be
/// compared with. A call that deletes or purges may leave fewer.
fn nothing_is_replaced(ours: &Effect, draft: &Draft, seed: u64, case: u64) -> Result<(), String> {
    let removes = draft.call.args.iter().any(|arg| arg == "-d" || arg == "-p");
    let count = |tree: &Snapshot| tree.count_files(&QUEUES);
    let (now, then) = (count(&ours.tree), count(&before(seed, case)));
    if now == then || (removes && now < then) {
        Ok(())
    } else {
        Err(format!("  {then} files before, {now} after"))
    }
}

/// Whether a call with a queue that is none did nothing at all. Postfix acts
/// on the queues before it.
fn refused(ours: &Effect, name: &str, seed: u64, case: u64) -> Result<(), String> {
    let before = before(seed, case);
    if let Some(text) = ours.tree.difference(&before) {
        return Err(text);
    }
    let text = ours.output.stderr_text();
    let expected = format!("postsuper: fatal: invalid directory name: {name}\n");
    match text == expected && ours.output.ended == Ended::Exited(1) {
        true => Ok(()),
        false => Err(text),
    }
}

/// Whether the walk broke off within a directory. What was done before that
/// depends on the order of the directory, which differs between twins.
fn met_an_obstacle(effect: &Effect) -> bool {
    let text = effect.output.stderr_text();
    ["fatal: scan_dir_push", "fatal: remove", "fatal: rename"]
        .iter()
        .any(|fatal| text.contains(fatal))
}

/// Compares how two runs that met an obstacle ended.
fn same_end(ours: &Effect, theirs: &Effect) -> Result<(), String> {
    let kind = |effect: &Effect| {
        let text = effect.output.stderr_text();
        let fatal = text.lines().find(|line| line.contains("fatal: "));
        let words = fatal.unwrap_or_default().split(' ').take(4);
        words.collect::<Vec<_>>().join(" ")
    };
    let (left, right) = (kind(ours), kind(theirs));
    match left == right && ours.output.ended == Ended::Exited(1) {
        true => Ok(()),
        false => Err(format!("  ours:   {left}\n  theirs: {right}")),
    }
}
