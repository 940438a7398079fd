//! The same error at the same kind of call: both programs report the same, end with
//! the same status and leave the same spool.
//!
//! Calls are identified by kind and object: Postfix uses paths where ours uses open
//! directories.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::errno::Errno::{EACCES, EBUSY, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS};
use nix::libc;
use spoolbox::sys::error_text::error_text;

use super::fixture::{Case, RunResult, SpoolFixture};
use super::{MayGo, change, listing, plan};
use crate::support::run::{Ended, Program};
use crate::support::spool::Placed;
use crate::support::tracer::{Strike, Target};
use crate::support::tree::Snapshot;
use crate::support::{Met, Needs, require, tell};

/// How many are compared in a sample.
const SAMPLE: usize = 40;
/// What a call does, whichever program makes it.
const RENAMES: &[i64] = &[libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2];
const REMOVES: &[i64] = &[libc::SYS_unlink, libc::SYS_unlinkat];
const OPENS: &[i64] = &[libc::SYS_open, libc::SYS_openat, libc::SYS_openat2];
const LOOKS: &[i64] = &[libc::SYS_newfstatat, libc::SYS_statx];
const READS: &[i64] = &[libc::SYS_read, libc::SYS_pread64];
const MODES: &[i64] = &[libc::SYS_chmod, libc::SYS_fchmod];

