//! Chooses the faults, all of them or a sample, and counts the results.

use std::sync::atomic::{AtomicUsize, Ordering};

use nix::libc;

use super::CASES;
use super::checks::Expected;
use super::fixture::{Case, SpoolFixture};
use crate::support::run::Ended;
use crate::support::tracer::{Made, Strike, Target};
use crate::support::{DEFAULT_SEED, Extent, number_from_environment, tell};

/// How often it is said how far it is.
const PROGRESS: usize = 2000;
/// Of a hundred faults, those that have to strike: the others are missed when
/// threads take turns in another way than they did before. Without that least
/// number, a tracer that does nothing would let all of them pass.
const STRUCK_MIN_PERCENT: usize = 80;
/// Failures that are shown.
const SHOWN: usize = 40;

/// A run of a case that was left alone.
pub struct Learnt {
    pub case: Case,
    pub expected: Expected,
    pub calls: Vec<Made>,
    /// The first call that is not the same as in another command: what every
    /// run of a tool does until its rights are gone is tried with the first.
    pub first: usize,
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The case's number.
    pub case: usize,
    pub target: Target,
    pub strike: Strike,
    /// What to call it.
    pub name: String,
}

/// Runs every case once, or the one that SPOOLBOX_CASE names.
pub fn learn() -> Vec<(usize, Learnt)> {
    let only = number_from_environment("SPOOLBOX_CASE");
    let cases = CASES.iter().copied().enumerate();
    cases
        .filter(|(number, _)| only.is_none_or(|only| only == *number as u64))
        .map(|(number, case)| {
            let mut before = CASES.iter().take(number);
            let is_first = !before.any(|before| before.tool == case.tool);
            let mut learnt = Learnt::of(case);
            if is_first || only.is_some() {
                learnt.first = 0;
            }
            (number, learnt)
        })
        .collect()
}

impl Learnt {
    fn of(case: Case) -> Self {
        let fixture = SpoolFixture::new(case);
        let before = fixture.tree();
        let (traced, seen) = fixture.struck(Target::Nothing, Strike::Kill);
        let (arguments, output) = (case.arguments, &traced.output);
        assert_eq!(seen.ended, Ended::Exited(0), "{arguments:?}: {output:?}");
        let gives_up = |made: &Made| made.kind.number == libc::SYS_setuid;
        let first = traced.calls.iter().position(gives_up);
        Self {
            case,
            expected: Expected { before, seen },
            calls: traced.calls,
            first: first.unwrap_or(0),
        }
    }
}

/// Whether all faults are tried.
pub fn is_long() -> bool {
    Extent::from_environment().is_exhaustive()
}

/// All of them in an order of the seed's if that is asked for, else `count`, or
/// a tenth of that without SPOOLBOX_LONG, or as many as SPOOLBOX_FAULTS says.
pub fn sample<T>(mut all: Vec<T>, count: usize) -> Vec<T> {
    let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
    fastrand::Rng::with_seed(seed).shuffle(&mut all);
    if !is_long() {
        let wanted = number_from_environment("SPOOLBOX_FAULTS");
        let wanted = wanted.and_then(|wanted| usize::try_from(wanted).ok());
        let count = match Extent::from_environment() {
            Extent::Sample => count / 10,
            _ => count,
        };
        all.truncate(wanted.unwrap_or(count));
    }
    all
}

/// What became of a fault.
pub enum Tried {
    Struck,
    /// The run did not get there: threads take turns as they like.
    Missed,
}

/// Tries all faults, and fails if one of them did harm.
pub fn try_all(
    what: &str,
    cases: &[(usize, Learnt)],
    faults: &[Fault],
    check: impl Fn(&Fault, &Learnt) -> Result<Tried, String> + Sync,
) {
    let threads = number_from_environment("SPOOLBOX_THREADS").unwrap_or(1);
    let (next, struck) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let harmful = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(fault) = faults.get(number) else {
                return;
            };
            if number > 0 && number.is_multiple_of(PROGRESS) {
                tell(&format!("{what}: {number} of {}", faults.len()));
            }
            let learnt = cases.iter().find(|(number, _)| *number == fault.case);
            let (_, learnt) = learnt.expect("a case");
            match check(fault, learnt) {
                Ok(Tried::Struck) => drop(struck.fetch_add(1, Ordering::Relaxed)),
                Ok(Tried::Missed) => {}
                Err(text) => {
                    if harmful.fetch_add(1, Ordering::Relaxed) < SHOWN {
                        let (case, arguments) = (fault.case, learnt.case.arguments);
                        let name = &fault.name;
                        tell(&format!("\ncase {case}: {arguments:?} {name}\n{text}"));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (struck, harmful) = (struck.into_inner(), harmful.into_inner());
    tell(&format!("{what}: {struck}, over {} commands", cases.len()));
    assert_eq!(
        harmful,
        0,
        "of {}, these did harm; again: SPOOLBOX_LONG=2 SPOOLBOX_CASE=...",
        faults.len()
    );
    let least = faults.len() * STRUCK_MIN_PERCENT / 100;
    assert!(
        struck > 0 && struck >= least,
        "of {} {what}, only {struck} were struck",
        faults.len()
    );
}
