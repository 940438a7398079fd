//! The comparisons with the Postfix of other releases of Debian, each on a
//! system of its own that `tests/roots/unpack` has unpacked.
//!
//! This test program runs once more in there: what is installed is the
//! release's Postfix then, and both programs stand on the release's own
//! libraries. So the tests are the same as here; only those that compare run.
//!
//! SPOOLBOX_SUITES names the directory with the systems (target/suites of the
//! repository without it); under SPOOLBOX_REQUIRE_SUITES=1 a test fails where
//! its system is missing. SPOOLBOX_ONLY=WORD runs the tests that have that word
//! in their names, and no others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::machine::Machine;
use crate::support::run::{Ended, collect};
use crate::support::{Met, Needs, require, tell};

/// The modules whose tests compare with Postfix.
const COMPARISONS: [&str; 17] = [
    "acting::",
    "clients",
    "configuration::",
    "corpus::",
    "daemon::",
    "flush::",
    "harness::",
    "hostile::",
    "listing::",
    "live::",
    "maillog::",
    "postcat::",
    "postsuper::",
    "qshape::",
    "rights::",
    "syslog::",
    "usage::",
];
/// How many generated cases a test has there at most.
const MOST_CASES: &str = "60";
/// How long the tests of one release may take.
const PATIENCE: Duration = Duration::from_secs(1500);

#[test]
fn the_comparisons_hold_with_the_postfix_of_bullseye() {
    compare_with("bullseye");
}

#[test]
fn the_comparisons_hold_with_the_postfix_of_trixie() {
    compare_with("trixie");
}

#[test]
fn the_comparisons_hold_with_the_postfix_of_forky() {
    compare_with("forky");
}

fn compare_with(release: &str) {
    if require(Needs::Root) == Met::No {
        return;
    }
    let system = directory().join(release);
    if !system.is_dir() {
        leave_out(release, "tests/roots/unpack has not been run");
        return;
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = std::env::current_exe().expect("this program");
    let target = program.ancestors().nth(3).expect("the build directory");
    let machine = Machine::of(&system, &[repository, target]);
    let program = program.to_str().expect("a path of UTF-8");
    if machine.run(&[program, "--list"]).ended != Ended::Exited(0) {
        leave_out(release, "its C library is too old; see .ci/portable");
        return;
    }
    run_comparisons(&machine, release, program);
}

/// Where the systems are.
fn directory() -> PathBuf {
    match std::env::var_os("SPOOLBOX_SUITES") {
        Some(directory) => directory.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/suites"),
    }
}

fn leave_out(release: &str, reason: &str) {
    let text = format!("no comparison with the Postfix of {release}: {reason}");
    if std::env::var("SPOOLBOX_REQUIRE_SUITES").as_deref() == Ok("1") {
        panic!("{text}");
    }
    tell(&format!("releases: {text}"));
}

fn run_comparisons(machine: &Machine, release: &str, program: &str) {
    let version = machine.succeed(&["postconf", "-dh", "mail_version"]);
    let only = std::env::var("SPOOLBOX_ONLY").ok();
    let mut words = vec![program];
    match &only {
        Some(word) => words.push(word),
        None => words.extend(COMPARISONS),
    }
    let mut command = machine.command(&words);
    command
        .env("SPOOLBOX_REQUIRE_POSTFIX", "1")
        .env("SPOOLBOX_MOST_CASES", MOST_CASES);
    for name in ["SEED", "CASES", "CASE", "MOST_CASES"].map(|name| format!("SPOOLBOX_{name}")) {
        if let Some(value) = std::env::var_os(&name) {
            command.env(name, value);
        }
    }
    let output = collect(command.spawn().expect("it starts"), b"", PATIENCE);
    let text = output.stdout_text();
    let last = text
        .lines()
        .rev()
        .find(|line| line.starts_with("test result:"));
    let summary = format!(
        "with Postfix {} of {release}: {}",
        version.trim(),
        last.unwrap_or("no end")
    );
    tell(&summary);
    if output.ended != Ended::Exited(0) {
        let passed = |line: &&str| !(line.starts_with("test ") && line.ends_with(" ok"));
        let lines: Vec<&str> = text.lines().filter(passed).collect();
        panic!(
            "{summary}\n{:?}\n{}\n{}",
            output.ended,
            lines.join("\n"),
            output.stderr_text()
        );
    }
}
