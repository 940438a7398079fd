//! Files that interrupted repairs leave: names that end in `#FIX`, of both kinds of ID,
//! with the right inode number and with another, in every queue and log. A repair by
//! ours and one by Postfix's have the same result.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use fastrand::Rng;
use spoolbox::spool::QueueId;

use crate::support::compare::{Cases, keep_if_asked, shown};
use crate::support::effect::{Effect, LineOrder};
use crate::support::generate::{Spool, chance, pick};
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile, Place, Placed};
use crate::support::{Met, Needs, require, under_test};

const CASES: u64 = 200;

const MESSAGE_QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];
const LOGS: [&str; 3] = ["defer", "bounce", "trace"];
/// The repairs.
const CALLS: [&[&str]; 7] = [
    &["-s"],
    &["-S"],
    &["-ps"],
    &["-pS"],
    &["-p"],
    &[],
    &["-s", "-d", "ALL", "hold"],
];
/// Names that hold no inode number, or none that can be.
const ODD: [&str; 16] = [
    "A",
    "AB",
    "ABC",
    "ABCD",
    "ABCDE",
    "ABCDEG",
    "ABCDE0x",
    "ABCDE0x1F",
    "12345-",
    "A-B",
    "z",
    "4LrWHp4x2Fz",
    "4LrWHp4x2FzA",
    "4LrWHp4x2Fz1",
    "ABCDE1#FIX",
    "caf\u{e9}",
];
/// The least microseconds: each file has others, so that no two want the same
/// name, which Postfix gives to both, one after the other.
const MICROSECONDS: u32 = 0x1_0000;

/// Fills the spool of a case.
fn spool(seed: u64, case: u64) -> (Spool, Invocation) {
    let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let hashed = [
        "deferred, defer",
        "incoming,active,deferred,hold,defer,bounce,trace",
    ];
    let instance = postlog::configure(Instance::builder())
        .set("enable_long_queue_ids", pick(&mut rng, &["no", "yes"]))
        .set("hash_queue_names", pick(&mut rng, &hashed))
        .set("hash_queue_depth", pick(&mut rng, &["1", "1", "2"]))
        .build();
    let mut placed = Vec::new();
    for number in 0..rng.u32(1..12) {
        let queue = pick(&mut rng, &MESSAGE_QUEUES);
        let name = name(&mut rng, MICROSECONDS + number);
        let message = put(&mut rng, &instance, queue, name);
        for log in LOGS {
            if chance(&mut rng, 40) {
                let stem = message.name.strip_suffix(b"#FIX");
                let stem = Name::Literal(stem.unwrap_or(&message.name).to_vec());
                placed.push(put(&mut rng, &instance, log, stem));
            }
        }
        placed.push(message);
    }
    let mut odd = ODD.to_vec();
    rng.shuffle(&mut odd);
    for stem in odd.iter().take(rng.usize(0..4)) {
        let queue = pick(
            &mut rng,
            &["maildrop", "deferred", "hold", "defer", "bounce"],
        );
        let file = NewFile::new(queue, b"odd".to_vec());
        let file = file.named(Name::Literal(format!("{stem}#FIX").into_bytes()));
        placed.extend(
            instance
                .spool()
                .put_if_free(&file.at(Place::Below("".into()))),
        );
    }
    let mut arguments = pick(&mut rng, &CALLS).to_vec();
    if chance(&mut rng, 20) && !arguments.contains(&"hold") {
        let queues = [&MESSAGE_QUEUES[..], &LOGS].concat();
        arguments.push(pick(&mut rng, &queues));
    }
    let call = Invocation::new(Tool::Postsuper, arguments).env("MAIL_CONFIG", instance.etc());
    let spool = Spool {
        instance,
        placed,
        time_zone: None,
        rng,
    };
    (spool, call)
}

/// A name of either kind, right or another file's.
fn name(rng: &mut Rng, microseconds: u32) -> Name {
    let (is_long, is_wrong) = (rng.bool(), chance(rng, 40));
    let seconds = 1_795_438_815;
    let inode = 0x7FFF_0000 + u64::from(microseconds);
    match (is_long, is_wrong) {
        (false, false) => Name::Short { microseconds },
        (true, false) => Name::Long {
            seconds,
            microseconds,
        },
        (false, true) => literal(&QueueId::short(microseconds, inode)),
        (true, true) => literal(&QueueId::long(seconds, microseconds, inode)),
    }
}

fn literal(id: &QueueId) -> Name {
    Name::Literal(id.as_bytes().to_vec())
}

/// Puts a file into a queue, most often as a repair leaves it half done.
fn put(rng: &mut Rng, instance: &Instance, queue: &str, name: Name) -> Placed {
    let mut file = NewFile::new(queue, b"what is in it".to_vec()).named(name);
    if chance(rng, 15) {
        file.place = Place::Below(pick(rng, &["", "", "A", "7/Z"]).into());
    }
    if chance(rng, 10) {
        file.mode = 0o600;
    }
    let mut placed = instance.spool().put(&file);
    if chance(rng, 65) {
        let path = instance.spool().path(&placed.path);
        placed.name.extend(b"#FIX");
        placed
            .path
            .set_file_name(OsString::from_vec(placed.name.clone()));
        fs::rename(path, instance.spool().path(&placed.path)).expect("rename");
    }
    placed
}

#[test]
fn an_interrupted_repair_is_finished_as_postfix_finishes_it() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "postsuper::leftovers::an_interrupted_repair_is_finished_as_postfix_finishes_it";
    Cases::from_environment(CASES).run(test, |seed, case| {
        let effect = |program| {
            let (spool, call) = spool(seed, case);
            (
                Effect::of(program, &spool, &call, LineOrder::Any),
                spool,
                call,
            )
        };
        let (theirs, _, _) = effect(Program::Theirs);
        let (ours, mut spool, call) = effect(under_test());
        let result = ours.compare(&theirs);
        let result = result.map_err(|text| format!("{}\n{text}", shown(&call)));
        keep_if_asked(&mut spool.instance, result)
    });
}

/// The name that no daemon takes.
#[test]
fn a_long_id_of_an_interrupted_repair_ends_as_a_short_one() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("enable_long_queue_ids", "no")
        .build();
    let name = Name::Long {
        seconds: 1_795_438_815,
        microseconds: 0x1_2345,
    };
    let placed = instance
        .spool()
        .put(&NewFile::new("hold", b"text".to_vec()).named(name));
    instance.spool().put_log("defer", &placed.name, b"its log");
    let path = instance.spool().path(&placed.path);
    let suffixed = instance
        .spool()
        .path(format!("{}#FIX", placed.path.display()));
    fs::rename(path, suffixed).expect("rename");
    let output = super::ours(&instance, &["-s"], "");
    let id = format!("12345{:X}", placed.inode);
    assert_eq!(super::names(&instance), [id.as_str()], "{output:?}");
    let log = instance
        .layout()
        .directory("defer", id.as_bytes())
        .join(&id);
    assert!(instance.spool().path(log).exists(), "{output:?}");
}
