//! Random calls on random spools: both programs have to print the same table and the
//! same errors.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use fastrand::Rng;

use super::draft;
use super::run::{call, same};
use crate::support::compare::{Cases, keep_if_asked};
use crate::support::generate;
use crate::support::generate::{Input, chance, pick};
use crate::support::instance::Instance;
use crate::support::spool::{Name, NewFile, Place};
use crate::support::{Met, Needs, require};

/// Spools of files made for qshape.
const GENERATED_CASES: u64 = 200;
/// Spools as the listings are tested with.
const LISTED_CASES: u64 = 60;

/// Text for a number, mostly one.
fn number(rng: &mut Rng, likely: &[&str]) -> OsString {
    match chance(rng, 98) {
        true => pick(rng, likely).into(),
        false => loop {
            let text = pick(rng, &draft::NO_NUMBERS);
            // No argument can hold it.
            if !text.contains(&0) {
                return OsStr::from_bytes(text).to_owned();
            }
        },
    }
}

fn options(rng: &mut Rng) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let numbers: [(&str, u32, &[&str]); 6] = [
        ("-m", 40, &["1", "2", "3", "1.5", "0.5"]),
        ("-b", 40, &["1", "2", "3", "3.7", "12", "24", "0.5", "40"]),
        (
            "-t",
            40,
            &["1", "5", "0.5", "3.7", "60", "0.01", "1e15", "1440"],
        ),
        ("-w", 40, &["81", "100", "100.5", "132", "300", "50"]),
        ("-N", 10, &["1", "0", "2.5"]),
        ("-n", 10, &["1", "0", "2.5"]),
    ];
    for (flag, percent) in [("-s", 30), ("-p", 45), ("-l", 30)] {
        if chance(rng, percent) {
            args.push(flag.into());
        }
    }
    for (option, percent, likely) in numbers {
        if chance(rng, percent) {
            args.extend([option.into(), number(rng, likely)]);
        }
    }
    args
}

fn operands(rng: &mut Rng, instance: &Instance) -> Vec<OsString> {
    let spool = instance.queue_directory();
    let operands: [OsString; 14] = [
        "incoming".into(),
        "active".into(),
        "deferred".into(),
        "deferred".into(),
        "hold".into(),
        "maildrop".into(),
        "nosuch".into(),
        "hold/".into(),
        "deferred/A".into(),
        "../spool/hold".into(),
        "".into(),
        ".".into(),
        spool.join("deferred").into(),
        spool.join("nosuch/x").into(),
    ];
    let count = pick(rng, &[0, 1, 1, 1, 2, 4]);
    (0..count)
        .map(|_| operands[rng.usize(0..operands.len())].clone())
        .collect()
}

/// A queue file anywhere below a queue.
fn put(rng: &mut Rng, instance: &Instance) {
    let queue = pick(
        rng,
        &[
            "incoming", "active", "deferred", "deferred", "hold", "maildrop",
        ],
    );
    let mut file = NewFile::new(queue, draft::file(rng));
    file.mtime = Some(draft::now() - draft::age(rng));
    file.mode = match rng.u32(0..100) {
        0..80 => 0o700,
        80..90 => 0o744,
        _ => pick(
            rng,
            &[0o710, 0o600, 0o720, 0o702, 0o1700, 0o4740, 0o701, 0o500],
        ),
    };
    let number = rng.u32(..);
    let name = match rng.u32(0..100) {
        0..90 => format!("{number:010X}"),
        90..93 => format!("{:05}", number % 100_000),
        93..95 => format!("{number:010X}\n"),
        95..97 => format!("{number:010X}.x"),
        _ => format!("{number:010X}_"),
    };
    file.name = Name::Literal(name.into_bytes());
    let below = ["", "A", "A/1", "B", "long-name/.hidden"];
    file.place = Place::Below(PathBuf::from(pick(rng, &below)));
    instance.spool().put_if_free(&file);
}

#[test]
fn generated_queues_have_the_same_shape() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "qshape::generated::generated_queues_have_the_same_shape";
    Cases::from_environment(GENERATED_CASES).run(test, |seed, case| {
        let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut instance = Instance::builder().build();
        let files = pick(&mut rng, &[0, 1, 5, 20, 60, 150]);
        (0..files).for_each(|_| put(&mut rng, &instance));
        for _ in 0..3 {
            let mut args = options(&mut rng);
            args.extend(operands(&mut rng, &instance));
            let result = same(&instance, &call(&instance, args));
            keep_if_asked(&mut instance, result)?;
        }
        Ok(())
    });
}

#[test]
fn spools_of_the_listings_have_the_same_shape() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "qshape::generated::spools_of_the_listings_have_the_same_shape";
    Cases::from_environment(LISTED_CASES).run(test, |seed, case| {
        let mut spool = generate::spool(seed, case, Input::Any);
        let mut args = options(&mut spool.rng);
        let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
        args.extend(queues.map(OsString::from));
        let result = same(&spool.instance, &call(&spool.instance, args));
        keep_if_asked(&mut spool.instance, result)
    });
}
