//! The requirements after a run that was killed, and after one in which a system
//! call failed.

use std::path::Component;

use nix::errno::Errno;
use nix::libc;

use super::calls;
use super::calls::Relevance;
use super::fixture::{RunResult, SpoolFixture};
use crate::support::run::Ended;
use crate::support::tracer::Made;
use crate::support::tree::Snapshot;

/// What libraries do that get no memory.
const ABORTED: Ended = Ended::Killed(libc::SIGABRT);
/// The status of a panic.
const PANICKED: Ended = Ended::Exited(101);

/// A run that was left alone.
pub struct Expected {
    /// The spool before it.
    pub before: Snapshot,
    pub seen: RunResult,
}

/// What a crash must not do: lose a message, or leave a spool that the same
/// command cannot finish. `number` lets what can be done next take turns.
pub fn crashed(fixture: &SpoolFixture, expected: &Expected, number: u64) -> Result<(), String> {
    fixture.each_in_one_place()?;
    let again_first = number.is_multiple_of(2);
    let case = fixture.case;
    match case.filling {
        _ if case.lists() => unchanged(fixture, expected),
        filling if filling.is_deleted() && case.arguments.contains(&"--trash-purge") => {
            match again_first {
                true => finish(fixture, expected)?,
                false => fixture.undo_all()?,
            }
            fixture.trash_is_empty()?;
            fixture.is_restored_in_part()
        }
        filling if filling.is_deleted() => restore(fixture),
        _ if case.uses_trash() => {
            if again_first {
                finish(fixture, expected)?;
                fixture.each_in_one_place()?;
            }
            restore(fixture)
        }
        _ => {
            finish(fixture, expected)?;
            fixture.each_in_one_place()
        }
    }
}

/// Calls again, which has to come to the same end as a run left alone.
fn finish(fixture: &SpoolFixture, expected: &Expected) -> Result<(), String> {
    let again = fixture.undisturbed();
    if again.ended != expected.seen.ended {
        return Err(format!("called again: {again:?}"));
    }
    match again.tree.difference(&expected.seen.tree) {
        Some(text) => Err(format!("called again:\n{text}")),
        None => Ok(()),
    }
}

fn restore(fixture: &SpoolFixture) -> Result<(), String> {
    fixture.undo_all()?;
    fixture.each_in_one_place()?;
    fixture.is_restored()?;
    fixture.trash_is_empty()
}

fn unchanged(fixture: &SpoolFixture, expected: &Expected) -> Result<(), String> {
    let seen = fixture.tree();
    match seen.difference(&expected.before) {
        Some(text) => Err(format!("a listing changed something:\n{text}")),
        None => Ok(()),
    }
}

/// How much of what was asked for was done in spite of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    All,
    NotAll,
}

/// What an error must not do: lose a message, or let it pass in silence that
/// something was not done.
pub fn failed(
    fixture: &SpoolFixture,
    struck: &[Made],
    errno: Errno,
    seen: &RunResult,
    expected: &Expected,
) -> Result<Done, String> {
    fixture.each_in_one_place()?;
    if fixture.case.lists() {
        unchanged(fixture, expected)?;
    }
    let weights = struck.iter().map(|made| calls::known(made.kind).severity);
    let severity = weights.min_by_key(Relevance::rank).expect("a call");
    ends_well(seen, severity)?;
    let is_done = seen.tree == expected.seen.tree && seen.listed == expected.seen.listed;
    let is_told = seen.ended != expected.seen.ended || has_warning(seen, &expected.seen);
    says_why(struck, seen)?;
    match (severity, is_done, is_told) {
        (Relevance::Ignored(why), false, _) => Err(format!("not ignored, although: {why}")),
        (_, false, false) if struck.iter().all(|made| is_forbidden(fixture, made, errno)) => Ok(()),
        (_, false, false) => Err("not done, and not reported".to_owned()),
        _ if struck.iter().any(gives_up_rights) => refused(seen, expected),
        (_, _, true) => names_it(fixture, struck, seen),
        _ => Ok(()),
    }?;
    match is_done {
        true => Ok(Done::All),
        false => Ok(Done::NotAll),
    }
}

