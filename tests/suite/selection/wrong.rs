//! Contradictory or unknown options are refused before anything is read, with advice on
//! what to write instead.

use super::run;
use crate::support::instance::Instance;
use crate::support::run::Ended;

/// Options, and a part of the complaint.
const WRONG: [(&[&str], &str); 56] = [
    (&["--all-instances"], "say what to do with it: -p, -j, "),
    (
        &["-p", "--all-instances", "--instance", "x"],
        "exclude each other",
    ),
    (&["--from", "a"], "say what to do with it: -p, -j, "),
    (&["--sort", "id"], "say what to do with it: -p, -j, "),
    (&["-p", "--from"], "option '--from' requires an argument"),
    (&["-p", "--from", ""], "say <> for the null sender"),
    (
        &["-p", "--from", "re:("],
        "bad value for --from: re:(: unclosed group",
    ),
    (&["-p", "--to", "re:["], "bad value for --to: re:["),
    (&["-p", "--reason", "re:*"], "bad value for --reason: "),
    (
        &["-p", "--from-domain", "*.x"],
        "patterns go with --from, --to",
    ),
    (
        &["-p", "--size", "10M"],
        "say +10M for at least, -10M for at most",
    ),
    (&["-p", "--size", "+x"], "say +10M for at least"),
    (&["-p", "--rcpt-count", "3"], "say +50 for at least"),
    (&["-p", "--older", "3"], "give a time such as 90m"),
    (
        &["-p", "--newer", "2026-02-30"],
        "or a date such as 2026-11-23",
    ),
    (
        &["-p", "--queue", "defered"],
        "the queues are maildrop, active, ",
    ),
    (
        &["-p", "--status", "hold,x"],
        "a status is active, hold or expire",
    ),
    (&["-p", "--header", "x"], "give a header's name, a colon"),
    (&["-p", "--client", "192.0.2.0/40"], "192.0.2.0/24"),
    (
        &["-p", "--not"],
        "--not negates the selection option after it",
    ),
    (
        &["-p", "--not", "--limit", "3"],
        "--not negates the selection option after it",
    ),
    (&["-p", "--ids"], "--ids cannot be combined with -p"),
    (
        &["-j", "--csv"],
        "--csv cannot be combined with -p, -f, -i and -s; -j only with --count",
    ),
    (&["-p", "--count"], "--count cannot be combined with -p"),
    (&["--csv", "--ids"], "--csv and --ids exclude each other"),
    (&["--ids", "--ids"], "--ids is given twice"),
    (
        &["--count", "--check"],
        "--count and --check exclude each other",
    ),
    (
        &["--count=sender"],
        "messages are counted by one or two of queue, from, ",
    ),
    (
        &["-p", "--top", "3"],
        "--top requires --count=BY, --prometheus or --check",
    ),
    (
        &["--count", "--top", "3"],
        "--top requires --count=BY, --prometheus or --check",
    ),
    (&["--count=from", "--top", "-3"], "give a number"),
    (&["--count", "--sort", "id"], "--sort requires a listing"),
    (&["-p", "--sort", "date"], "the keys are id, age, "),
    (&["-p", "--reverse"], "--reverse requires --sort"),
    (
        &["-p", "--limit", "few"],
        "bad value for --limit: few: give a number",
    ),
    (
        &["-p", "--null"],
        "--null requires --ids, --oneline or --format",
    ),
    (&["-p", "--time-style", "rfc"], "use iso, epoch or relative"),
    (&["-j", "--time-style", "iso"], "--time-style requires -p, "),
    (&["-p", "--detail"], "--detail requires -j"),
    (
        &["-p", "--output", "/tmp/x"],
        "--output requires --prometheus",
    ),
    (&["-p", "--warn", "3"], "--warn requires --check"),
    (&["--check"], "--check needs --warn N"),
    (
        &["--check=1", "--warn", "3"],
        "option '--check' doesn't allow",
    ),
    (&["--check", "--warn", "x"], "give a number"),
    (&["--check", "--wran", "3"], "unknown option --wran"),
    (&["--check", "--warn", "3", "x"], "usage: postqueue"),
    (&["--check", "--by", "sasl-user"], "--by needs --warn N"),
    (
        &["--check", "--warn-age", "1d", "--by=to"],
        "--by needs --warn N",
    ),
    (
        &["--check", "--warn", "3", "--by", "colour"],
        "bad value for --by: colour",
    ),
    (
        &["--check", "--warn", "3", "--top", "all"],
        "--check needs a number of values",
    ),
    (&["--count=from", "--by", "to"], "--by requires --check"),
    (
        &["--check", "--warn", "9", "--crit", "3"],
        "--warn is above --crit",
    ),
    (
        &["--check", "--warn-age", "1w", "--crit-age", "1d"],
        "--warn-age is above --crit-age",
    ),
    (&["--check", "--warn-age", "old"], "give a time such as 90m"),
    (
        &["-f", "--from", "x"],
        "a selection cannot be combined with -f, -i and -s",
    ),
    (&["--format"], "option '--format' requires an argument"),
];

#[test]
fn what_contradicts_itself_is_refused_before_anything_is_read() {
    let instance = Instance::builder().build();
    for (args, part) in WRONG {
        let mut all = vec!["-c", "/nonexistent"];
        all.extend(args);
        let output = run(&instance, &all);
        let said = output.stderr_text();
        assert!(said.contains(part), "{args:?}: {said}");
        if args.iter().any(|arg| arg.starts_with("--check")) {
            // A monitoring plugin has its own statuses and a line to show.
            assert_eq!(output.ended, Ended::Exited(3), "{args:?}");
            let line = output.stdout_text();
            assert!(line.starts_with("MAILQ UNKNOWN - "), "{args:?}: {line}");
            assert!(line.contains(part), "{args:?}: {line}");
        } else {
            assert_eq!(output.ended, Ended::Exited(69), "{args:?}");
            assert_eq!(output.stdout_text(), "", "{args:?}");
        }
        assert!(!said.contains("/nonexistent"), "{args:?}: {said}");
    }
}

#[test]
fn a_format_names_the_columns_there_are() {
    let instance = Instance::builder().build();
    for (format, part) in [
        (
            "%{ids}",
            "there is no column ids; the columns are id, queue, ",
        ),
        ("%d", "a % begins %{column} or %%"),
        ("a\\x", "a \\ begins \\t, \\n, \\0 or \\\\"),
    ] {
        let output = run(&instance, &["--format", format]);
        assert_eq!(output.ended, Ended::Exited(69));
        assert!(output.stderr_text().contains(part), "{output:?}");
        assert_eq!(output.stdout_text(), "");
    }
}

#[test]
fn a_full_disk_is_an_error_of_every_look() {
    let instance = super::filled();
    for args in [
        &["--count"][..],
        &["--count=from"],
        &["-j", "--count=queue"],
        &["--ids"],
        &["-p", "--sort", "id"],
        &["--csv", "--from", "nobody@x"],
        &["--prometheus"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = std::process::Command::new(instance.bin().join("postqueue"))
            .args(args)
            .env("MAIL_CONFIG", instance.etc())
            .stdout(full.expect("/dev/full"))
            .output()
            .expect("our postqueue");
        assert_eq!(output.status.code(), Some(69), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("output write error: No space left"),
            "{args:?}: {said}"
        );
    }
}
