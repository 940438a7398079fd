//! Tests of the test support: two spools of one seed are alike, and Postfix's own tool
//! has the same effect on both. Otherwise a comparison of tools that change a spool
//! would prove nothing.

use std::path::Path;

use crate::support::compare::Cases;
use crate::support::effect::{Effect, LineOrder};
use crate::support::generate;
use crate::support::generate::{Input, Spool, pick};
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Invocation, Program, Tool};
use crate::support::sample;
use crate::support::spool::set_mtime;
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

const CASES: u64 = 24;

const ACTIONS: [&[&str]; 8] = [
    &["-s"],
    &["-S"],
    &["-d", "ALL"],
    &["-h", "ALL"],
    &["-H", "ALL", "hold"],
    &["-r", "ALL", "deferred"],
    &["-e", "ALL"],
    &["-p"],
];

fn snapshot(spool: &Spool) -> Snapshot {
    let labels = Labels::of(&spool.placed);
    Snapshot::of(&spool.instance.queue_directory(), &labels)
}

#[test]
fn two_spools_of_one_seed_are_alike() {
    if require(Needs::Root) == Met::No {
        return;
    }
    Cases::from_environment(CASES).run(
        "harness::two_spools_of_one_seed_are_alike",
        |seed, case| {
            let twins = [0, 1].map(|_| generate::spool(seed, case, Input::Any));
            match snapshot(&twins[0]).difference(&snapshot(&twins[1])) {
                None => Ok(()),
                Some(text) => Err(text),
            }
        },
    );
}

#[test]
fn postfix_does_the_same_to_two_spools_of_one_seed() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "harness::postfix_does_the_same_to_two_spools_of_one_seed";
    Cases::from_environment(CASES).run(test, |seed, case| {
        let effects = [0, 1].map(|_| {
            let mut spool = generate::spool(seed, case, Input::SafeFor37);
            generate::remove_short_names(&spool);
            let action = pick(&mut spool.rng, &ACTIONS);
            let call =
                Invocation::new(Tool::Postsuper, action).env("MAIL_CONFIG", spool.instance.etc());
            Effect::of(Program::Theirs, &spool, &call, LineOrder::Any)
        });
        effects[0].compare(&effects[1])
    });
}

#[test]
fn a_changed_spool_does_not_look_as_before() {
    let changes: [fn(&Path); 4] = [
        |path| std::fs::remove_file(path).expect("unlink"),
        |path| set_mode(path, 0o600),
        |path| set_mtime(path, 1_600_000_000),
        |path| std::fs::rename(path, path.with_file_name("3A789BCD")).expect("rename"),
    ];
    for change in changes {
        let instance = Instance::builder().build();
        let sample = sample::fill(&instance);
        let labels = Labels::of(sample.all());
        let root = instance.queue_directory();
        let before = Snapshot::of(&root, &labels);
        change(&root.join(&sample.held.path));
        assert!(Snapshot::of(&root, &labels).difference(&before).is_some());
    }
}
