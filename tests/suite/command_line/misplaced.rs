//! An option in the wrong place is never ignored: it is named, and nothing is
//! done. Neither is it taken for the value of another option.

use super::{ID, run};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Tool};
use crate::support::sample;
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

/// Calls with an option after an operand, the option, and what precedes it.
const MISPLACED: [(Tool, &[&str], &str); 25] = [
    (
        Tool::Postsuper,
        &["-d", "ALL", "deferred", "--dry-run"],
        "--dry-run after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "hold", "--trash"],
        "--trash after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "MATCH", "--from", "*", "hold", "--interactive"],
        "--interactive after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "MATCH", "hold", "--from", "*bulk*"],
        "--from after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "deferred", "--max=0"],
        "--max=0 after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-h", "ALL", "incoming", "--limit", "1"],
        "--limit after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "-", "hold", "--dry-run"],
        "--dry-run after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", ID, "hold", "--trash"],
        "--trash after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "deferred", "-v"],
        "-v after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "deferred", "-c", "/x"],
        "-c after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "--", "--dry-run"],
        "--dry-run after --",
    ),
    (Tool::Postsuper, &["-d", "ALL", "--", "-x"], "-x after --"),
    (
        Tool::Postsuper,
        &["-d", "ALL", "deferred", "nosuch", "--dry-run"],
        "--dry-run after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-s", "hold", "--nosuch"],
        "--nosuch after the queue name",
    ),
    (
        Tool::Postsuper,
        &["-d", "ALL", "hold", "-\u{1b}[31m"],
        "-?[31m after the queue name",
    ),
    (
        Tool::Postqueue,
        &["-f", "x", "--dry-run"],
        "--dry-run after an operand",
    ),
    (
        Tool::Postqueue,
        &["-p", "deferred", "--json"],
        "--json after an operand",
    ),
    (Tool::Postqueue, &["-p", "--", "--ids"], "--ids after --"),
    (Tool::Mailq, &["x", "--json"], "--json after an operand"),
    (Tool::Sendmail, &["-q", "x", "--y"], "--y after an operand"),
    (
        Tool::Postfix,
        &["flush", "--dry-run"],
        "--dry-run after the command",
    ),
    (
        Tool::Qshape,
        &["deferred", "--json"],
        "--json after the queue name",
    ),
    (Tool::Qshape, &["hold", "-s"], "-s after the queue name"),
    (
        Tool::Postcat,
        &["-q", ID, "--json"],
        "--json after the queue ID",
    ),
    (
        Tool::Postcat,
        &["/dev/null", "-e"],
        "-e after the file name",
    ),
];

#[test]
fn an_option_after_an_operand_is_named_and_nothing_is_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let none = Labels::of(&[]);
    let before = Snapshot::of(&instance.queue_directory(), &none);
    for (tool, arguments, part) in MISPLACED {
        let output = run(&instance, tool, arguments);
        assert!(!matches!(output.ended, Ended::Exited(0)), "{output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}\n{output:?}");
        let text = output.stderr_text();
        let expected = format!("{part}: options come first; nothing was done\n");
        assert!(text.contains(&expected), "{arguments:?}\n{text}");
        let after = Snapshot::of(&instance.queue_directory(), &none);
        assert_eq!(after.difference(&before), None, "{arguments:?}");
    }
}

#[test]
fn a_queue_that_is_none_stops_postsuper_before_the_queues_in_front_of_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let none = Labels::of(&[]);
    let before = Snapshot::of(&instance.queue_directory(), &none);
    for arguments in [
        &["-d", "ALL", "deferred", "nosuch"][..],
        &["-d", "MATCH", "--from", "*", "deferred", "nosuch"],
        &["--trash", "-d", "ALL", "deferred", "nosuch"],
        &["-d", "ALL", "deferred", "\u{2013}dry-run"],
        &["-h", "ALL", "deferred", ""],
        &["-d", "-", "deferred", "hold/"],
        &["-s", "hold", "nosuch"],
        &["-d", "ALL", "-"],
    ] {
        let output = run(&instance, Tool::Postsuper, arguments);
        assert_eq!(output.ended, Ended::Exited(1), "{arguments:?}\n{output:?}");
        let text = output.stderr_text();
        let is_it = text.starts_with("postsuper: fatal: invalid directory name: ");
        assert!(is_it, "{arguments:?}\n{text}");
        let after = Snapshot::of(&instance.queue_directory(), &none);
        assert_eq!(after.difference(&before), None, "{arguments:?}");
    }
}

#[test]
fn an_option_is_never_taken_for_the_value_of_another() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let none = Labels::of(&[]);
    let before = Snapshot::of(&instance.queue_directory(), &none);
    for (arguments, option) in [
        (&["-d", "ALL", "--comment", "--dry-run"][..], "comment"),
        (
            &["-d", "MATCH", "--not", "--from", "--trash", "--to", "*"],
            "from",
        ),
    ] {
        let text = run(&instance, Tool::Postsuper, arguments).stderr_text();
        let expected = format!("postsuper: option '--{option}' requires an argument; --");
        assert!(text.starts_with(&expected), "{text}");
        let after = Snapshot::of(&instance.queue_directory(), &none);
        assert_eq!(after.difference(&before), None, "{arguments:?}");
    }
    for (arguments, expected) in [
        (
            &["-d", "--dry-run", "-d", "ALL"][..],
            "option requires an argument -- 'd'; --dry-run is an option\n",
        ),
        (
            &["-vH", "--max=0", "-d", "ALL"],
            "option requires an argument -- 'H'; --max=0 is an option\n",
        ),
        // To getopt the letter d and its value.
        (
            &["-d", "ALL", "-dry-run"],
            "unknown option -dry-run; did you mean --dry-run?\n",
        ),
        (
            &["-H", "ALL", "-rate=10/s"],
            "unknown option -rate; did you mean --rate?\n",
        ),
    ] {
        let text = run(&instance, Tool::Postsuper, arguments).stderr_text();
        assert!(
            text.starts_with(&format!("postsuper: {expected}")),
            "{text}"
        );
        let after = Snapshot::of(&instance.queue_directory(), &none);
        assert_eq!(after.difference(&before), None, "{arguments:?}");
    }
    // What is a value is one, and is not taken out of the command line.
    let file = instance.root().join("metrics");
    let output = format!("--output={}", file.display());
    let arguments = ["--prometheus", "--from=--output", &output];
    let done = run(&instance, Tool::Postqueue, &arguments);
    assert_eq!(done.ended, Ended::Exited(0), "{done:?}");
    assert!(std::fs::read_to_string(&file).is_ok_and(|text| text.contains("# HELP ")));
    let site = run(&instance, Tool::Postqueue, &["-s", "--dry-run"]);
    assert_eq!(site.ended, Ended::Exited(69), "{site:?}");
    // As in Postfix.
    let text = "postqueue: fatal: Cannot flush mail queue - invalid destination: \"--dry-run\"\n";
    assert_eq!(site.stderr_text(), text);
}
