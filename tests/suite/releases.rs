//! The comparisons with the Postfix of other releases of Debian, each on a
//! system of its own that `tests/roots/unpack` has unpacked.
//!
//! This test program runs once more in there: what is installed is the
//! release's Postfix then, and both programs use the release's own libraries.
//! So the tests are the same as here; only those that compare run, with a
//! sample of their cases. The few comparisons that differ, and why they do, are
//! listed in [`DIFFERENCES`]; each of them has to differ in that way.
//!
//! SPOOLBOX_SUITES names the directory with the systems (target/suites of the
//! repository without it); under SPOOLBOX_REQUIRE_SUITES=1 a test fails where
//! its system is missing. SPOOLBOX_ONLY=WORD runs the tests that have that word
//! in their names, and no others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::machine::Machine;
use crate::support::run::{Ended, Output, collect};
use crate::support::{Met, Needs, require, tell};

/// The modules whose tests compare with Postfix and depend on its release.
const COMPARISONS: [&str; 23] = [
    "actions::flushing",
    "actions::pipelines",
    "clients::",
    "configuration::",
    "daemon::",
    "environment::",
    "flush::",
    "guide::",
    "listing::",
    "live::",
    "maillog::",
    "postcat::",
    "postsuper::",
    "qshape::borders",
    "qshape::generated",
    "qshape::terminal",
    "rights::callers",
    "rights::zones",
    "syslog::",
    "transfer::live",
    "usage::",
    "versions::side_by_side",
    "versions::started",
];
/// Of these, what takes long and is about our program, or about faults, alone.
const LEFT_OUT: [&str; 5] = [
    "postcat::large",
    "postsuper::interrupts",
    "postsuper::stream",
    "postsuper::together",
    "postsuper::trash",
];
/// Tests at the same time: Postfix sleeps a second before it ends on an error.
const THREADS: &str = "6";
/// Where the runs of Postfix's tools are counted.
const COUNT: &str = "/tmp/count";
/// How long the tests of one release may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// A comparison that differs with some releases.
struct Difference {
    releases: &'static [&'static str],
    test: &'static str,
    /// What each output of Postfix's that differs has one of.
    theirs: &'static [&'static str],
}

/// What bullseye's and trixie's Postfix say where nothing has set an errno.
const LEFTOVER: &[&str] = &[
    "read public/flush socket: Success",
    "read public/flush socket: No such file or directory",
];

/// The comparisons that differ, and how. All of these stay: see the reasons.
const DIFFERENCES: &[Difference] = &[
    // Control characters of a daemon reach the terminal there. Its own showq
    // sends none.
    Difference {
        releases: &["bullseye"],
        test: "daemon::odd_values_from_a_daemon_are_shown_alike",
        theirs: &["(x\\ty\\x7f\\x1b[0m)"],
    },
    // The queue manager tries for 100 s to reach a bounce daemon that is down.
    Difference {
        releases: &["bullseye"],
        test: "recipients::live::while_the_bounce_daemon_is_down_nothing_is_lost",
        theirs: &["warning: connect #3 to subsystem private/bounce: No such file"],
    },
    // The last words are an errno of something else that was done before.
    Difference {
        releases: &["bullseye", "trixie"],
        test: "flush::service::every_status_has_the_same_words",
        theirs: LEFTOVER,
    },
    Difference {
        releases: &["bullseye", "trixie"],
        test: "flush::service::a_conversation_that_goes_wrong_ends_with_the_same_words",
        theirs: LEFTOVER,
    },
    Difference {
        releases: &["bullseye", "trixie"],
        test: "flush::service::a_daemon_that_is_late_is_understood_as_one_that_is_not",
        theirs: LEFTOVER,
    },
];

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

/// From an old release to a new one, and back.
#[test]
fn queues_move_between_releases() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (from, to) in [("bullseye", "forky"), ("forky", "bullseye")] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let halves = [
            (from, "the_first_system_exports"),
            (to, "the_second_system_imports"),
        ];
        for (release, half) in halves {
            let Some(machine) = machine_of(release, &[directory.path()]) else {
                return;
            };
            let test = format!("transfer::between_releases::{half}");
            let words = [&this_program(), &test, "--exact", "--ignored"];
            let mut command = machine.command(&words);
            command.env("SPOOLBOX_MOVE", directory.path());
            let output = collect(command.spawn().expect("it starts"), b"", PATIENCE);
            let text = output.stdout_text();
            let is_done = output.ended == Ended::Exited(0) && text.contains("1 passed");
            assert!(is_done, "{release}: {text}{}", output.stderr_text());
        }
    }
}

