//! Every system call fails, once and from then on, with each of its possible errors.

use nix::errno::Errno;
use nix::libc;

use super::calls;
use super::calls::Relevance;
use super::checks;
use super::checks::Done;
use super::fixture::SpoolFixture;
use super::plan;
use super::plan::{Fault, Learnt, Tried};
use crate::support::tracer::{Made, Strike, Target};
use crate::support::{Extent, Met, Needs, require};

/// Files of calls that are shown.
const SHOWN: usize = 3;
/// Errors in a sample.
const SAMPLE: usize = 200;
/// Of the faults that did harm once, those that are tried without
/// SPOOLBOX_LONG.
const KNOWN: usize = 40;

/// What did harm before it was put right, and is tried in every complete run:
/// the command, the calls and the error.
const ONCE_HARMFUL: &[(&[&str], i64, Errno)] = &[
    // The rest of the directory was left out, and the status was 0.
    (&["-p"], libc::SYS_getdents64, Errno::EIO),
    (&["-d", "ALL"], libc::SYS_getdents64, Errno::EIO),
    // So was the message, without a word.
    (&["-p"], libc::SYS_pread64, Errno::EIO),
    // So was what is said of its recipients.
    (&["-p"], libc::SYS_openat, Errno::EINTR),
    // The standard library panicked.
    (&["-p"], libc::SYS_close, Errno::EIO),
    // Nothing was done, and the status was 0.
    (&["-d", "-"], libc::SYS_fcntl, Errno::EMFILE),
    (&["-d", "-"], libc::SYS_poll, Errno::ENOMEM),
    (&["-d", "ALL"], libc::SYS_newfstatat, Errno::EIO),
    // A message whose recipients, or whose text, could not be read was taken
    // for one that has not those.
    (
        &["-h", "MATCH", "--not", "--to", "one@dest.example"],
        libc::SYS_pread64,
        Errno::EIO,
    ),
    (
        &["-h", "MATCH", "--not", "--subject", "a message"],
        libc::SYS_pread64,
        Errno::EIO,
    ),
    // A panic, and the others waited for ever.
    (&["--trash", "-d", "-"], libc::SYS_flock, Errno::ENOMEM),
    // A message came back unfinished, and would have been purged one day.
    (&["--undo"], libc::SYS_fchmod, Errno::EIO),
    // A log stayed behind, without a word.
    (
        &["--trash", "-d", "ALL"],
        libc::SYS_newfstatat,
        Errno::ENOMEM,
    ),
    // Logs stayed in the trash, which counted as empty.
    (&["--undo"], libc::SYS_newfstatat, Errno::EIO),
    (
        &["--trash-purge", "--older", "0s"],
        libc::SYS_newfstatat,
        Errno::EIO,
    ),
];

fn was_harmful(fault: &Fault, learnt: &Learnt) -> bool {
    let (Target::Among(numbers, _), Strike::Once(errno)) = (&fault.target, fault.strike) else {
        return false;
    };
    let mut known = ONCE_HARMFUL.iter();
    known.any(|(arguments, number, known)| {
        *arguments == learnt.case.arguments && numbers[..] == [*number] && *known == errno
    })
}

/// How many of the calls before this one, and it, are of these numbers.
fn count(calls: &[Made], numbers: &[i64]) -> u64 {
    let is_one = |made: &&Made| numbers.contains(&made.kind.number);
    calls.iter().filter(is_one).count() as u64
}

/// The errors of each call from the first on that is ours, umask(2): what the
/// loader and the runtime do before is the same for every program.
fn errors(case: usize, learnt: &Learnt) -> Vec<Fault> {
    let is_ours = |made: &Made| made.kind.number == libc::SYS_umask;
    let first = learnt.calls.iter().position(is_ours).expect("a first call");
    let first = first.max(learnt.first);
    let mut faults = Vec::new();
    for at in first..learnt.calls.len() {
        let kind = learnt.calls[at].kind;
        let known = calls::known(kind);
        for errno in calls::errors(kind) {
            let mut add = |numbers: Vec<i64>, strike: Strike| {
                let number = count(&learnt.calls[..=at], &numbers);
                faults.push(Fault {
                    case,
                    target: Target::Among(numbers, number),
                    strike,
                    name: format!("{} {number} {strike:?}", known.name),
                });
            };
            add(vec![kind.number], Strike::Once(errno));
            match errno {
                // Nothing is interrupted for ever: who waits may wait on.
                Errno::EINTR => {}
                // To ignore it once is to ignore it always.
                _ if matches!(known.severity, Relevance::Ignored(_)) => {}
                Errno::EMFILE => add(calls::OPEN.to_vec(), Strike::FromThenOn(errno)),
                _ => add(vec![kind.number], Strike::FromThenOn(errno)),
            }
        }
    }
    faults
}

