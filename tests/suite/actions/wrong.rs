//! Contradictory options are refused before anything is read, with advice on what to
//! write instead.

use super::Filled;
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

const WRONG: [(&[&str], &str); 43] = [
    (&["-d", "MATCH"], "MATCH needs a selection, such as --from"),
    (
        &["-d", "ABCDE", "--from", "x"],
        "a selection needs the word MATCH: postsuper -d MATCH --from",
    ),
    (&["-d", "-", "--from", "x"], "needs the word MATCH"),
    (&["-d", "ALL", "--older", "3d"], "needs the word MATCH"),
    (&["--from", "x"], "needs the word MATCH"),
    (&["-s", "--from", "x"], "needs the word MATCH"),
    (
        &["-d", "MATCH", "--from", "re:("],
        "bad value for --from: re:(: unclosed group",
    ),
    (
        &["-d", "MATCH", "--not"],
        "--not negates the selection option after it",
    ),
    (
        &["-d", "MATCH", "--not", "--dry-run", "--from", "x"],
        "--not negates the selection option after it",
    ),
    (
        &["-d", "MATCH", "--from"],
        "option '--from' requires an argument",
    ),
    (&["--dry-run"], "--dry-run requires an action: -d, -e, "),
    (
        &["-s", "--dry-run"],
        "--dry-run requires an action: -d, -e, ",
    ),
    (&["-p", "--limit", "3"], "--limit requires an action"),
    (&["--progress"], "--progress requires an action"),
    (
        &["-d", "ALL", "-s", "--dry-run"],
        "--dry-run shows actions only: leave out -p, -s and -S",
    ),
    (
        &["-d", "ALL", "-p", "--dry-run"],
        "--dry-run shows actions only",
    ),
    (
        &["-d", "ALL", "-h", "ALL", "--dry-run"],
        "--dry-run shows one kind of action",
    ),
    (
        &["-d", "ALL", "--null"],
        "--null is for queue IDs on standard input: postsuper -d - --null",
    ),
    (
        &["-d", "ABCDE", "--null"],
        "--null is for queue IDs on standard input",
    ),
    (&["-s", "--null"], "--null requires an action"),
    (&["--quiet"], "--quiet requires an action"),
    (&["-d", "ABCDE", "--max", "3"], "with MATCH or ALL"),
    (&["-d", "-", "--max", "3"], "with MATCH or ALL"),
    (&["-d", "-", "--interactive"], "with MATCH or ALL"),
    (
        &["-h", "ALL", "-d", "ALL", "--max", "3"],
        "give one action, with MATCH or ALL",
    ),
    (
        &["-d", "ALL", "--rate", "3/s"],
        "--rate is for actions that cause deliveries",
    ),
    (
        &["-r", "ALL", "-h", "ALL", "--rate", "3/s"],
        "--rate is for actions that cause deliveries",
    ),
    (
        &["-d", "ALL", "--notify"],
        "--notify is for actions that cause deliveries: -H, -f, -r and --bounce",
    ),
    (
        &["-s", "--notify"],
        "--notify is for actions that cause deliveries",
    ),
    (
        &["-d", "ALL", "--max=1", "--max=100"],
        "--max is given twice: give it once",
    ),
    (
        &["-d", "ALL", "--limit=1", "--limit=100"],
        "--limit is given twice",
    ),
    (
        &["-r", "ALL", "--rate=1/s", "--rate=100/s"],
        "--rate is given twice",
    ),
    (
        &["-d", "ABCDE", "-d", "ALL", "--dry-run"],
        "--dry-run shows MATCH or ALL alone",
    ),
    (
        &["-d", "ALL", "-d", "ALL", "--dry-run"],
        "--dry-run shows MATCH or ALL alone",
    ),
    (&["-r", "ALL", "--rate", "3"], "10/s, 30/m, 500/h"),
    (&["-r", "ALL", "--rate", "0/s"], "10/s, 30/m, 500/h"),
    (&["-r", "ALL", "--rate", "3/d"], "10/s, 30/m, 500/h"),
    (&["-d", "ALL", "--limit", "0"], "give a number above 0"),
    (&["-d", "ALL", "--limit", "-1"], "give a number"),
    (&["-d", "ALL", "--max", "many"], "give a number"),
    (
        &["-d", "ALL", "--comment", "two\nlines"],
        "give one line of text",
    ),
    (&["-d", "ALL", "--results=xml"], "use json"),
    (
        &["-d", "ALL", "--strict"],
        "--strict is for queue IDs and -",
    ),
];

#[test]
fn contradictions_are_refused_before_anything_is_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let before = filled.snapshot();
    for (arguments, part) in WRONG {
        let output = filled.run_with(arguments, &filled.ids());
        assert_eq!(output.ended, Ended::Exited(1), "{arguments:?}\n{output:?}");
        let text = output.stderr_text();
        assert!(text.contains(part), "{arguments:?}\n{text}");
        assert!(output.stdout.is_empty(), "{output:?}");
        // Before main.cf is read: it makes no difference that there is none.
        let call = filled.call(arguments).env("MAIL_CONFIG", "/nowhere");
        let without = call.run(crate::support::run::Program::Ours, &filled.instance);
        assert_eq!(without.stderr_text(), text, "{arguments:?}");
    }
    assert_eq!(filled.snapshot().difference(&before), None);
}