fn compare_with(release: &str) {
    if require(Needs::Root) == Met::No {
        return;
    }
    if let Some(machine) = machine_of(release, &[]) {
        run_comparisons(&machine, release);
    }
}

/// The path of this test program.
fn this_program() -> String {
    let program = std::env::current_exe().expect("this program");
    program.to_str().expect("a path of UTF-8").to_owned()
}

/// A copy of the system of a release in which this test program runs, and which
/// shares these directories; `None`, with the reason printed, if there is none.
fn machine_of(release: &str, shared: &[&Path]) -> Option<Machine> {
    let system = directory().join(release);
    if !system.is_dir() {
        leave_out(release, "tests/roots/unpack has not been run");
        return None;
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = this_program();
    let target = Path::new(&program).ancestors().nth(3);
    let target = target.expect("the build directory");
    let machine = Machine::of(&system, &[&[repository, target], shared].concat());
    if machine.run(&[&program, "--list"]).ended != Ended::Exited(0) {
        leave_out(release, "its C library is too old; see .ci/portable");
        return None;
    }
    Some(machine)
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

fn run_comparisons(machine: &Machine, release: &str) {
    let version = machine.succeed(&["postconf", "-dh", "mail_version"]);
    let only = std::env::var("SPOOLBOX_ONLY").ok();
    let program = this_program();
    let mut words = vec![program.as_str()];
    match &only {
        Some(word) => words.push(word),
        None => words.extend(COMPARISONS),
    }
    words.extend(LEFT_OUT.iter().flat_map(|test| ["--skip", test]));
    let mut command = machine.command(&words);
    // Without SPOOLBOX_LONG.
    command
        .env("SPOOLBOX_REQUIRE_POSTFIX", "1")
        .env("RUST_TEST_THREADS", THREADS)
        .env("SPOOLBOX_COUNT", COUNT);
    for name in ["SEED", "CASES", "CASE"].map(|name| format!("SPOOLBOX_{name}")) {
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
    let calls = std::fs::metadata(machine.path(COUNT)).map_or(0, |found| found.len());
    let summary = format!(
        "with Postfix {} of {release}, {calls} runs of its tools: {}",
        version.trim(),
        last.unwrap_or("no end")
    );
    tell(&summary);
    let is_chosen = |difference: &&Difference| {
        difference.releases.contains(&release)
            && only
                .as_ref()
                .is_none_or(|word| difference.test.contains(word))
    };
    let known: Vec<&Difference> = DIFFERENCES.iter().filter(is_chosen).collect();
    let wrong = wrong_results(&output, &known);
    assert!(wrong.is_empty(), "{summary}\n{}", wrong.join("\n"));
}

/// What is wrong with a run in which only comparisons of `known` may fail, and
/// have to.
fn wrong_results(output: &Output, known: &[&Difference]) -> Vec<String> {
    let text = output.stdout_text();
    let failed = failed_tests(&text);
    let mut wrong = Vec::new();
    for difference in known {
        if !failed.contains(&difference.test) {
            wrong.push(format!("{} no longer differs", difference.test));
        }
    }
    for test in &failed {
        // One that printed nothing has no section.
        let heading = format!("---- {test} stdout ----");
        let sections = text.split("\n---- ").map(|text| format!("---- {text}"));
        let section = sections.into_iter().find(|text| text.starts_with(&heading));
        let section = section.unwrap_or(heading);
        let difference = known.iter().find(|difference| difference.test == *test);
        if !difference.is_some_and(|difference| differs_as_known(&section, difference)) {
            wrong.push(section);
        }
    }
    let is_end = match output.ended {
        Ended::Exited(0) => true,
        Ended::Exited(101) => !failed.is_empty(),
        _ => false,
    };
    if !is_end {
        wrong.push(format!(
            "{:?}\n{text}\n{}",
            output.ended,
            output.stderr_text()
        ));
    }
    wrong
}

/// The tests that failed, by the list at the end.
fn failed_tests(text: &str) -> Vec<&str> {
    let Some((_, list)) = text.rsplit_once("\nfailures:\n") else {
        return Vec::new();
    };
    list.lines()
        .map_while(|line| line.strip_prefix("    "))
        .collect()
}

/// Whether all that Postfix printed otherwise is what the difference says.
fn differs_as_known(section: &str, difference: &Difference) -> bool {
    let is_known = |text: &str| difference.theirs.iter().any(|known| text.contains(known));
    let mut theirs = section
        .lines()
        .filter(|line| line.trim_start().starts_with("theirs: "))
        .peekable();
    match theirs.peek() {
        Some(_) => theirs.all(is_known),
        None => is_known(section),
    }
}
