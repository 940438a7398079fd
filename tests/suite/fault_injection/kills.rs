//! Killed at every system call, whatever it is: opening, reading and waiting
//! as well as what changes the spool.

use nix::libc;

use super::checks;
use super::fixture::{SpoolFixture, is_journal};
use super::plan;
use super::plan::{Fault, Learnt, Tried};
use crate::support::run::Ended;
use crate::support::tracer::{Made, Strike, Target};
use crate::support::{Extent, Met, Needs, require};

/// What changes a directory, a file or its mode or times.
const CHANGES: [i64; 9] = [
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_fchmod,
    libc::SYS_utimensat,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
];
/// Other calls at which a sample is killed.
const SAMPLE: usize = 100;
/// Of the calls that change the spool, those that are tried without
/// SPOOLBOX_LONG.
const CHANGING: usize = 40;

/// Whether the spool is another after a call.
fn changes(made: &Made) -> bool {
    let writes = made.kind.number == libc::SYS_write;
    let of_journal = made.about.as_deref().is_some_and(is_journal);
    CHANGES.contains(&made.kind.number) || writes && of_journal
}

/// A kill for each call of a run.
fn kills(case: usize, learnt: &Learnt) -> Vec<(Fault, bool)> {
    let calls = (1..).zip(&learnt.calls).skip(learnt.first);
    calls
        .map(|(number, made)| {
            let name = super::calls::known(made.kind).name;
            let fault = Fault {
                case,
                target: Target::Any(number),
                strike: Strike::Kill,
                name: format!("killed at call {number}, {name}"),
            };
            (fault, changes(made))
        })
        .collect()
}

fn check(fault: &Fault, learnt: &Learnt) -> Result<Tried, String> {
    let fixture = SpoolFixture::new(learnt.case);
    let (traced, seen) = fixture.struck(fault.target.clone(), fault.strike);
    let Target::Any(number) = fault.target else {
        return Err("it has no number".to_owned());
    };
    if traced.struck.is_empty() {
        checks::crashed(&fixture, &learnt.expected, number)?;
        return Ok(Tried::Missed);
    }
    if seen.ended != Ended::Killed(libc::SIGKILL) {
        return Err(format!("not killed: {seen:?}"));
    }
    checks::crashed(&fixture, &learnt.expected, number)?;
    Ok(Tried::Struck)
}

#[test]
fn every_command_can_be_killed_at_any_system_call() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let cases = plan::learn();
    let all = cases
        .iter()
        .flat_map(|(number, learnt)| kills(*number, learnt));
    let (changing, others): (Vec<_>, Vec<_>) = all.partition(|(_, changes)| *changes);
    assert!(
        changing.len() >= cases.len() || cases.len() < 3,
        "{}",
        changing.len()
    );
    let faults = |kills: Vec<(Fault, bool)>| kills.into_iter().map(|(fault, _)| fault).collect();
    let mut tried: Vec<Fault> = Extent::from_environment().some_of(faults(changing), CHANGING);
    tried.extend(plan::sample(faults(others), SAMPLE));
    plan::try_all("kills", &cases, &tried, check);
}