fn check(fault: &Fault, learnt: &Learnt) -> Result<Tried, String> {
    let fixture = SpoolFixture::new(learnt.case);
    let (traced, seen) = fixture.struck(fault.target.clone(), fault.strike);
    if traced.struck.is_empty() {
        return Ok(Tried::Missed);
    }
    let described = |text: String| {
        let about = traced.struck.iter().filter_map(|made| made.about.as_ref());
        let about: Vec<_> = about.take(SHOWN).collect();
        let (ended, stderr, log) = (seen.ended, &seen.stderr, &seen.log);
        format!("  about {about:?}\n  {text}\n  {ended:?}\n  {stderr:#?}\n  {log:#?}")
    };
    let (Strike::Once(errno) | Strike::FromThenOn(errno)) = fault.strike else {
        return Err("no error".to_owned());
    };
    let checks = checks::failed(&fixture, &traced.struck, errno, &seen, &learnt.expected);
    let done = checks.map_err(described)?;
    let sets_times = |made: &Made| made.kind.number == libc::SYS_utimensat;
    if done == Done::All || traced.struck.iter().any(sets_times) {
        // A message whose times cannot be set moves all the same, and that is
        // reported: calling again does not find it. After what was done as it
        // should there is nothing to call again for.
        return Ok(Tried::Struck);
    }
    let Target::Among(_, number) = fault.target else {
        return Err("it has no number".to_owned());
    };
    checks::crashed(&fixture, &learnt.expected, number)?;
    Ok(Tried::Struck)
}

#[test]
fn every_system_call_may_fail() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let cases = plan::learn();
    let (mut tried, mut others) = (Vec::new(), Vec::new());
    for (number, learnt) in &cases {
        let all = errors(*number, learnt).into_iter();
        let (harmful, harmless): (Vec<_>, Vec<_>) = all.partition(|f| was_harmful(f, learnt));
        tried.extend(harmful);
        others.extend(harmless);
    }
    let mut tried = Extent::from_environment().some_of(tried, KNOWN);
    tried.extend(plan::sample(others, SAMPLE));
    plan::try_all("errors", &cases, &tried, check);
}

/// The rest of the queue was left out without a word.
#[test]
fn qshape_tells_of_a_directory_that_cannot_be_read_on() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = SpoolFixture::new(super::QSHAPE);
    let queue = fixture.instance.spool().path("deferred");
    let target = Target::About(vec![libc::SYS_getdents64], queue);
    let (traced, seen) = fixture.struck(target, Strike::FromThenOn(Errno::EIO));
    assert!(!traced.struck.is_empty());
    let words = seen.stderr.join("\n");
    let wanted = "cannot read deferred: Input/output error";
    assert!(words.contains(wanted), "{words}");
}

/// --undo passed over a message whose logs were in the trash already when it
/// could not be moved, and neither could they be moved back.
#[test]
fn logs_come_back_of_a_message_that_could_not_go_to_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    // In whichever order messages are found, one of the renames is that of a
    // message with logs.
    for number in 1.. {
        let fixture = SpoolFixture::new(super::TRASH_OF_ONE_SENDER);
        let target = Target::Among(vec![libc::SYS_renameat2], number);
        let (traced, _) = fixture.struck(target, Strike::FromThenOn(Errno::EIO));
        if traced.struck.is_empty() {
            assert!(number > 3, "{number} renames");
            return;
        }
        let restored = fixture.undo_all().and_then(|()| fixture.is_restored());
        restored.unwrap_or_else(|text| panic!("rename {number}: {text}"));
    }
}
