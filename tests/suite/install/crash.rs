//! Killed at every system call that changes something, one after the other:
//! calling again finishes the work, and uninstall takes all of it back.
//!
//! strace(1) does the killing, so the kill comes between two calls exactly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;
use tempfile::TempDir;

use crate::support::instance::set_mode;
use crate::support::machine::write_small_program;
use crate::support::run::Ended;
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Extent, Met, Needs, require};

/// Whatever changes a directory, or a file's mode or owner. strace counts
/// each of them by itself; a question mark stands before those that some
/// processors do not have.
const CHANGES: [&str; 13] = [
    "?mkdir",
    "mkdirat",
    "?rename",
    "renameat",
    "renameat2",
    "?symlink",
    "symlinkat",
    "?unlink",
    "unlinkat",
    "?rmdir",
    "fchmod",
    "fchown",
    "fsync",
];

fn small_program(directory: &Path) -> PathBuf {
    let program = directory.join("spoolbox");
    write_small_program(&program);
    program
}

/// A directory that is in memory, where there is one: what is written is
/// synced each time.
fn in_memory() -> TempDir {
    let mut name = tempfile::Builder::new();
    name.prefix("spoolbox-");
    name.tempdir_in("/dev/shm")
        .or_else(|_| name.tempdir())
        .expect("a temporary directory")
}

struct Place {
    directory: TempDir,
    program: PathBuf,
}

impl Place {
    fn new(program: &Path) -> Self {
        Self {
            directory: in_memory(),
            program: program.to_owned(),
        }
    }

    fn command(&self, applet: &str, mut command: Command) -> Ended {
        command
            .args([applet, "--prefix=/usr", "--destdir"])
            .arg(self.directory.path());
        let output = command.output().expect("it starts");
        output.status.into()
    }

    fn finish(&self, applet: &str, when: &str) {
        let ended = self.command(applet, Command::new(&self.program));
        assert_eq!(ended, Ended::Exited(0), "{applet}, {when}");
    }

    fn killed_at(&self, call: &str, n: u32, applet: &str) -> Ended {
        let mut command = Command::new("strace");
        command
            .args(["-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={call}"))
            .arg("-e")
            .arg(format!("inject={call}:signal=KILL:when={n}"))
            .arg(&self.program);
        self.command(applet, command)
    }

    /// A directory that was made before the manifest could be written is taken
    /// for one that was there before.
    fn forget_directories(&self) {
        let path = self.path("usr/lib/spoolbox/installed");
        let text = fs::read_to_string(&path).expect("the manifest");
        let others = text.lines().filter(|line| !line.starts_with("directory "));
        fs::write(&path, others.collect::<Vec<_>>().join("\n")).expect("the manifest");
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn look(&self) -> Snapshot {
        Snapshot::of(self.directory.path(), &Labels::default())
    }
}

#[test]
fn an_installation_cut_short_is_finished_by_the_next() {
    if require(Needs::Time) == Met::No || require(Needs::Strace) == Met::No {
        return;
    }
    let directory = in_memory();
    let program = small_program(directory.path());
    let undisturbed = Place::new(&program);
    undisturbed.finish("install", "undisturbed");
    undisturbed.forget_directories();
    let installed = undisturbed.look();
    each_change(
        "install",
        &program,
        |_| {},
        |place, when| {
            place.finish("install", when);
            place.forget_directories();
            if let Some(text) = place.look().difference(&installed) {
                panic!("{when}, then installed again:\n{text}");
            }
        },
    );
}

#[test]
fn an_installation_cut_short_is_taken_back_by_uninstall() {
    if require(Needs::Time) == Met::No || require(Needs::Strace) == Met::No {
        return;
    }
    let directory = in_memory();
    let program = small_program(directory.path());
    each_change(
        "install",
        &program,
        |_| {},
        |place, when| {
            // Else it did not come to more than directories.
            if place.path("usr/lib/spoolbox/installed").exists() {
                place.finish("uninstall", when);
                assert_eq!(place.look(), Snapshot::default(), "{when}");
            }
        },
    );
}

#[test]
fn an_uninstallation_cut_short_is_finished_by_the_next() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let directory = in_memory();
    let program = small_program(directory.path());
    let installed = |place: &Place| place.finish("install", "before");
    each_change("uninstall", &program, installed, |place, when| {
        if place.path("usr/lib/spoolbox/installed").exists() {
            place.finish("uninstall", when);
            assert_eq!(place.look(), Snapshot::default(), "{when}");
        } else {
            assert!(!place.path("usr/bin").exists(), "{when}");
        }
    });
}

/// A call of mailq while it is being replaced runs a program that works.
#[test]
fn an_upgrade_cut_short_leaves_programs_that_run() {
    if require(Needs::Time) == Met::No || require(Needs::Strace) == Met::No {
        return;
    }
    let directory = in_memory();
    let program = small_program(directory.path());
    let outdated = |place: &Place| {
        place.finish("install", "before");
        for name in ["usr/bin/spoolbox", "usr/sbin/postqueue"] {
            // A wrong mode lets it be written anew.
            set_mode(&place.path(name), 0o555);
        }
    };
    each_change("install", &program, outdated, |place, when| {
        for name in ["usr/bin/mailq", "usr/sbin/postsuper"] {
            let output = Command::new(place.path(name)).arg("--version").output();
            assert!(output.is_ok_and(|output| output.status.success()), "{when}");
        }
    });
}

/// Kills `applet` at each change in turn, and looks at what that left.
fn each_change(
    applet: &str,
    program: &Path,
    prepare: impl Fn(&Place),
    check: impl Fn(&Place, &str),
) {
    let is_sample = Extent::from_environment() == Extent::Sample;
    let (step, least) = if is_sample { (12, 3) } else { (1, 6) };
    let mut killed = 0;
    for call in CHANGES {
        for n in (1..).step_by(step) {
            let place = Place::new(program);
            prepare(&place);
            match place.killed_at(call, n, applet) {
                Ended::Exited(0) => break,
                Ended::Killed(libc::SIGKILL) => {}
                ended => panic!("{applet} not killed at {call} {n}: {ended:?}"),
            }
            check(&place, &format!("{applet} killed at {call} {n}"));
            killed += 1;
        }
    }
    assert!(killed >= least, "{applet}: hardly anything was changed");
}