/// No panic, no hang, no death but for want of memory.
fn ends_well(seen: &RunResult, severity: Relevance) -> Result<(), String> {
    let is_panic = |line: &String| line.contains("panicked");
    match seen.ended {
        ABORTED if severity == Relevance::Memory => Ok(()),
        PANICKED | Ended::Killed(_) | Ended::TimedOut => Err("it did not end well".to_owned()),
        Ended::Exited(_) if seen.stderr.iter().any(is_panic) => Err("a panic".to_owned()),
        Ended::Exited(_) => Ok(()),
    }
}

/// A command that fails reports why, unless writing to standard error fails.
fn says_why(struck: &[Made], seen: &RunResult) -> Result<(), String> {
    let is_write = |made: &Made| made.kind.number == libc::SYS_write;
    let is_severe = |line: &String| line.contains("fatal: ");
    let is_silent = !seen.stderr.iter().chain(&seen.log).any(is_severe);
    match seen.ended {
        Ended::Exited(0) | Ended::Killed(_) => Ok(()),
        _ if is_silent && !struck.iter().any(is_write) => Err("not a word".to_owned()),
        _ => Ok(()),
    }
}

/// Whether anything was said, on standard error or in the mail log, that is
/// not said of a run left alone.
fn has_warning(seen: &RunResult, expected: &RunResult) -> bool {
    let all = |seen: &RunResult| -> Vec<String> { [&seen.stderr[..], &seen.log[..]].concat() };
    let known = all(expected);
    let severities = ["warning: ", "error: ", "fatal: "];
    let is_severe = |line: &String| severities.iter().any(|severity| line.contains(severity));
    all(seen)
        .iter()
        .any(|line| is_severe(line) && !known.contains(line))
}

/// What Postfix passes over in silence: logs that may not be read, and in a
/// sweep through a queue what may not be looked at.
fn is_forbidden(fixture: &SpoolFixture, made: &Made, errno: Errno) -> bool {
    let queue_directory = fixture.instance.queue_directory();
    let about = made.about.as_deref();
    let is_log = about.is_some_and(|path| {
        let logs = ["defer", "bounce", "trace"];
        logs.iter()
            .any(|log| path.starts_with(queue_directory.join(log)))
    });
    let is_look = made.kind.number == libc::SYS_newfstatat;
    errno == Errno::EACCES && (is_log || is_look)
}

fn gives_up_rights(made: &Made) -> bool {
    let calls = [
        libc::SYS_setgid,
        libc::SYS_setgroups,
        libc::SYS_setuid,
        libc::SYS_setresgid,
        libc::SYS_setresuid,
    ];
    calls.contains(&made.kind.number)
}

/// Rights that cannot be given up end the program before it touches anything.
fn refused(seen: &RunResult, expected: &Expected) -> Result<(), String> {
    match seen.ended {
        Ended::Exited(0) => Err("went on with rights it should not have".to_owned()),
        _ => match seen.tree.difference(&expected.before) {
            Some(text) => Err(format!("changed something all the same:\n{text}")),
            None => Ok(()),
        },
    }
}

/// An error message says what it is about: a call on a file or
/// directory of the instance has its queue, its name or its path in the words.
fn names_it(fixture: &SpoolFixture, struck: &[Made], seen: &RunResult) -> Result<(), String> {
    let words = [&seen.stderr[..], &seen.log[..]].concat().join("\n");
    let is_named = |made: &Made| {
        let about = made.about.as_deref();
        let below = about.and_then(|path| path.strip_prefix(fixture.instance.root()).ok());
        let Some(path) = below else { return true };
        let path = path.strip_prefix("spool").unwrap_or(path);
        let mut parts = path.components().peekable();
        let part = |part: Component<'_>| fixture.canonical(&part.as_os_str().to_string_lossy());
        let is_said = |part: String| part.len() > 1 && words.contains(part.as_str());
        parts.peek().is_none() || parts.map(part).any(is_said)
    };
    match seen.ended == ABORTED || struck.iter().any(is_named) {
        true => Ok(()),
        false => Err("what it is about is not named".to_owned()),
    }
}
