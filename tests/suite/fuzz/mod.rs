//! Everything that is fuzzed, without a fuzzer: each target reads its seeds,
//! all findings, and seeded mutations of both, for a few seconds.
//!
//! SPOOLBOX_CASES=N reads this many, however long it takes; SPOOLBOX_SEED and
//! SPOOLBOX_CASE repeat one. What cargo fuzz finds, minimised, goes to
//! `fixtures/fuzz/findings/TARGET`, and is read here from then on.

mod differential;
mod inventory;
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;

use self::targets::{TARGETS, Target};
use crate::support::compare::Cases;
use crate::support::generate::mutate;
use crate::support::{Extent, number_from_environment};

/// Mutations that each target reads.
const MUTATIONS: u64 = 3000;
/// After which no more are begun, unless somebody asked for a number.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same without SPOOLBOX_LONG.
const PATIENCE_IN_SAMPLE: Duration = Duration::from_secs(1);

/// A test for each target, under the target's name.
macro_rules! tests_of {
    ($($name:ident)*) => {
        /// The targets that have a test.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { replay(stringify!($name)); })*
    };
}

tests_of! {
    records listing defer_log journal archive showq_attributes flush_attributes
    main_cf queue_ids options patterns formats texts
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All files in a directory and below it, in the order of their names.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let below = |path: PathBuf| match path.is_dir() {
        true => files_below(&path),
        false => vec![path],
    };
    paths.into_iter().flat_map(below).collect()
}

/// The files that a target begins with, and those that it once failed on.
fn beginnings(target: &Target) -> Vec<Vec<u8>> {
    let own = ["seeds", "findings"].map(|kind| format!("fuzz/{kind}/{}", target.name));
    let directories = own.iter().map(String::as_str);
    let paths = directories
        .chain(target.seeds.iter().copied())
        .flat_map(|directory| files_below(&fixtures().join(directory)));
    paths
        .map(|path| fs::read(path).expect("a fixture"))
        .collect()
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("a target of that name");
    let files = beginnings(target);
    let whole = files.len() as u64;
    let is_asked_for = number_from_environment("SPOOLBOX_CASES").is_some();
    let patience = match Extent::from_environment() {
        Extent::Sample => PATIENCE_IN_SAMPLE,
        _ => PATIENCE,
    };
    let begun = Instant::now();
    let cases = Cases::all(whole + MUTATIONS);
    cases.run(&format!("fuzz::{name}"), |seed, case| {
        let index = usize::try_from(case).expect("a small number");
        if let Some(file) = files.get(index) {
            (target.run)(file);
        } else if is_asked_for || begun.elapsed() < patience {
            let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            (target.run)(&mutated(&mut rng, target, &files));
        }
        Ok(())
    });
}

fn mutated(rng: &mut Rng, target: &Target, files: &[Vec<u8>]) -> Vec<u8> {
    match target.name {
        "records" | "listing" => mutate::queue_file(rng, files),
        _ => mutate::file(rng, files),
    }
}
