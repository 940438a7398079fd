//! IDs on standard input that are separated by NUL: all of them with `--null`;
//! without it the first of a line counts, as in Postfix, and a warning says so.

use super::Filled;
use crate::selection::spool;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, require};

fn of(filled: &Filled, program: Program, arguments: &[&str], stdin: &str) -> Output {
    let call = filled.call(arguments).stdin(stdin.as_bytes());
    call.run(program, &filled.instance)
}

#[test]
fn without_the_option_a_nul_is_warned_of_once_and_postfixs_act_is_kept() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let now = spool::now();
    for make in [
        |ids: &[String]| ids.join("\0"),
        |ids: &[String]| format!("{}\n{}\0\n{}\0\0x\n", ids[4], ids[5], ids[6]),
        |ids: &[String]| format!("{}\0{}\n{}\0{}\n", ids[4], ids[5], ids[6], ids[7]),
        |ids: &[String]| format!("\0{}\n{}\n", ids[5], ids[6]),
    ] {
        let run = |program| {
            let filled = Filled::at(now);
            let ids: Vec<String> = filled.ids().lines().map(str::to_owned).collect();
            let output = of(&filled, program, &["-h", "-"], &make(&ids));
            let text = |bytes: &str| {
                let mut text = bytes.to_owned();
                for (number, id) in ids.iter().enumerate() {
                    text = text.replace(id, &format!("<{number}>"));
                }
                text
            };
            (text(&output.stderr_text()), output.ended, filled.snapshot())
        };
        let (ours, theirs) = (run(Program::Ours), run(Program::Theirs));
        let (warnings, rest): (Vec<&str>, Vec<&str>) = ours
            .0
            .lines()
            .partition(|line| line.contains("text after a NUL is ignored"));
        assert_eq!(warnings.len(), 1, "{}", ours.0);
        assert_eq!(rest, theirs.0.lines().collect::<Vec<_>>());
        assert_eq!(ours.1, theirs.1);
        assert_eq!(ours.2.difference(&theirs.2), None);
    }
}

#[test]
fn a_nul_at_the_end_of_a_line_hides_nothing_and_needs_no_warning() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let stdin = format!("{}\0", filled.placed[4].id());
    let output = filled.run_with(&["-h", "-"], &stdin);
    assert!(!output.stderr_text().contains("warning"), "{output:?}");
    assert_eq!(filled.count("hold"), 3);
}

#[test]
fn with_the_option_all_of_them_are_acted_on() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let ids = Invocation::new(Tool::Postqueue, ["--ids", "--null"])
        .env("MAIL_CONFIG", filled.instance.etc())
        .run(Program::Ours, &filled.instance)
        .stdout_text();
    assert_eq!(ids.matches('\0').count(), 10, "{ids:?}");
    let dry = filled.run_with(&["-d", "-", "--null", "--dry-run"], &ids);
    let count = "postsuper: Would be deleted: 10 messages\n";
    assert_eq!(dry.stderr_text(), count, "{dry:?}");
    let output = filled.run_with(&["-d", "-", "--null"], &ids);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(output.stderr_text().ends_with("Deleted: 10 messages\n"));
    assert!(crate::postsuper::messages(&filled.instance).is_empty());
}

#[test]
fn a_dry_run_warns_as_the_call_does() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let stdin = filled.ids().replace('\n', "\0");
    let dry = filled.run_with(&["-d", "-", "--dry-run"], &stdin);
    let real = filled.run_with(&["-d", "-"], &stdin);
    for output in [dry, real] {
        let text = output.stderr_text();
        assert!(text.contains("line 1: text after a NUL"), "{text}");
        assert!(text.ends_with("eleted: 1 message\n"), "{text}");
    }
}