/// What it is about.
#[derive(Clone, Copy, Debug)]
enum Thing {
    /// The first message that was put into this queue.
    File(&'static str),
    /// The log of that kind of the first deferred message.
    Log(&'static str),
    /// The directory that it is in.
    Home(&'static str),
    /// The queue's own directory.
    Queue(&'static str),
}

/// One kind of error.
struct Same {
    case: Case,
    calls: &'static [i64],
    about: Thing,
    errors: &'static [Errno],
}

const NAMES: &[Errno] = &[EACCES, EIO, ENOSPC, EROFS, EBUSY, ENOMEM];

const fn acts(
    arguments: &'static [&'static str],
    calls: &'static [i64],
    about: Thing,
    errors: &'static [Errno],
) -> Same {
    Same {
        case: change(arguments, MayGo::All),
        calls,
        about,
        errors,
    }
}

const fn lists(calls: &'static [i64], about: Thing, errors: &'static [Errno]) -> Same {
    Same {
        case: listing(&["-p"]),
        calls,
        about,
        errors,
    }
}

/// Descriptors and memory that have run out are left out of what reads files:
/// there Postfix leaves messages out in silence, and ours fails. So is memory
/// for a look at a message that is named: see `EXHAUSTED`.
const SAME: &[Same] = &[
    acts(&["-h", "ID2"], RENAMES, Thing::File("deferred"), NAMES),
    acts(&["-h", "-"], RENAMES, Thing::File("deferred"), NAMES),
    acts(&["-h", "ALL"], RENAMES, Thing::File("deferred"), NAMES),
    acts(&["-H", "ID"], RENAMES, Thing::File("hold"), NAMES),
    acts(&["-H", "ALL"], RENAMES, Thing::File("hold"), NAMES),
    acts(&["-r", "ID"], RENAMES, Thing::File("hold"), NAMES),
    acts(&["-r", "ALL"], RENAMES, Thing::File("hold"), NAMES),
    acts(&["-f", "ID"], RENAMES, Thing::File("hold"), NAMES),
    acts(&["-d", "ID2"], REMOVES, Thing::File("deferred"), NAMES),
    acts(&["-d", "ID2"], REMOVES, Thing::Log("defer"), NAMES),
    acts(&["-d", "ID2"], REMOVES, Thing::Log("bounce"), NAMES),
    acts(&["-d", "ALL"], REMOVES, Thing::File("hold"), NAMES),
    acts(
        &["-d", "ID2"],
        LOOKS,
        Thing::File("deferred"),
        &[EACCES, EIO],
    ),
    acts(
        &["-h", "ID2"],
        LOOKS,
        Thing::File("deferred"),
        &[EACCES, EIO],
    ),
    acts(
        &["-e", "ID2"],
        OPENS,
        Thing::File("deferred"),
        &[EACCES, EIO, EROFS],
    ),
    acts(
        &["-e", "ID2"],
        MODES,
        Thing::File("deferred"),
        &[EIO, EROFS],
    ),
    acts(
        &["-d", "ALL"],
        OPENS,
        Thing::Queue("hold"),
        &[EACCES, EIO, EMFILE, ENOMEM],
    ),
    acts(
        &["-h", "ALL"],
        OPENS,
        Thing::Queue("incoming"),
        &[EACCES, EIO, EMFILE],
    ),
    acts(
        &["-s"],
        OPENS,
        Thing::Queue("deferred"),
        &[EACCES, EIO, EMFILE, ENOMEM],
    ),
    acts(
        &["-p"],
        OPENS,
        Thing::Queue("incoming"),
        &[EACCES, EIO, EMFILE, ENOMEM],
    ),
    lists(
        OPENS,
        Thing::Queue("deferred"),
        &[EACCES, EIO, EMFILE, ENOMEM],
    ),
    lists(
        OPENS,
        Thing::Home("deferred"),
        &[EACCES, EIO, EMFILE, ENOMEM],
    ),
    lists(OPENS, Thing::File("deferred"), &[EACCES, EIO]),
    lists(OPENS, Thing::Log("defer"), &[EACCES]),
    lists(LOOKS, Thing::File("deferred"), &[EACCES, EIO]),
    lists(READS, Thing::File("deferred"), &[EIO, ENOMEM]),
    lists(READS, Thing::Log("defer"), &[EIO, ENOMEM]),
];

/// Where Postfix warns, does nothing and ends with status 0, and ours fails
/// (spoolbox-compat(7)).
const EXHAUSTED: &[Same] = &[
    acts(&["-d", "ID2"], LOOKS, Thing::File("deferred"), &[ENOMEM]),
    acts(&["-h", "ID2"], LOOKS, Thing::File("deferred"), &[ENOMEM]),
    acts(&["-r", "ID2"], LOOKS, Thing::File("deferred"), &[ENOMEM]),
    acts(
        &["-e", "ID2"],
        OPENS,
        Thing::File("deferred"),
        &[EMFILE, ENFILE, ENOMEM],
    ),
];

impl Thing {
    fn path(self, fixture: &SpoolFixture) -> PathBuf {
        let first = |queue: &str| {
            let is_it = |placed: &&Placed| placed.queue == queue;
            let placed = fixture.placed.iter().find(is_it).expect("a file");
            fixture.instance.spool().path(&placed.path)
        };
        match self {
            Self::File(queue) => first(queue),
            Self::Log(log) => {
                let message = first("deferred");
                let name = message.file_name().expect("a name");
                let directory = fixture.instance.layout().directory(log, name.as_bytes());
                fixture.instance.spool().path(directory.join(name))
            }
            Self::Home(queue) => first(queue).parent().expect("a directory").to_owned(),
            Self::Queue(queue) => fixture.instance.spool().path(queue),
        }
    }
}

impl Same {
    fn run(&self, program: Program, errno: Errno) -> Result<RunResult, String> {
        let fixture = SpoolFixture::new(self.case);
        let target = Target::About(self.calls.to_vec(), self.about.path(&fixture));
        let (traced, seen) = fixture.struck_in(program, target, Strike::FromThenOn(errno));
        match traced.struck.is_empty() {
            true => Err(format!("{program:?} makes no such call")),
            false => Ok(seen),
        }
    }

    fn compare(&self, errno: Errno) -> Result<(), String> {
        let ours = self.run(Program::Ours, errno)?;
        let theirs = self.run(Program::Theirs, errno)?;
        let said = |seen: &RunResult| (seen.ended, seen.stderr.clone(), seen.listed.clone());
        // Of a listing's warnings the log is the only witness.
        let logged = |seen: &RunResult| match self.case.lists() {
            true => seen.log.clone(),
            false => Vec::new(),
        };
        let mut text = other_files(&ours, &theirs);
        let (left, right) = (
            (said(&ours), logged(&ours)),
            (said(&theirs), logged(&theirs)),
        );
        if left != right {
            text.push_str(&format!("  ours: {left:#?}\n  theirs: {right:#?}"));
        }
        match text.is_empty() {
            true => Ok(()),
            false => Err(text),
        }
    }
}

/// What differs in the files that were left. Postfix makes a directory after
/// the rename that needs it has failed, and here it fails for another reason.
fn other_files(ours: &RunResult, theirs: &RunResult) -> String {
    let files = |seen: &RunResult| {
        let mut tree: Snapshot = seen.tree.clone();
        tree.retain(|_, object| object.kind != "directory");
        tree
    };
    files(ours).difference(&files(theirs)).unwrap_or_default()
}

#[test]
fn the_same_error_has_the_same_words_as_in_postfix() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let each = |same: &'static Same| same.errors.iter().map(move |errno| (same, *errno));
    let all = plan::sample(SAME.iter().flat_map(each).collect(), SAMPLE);
    // What is not struck in both programs is an error.
    assert!(!all.is_empty(), "nothing is compared");
    let mut wrong = 0;
    for (same, errno) in &all {
        if let Err(text) = same.compare(*errno) {
            wrong += 1;
            let (arguments, about) = (same.case.arguments, same.about);
            tell(&format!(
                "{arguments:?}, {errno:?} about {about:?}:\n{text}"
            ));
        }
    }
    tell(&format!("errors compared with Postfix's: {}", all.len()));
    assert_eq!(wrong, 0, "of {}", all.len());
}

/// A script that reads the status went on as if it had been done.
#[test]
fn a_message_that_cannot_be_looked_at_for_want_of_memory_is_an_error_unlike_in_postfix() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let each = |same: &'static Same| same.errors.iter().map(move |errno| (same, *errno));
    for (same, errno) in EXHAUSTED.iter().flat_map(each) {
        let what = format!("{:?}, {errno:?}", same.case.arguments);
        let run = |program| same.run(program, errno).expect("it is struck");
        let (ours, theirs) = (run(Program::Ours), run(Program::Theirs));
        let reason = error_text(&errno.into());
        let said = |seen: &RunResult, ended: Ended, word: &str| {
            let is_it = |line: &String| line.contains(word) && line.ends_with(&reason);
            let is_said = seen.stderr.iter().any(is_it);
            assert!(is_said, "{what}: no {word}{reason} in {:?}", seen.stderr);
            assert_eq!(seen.ended, ended, "{what}: {:?}", seen.stderr);
        };
        said(&ours, Ended::Exited(1), "postsuper: fatal: deferred/");
        said(&theirs, Ended::Exited(0), "postsuper: warning: ");
        assert_eq!(other_files(&ours, &theirs), "", "{what}");
    }
}
