//! MATCH leaves the same spool, and prints the same, as the pipeline around the real
//! tools.

use super::Filled;
use crate::selection::spool;
use crate::support::pipeline::pipeline_of;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Program};
use crate::support::{Met, Needs, require};

const AWK: &str = "mailq | tail -n +2 | awk 'BEGIN { RS = \"\" } !/^-- / && ";
const END: &str = " { print $1 }' | tr -d '*!#' | ";

/// What each of ours replaces.
fn cases() -> Vec<(Vec<&'static str>, String)> {
    let awk = |condition: &str, rest: &str| format!("{AWK}{condition}{END}{rest}");
    let jq = |condition: &str, rest: &str| {
        format!("postqueue -j | jq -r 'select({condition}) | .queue_id' | {rest}")
    };
    let offers = r#"$7 == "offers@bulk.example""#;
    vec![
        (
            vec!["-d", "MATCH", "--from", "offers@bulk.example"],
            awk(offers, "postsuper -d -"),
        ),
        (
            vec!["-d", "MATCH", "--from", "offers@bulk.example", "deferred"],
            awk(offers, "postsuper -d - deferred"),
        ),
        (
            vec!["-d", "MATCH", "--from", "<>"],
            awk(r#"$7 == "MAILER-DAEMON""#, "postsuper -d -"),
        ),
        (
            vec!["-h", "MATCH", "--reason", "*Connection refused"],
            jq(
                r#"any(.recipients[].delay_reason // ""; endswith("Connection refused"))"#,
                "postsuper -h -",
            ),
        ),
        (
            vec!["-r", "MATCH", "--to-domain", "other.example"],
            jq(
                r#"any(.recipients[].address; test("@other\\.example$"; "i"))"#,
                "postsuper -r -",
            ),
        ),
        (
            vec!["-H", "MATCH", "--from", "root"],
            awk(r#"$7 == "root""#, "postsuper -H -"),
        ),
        (
            vec!["-e", "MATCH", "--older", "36h"],
            jq("(now - .arrival_time) > 129600", "postsuper -e -"),
        ),
        (
            vec!["-f", "MATCH", "--queue", "hold,active"],
            jq(
                r#".queue_name == "hold" or .queue_name == "active""#,
                "postsuper -f - 2>&1 | cat >&2",
            ),
        ),
        (
            vec!["-d", "MATCH", "--body", "Buy now"],
            "for id in $(postqueue -j | jq -r .queue_id); do \
             postcat -bq $id | grep -qx 'Buy now' && echo $id; done | postsuper -d -"
                .to_owned(),
        ),
        (
            vec!["-h", "MATCH", "-e", "MATCH", "--from", "ann@*"],
            format!(
                "ids=$({}cat); for a in -h -e; do echo \"$ids\" | postsuper $a - 2>> $MAIL_CONFIG/said; \
                 done; cat $MAIL_CONFIG/said >&2",
                awk(r#"$7 ~ /^ann@/"#, "")
            ),
        ),
    ]
}

/// Sorted lines: the order of a directory differs between two spools.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_same_is_left_and_said_as_by_the_pipeline() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for (arguments, script) in cases() {
        let now = spool::now();
        let (ours, theirs) = (Filled::at(now), Filled::at(now));
        let output = ours.done(&arguments);
        let piped = pipeline_of(Program::Theirs, &theirs.instance, &script);
        assert_eq!(piped.ended, Ended::Exited(0), "{script}\n{piped:?}");
        if let Some(text) = ours.snapshot().difference(&theirs.snapshot()) {
            panic!("{arguments:?}\n{text}");
        }
        let untouched = Filled::at(now).snapshot();
        assert!(
            ours.snapshot().difference(&untouched).is_some(),
            "{arguments:?}"
        );
        let said = |filled: &Filled, text: String| {
            let lines = filled.labels().canonical_text(&text);
            // The real one is called twice for two actions, and the listing
            // says that no mail system runs.
            sorted(&lines.replace("postqueue: ", "mailq: "))
                .into_iter()
                .filter(|line| line.starts_with("postsuper: "))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(&ours, output.stderr_text()),
            said(&theirs, piped.stderr_text()),
            "{arguments:?}"
        );
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn the_mail_log_says_what_it_says_of_ids() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let now = spool::now();
    let logged = |run: &dyn Fn(&Filled)| {
        let filled = Filled::logged(now);
        let collector = Postlog::start(&filled.instance);
        run(&filled);
        let lines = collector.take().join("\n");
        sorted(&filled.labels().canonical_text(&lines))
    };
    let ours = logged(&|filled| {
        filled.done(&["-h", "MATCH", "--from", "ann@example.com"]);
    });
    let theirs = logged(&|filled| {
        let ids: String = filled
            .placed
            .iter()
            .enumerate()
            .filter(|(number, _)| [1, 4, 5].contains(number))
            .map(|(_, placed)| format!("{}\n", placed.id()))
            .collect();
        let call = filled.call(&["-h", "-"]).stdin(ids.as_bytes());
        call.run(Program::Theirs, &filled.instance);
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 4, "{ours:#?}");
}

#[test]
fn a_selection_that_matches_nothing_is_no_error() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let before = filled.snapshot();
    for (option, report) in [
        ("-d", "Deleted"),
        ("-h", "Placed on hold"),
        ("-r", "Requeued"),
        ("-e", "Force-expired"),
    ] {
        let output = filled.done(&[option, "MATCH", "--from", "nobody@nowhere.example"]);
        let expected = format!("postsuper: {report}: 0 messages\n");
        assert_eq!(output.stderr_text(), expected);
    }
    assert_eq!(filled.snapshot().difference(&before), None);
}

#[test]
fn queues_are_operands_as_for_all() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    filled.done(&["-h", "MATCH", "--from", "re:@", "deferred"]);
    assert_eq!((filled.count("deferred"), filled.count("hold")), (0, 6));
    // Where the action makes no sense nothing is looked for.
    let output = filled.done(&["-h", "MATCH", "--from", "re:.", "hold", "maildrop", "defer"]);
    assert_eq!(
        output.stderr_text(),
        "postsuper: Placed on hold: 0 messages\n"
    );
}
