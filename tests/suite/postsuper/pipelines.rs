//! The pipelines with which administrators feed postsuper: awk, tr, grep, sed, cut,
//! xargs, while read, jq. The same script runs with our tools and with Postfix's on two
//! equal spools, and has to leave the same files.

use crate::support::instance::Instance;
use crate::support::pipeline::pipeline_of;
use crate::support::run::Program;
use crate::support::sample;
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require, under_test};

const SCRIPTS: [&str; 20] = [
    r#"mailq | awk '/^[A-F0-9]/ && $7 == "sender@example.com" { print $1 }' | tr -d '*!' | postsuper -d -"#,
    r#"mailq | tail -n +2 | awk 'BEGIN { RS = "" } /MAILER-DAEMON/ { print $1 }' | tr -d '*!' | postsuper -d -"#,
    r#"mailq | tail -n +2 | grep -v '^ *(' | awk 'BEGIN { RS = "" } $8 == "one@dest.example" && $9 == "two@dest.example" { print $1 }' | tr -d '*!#' | postsuper -h -"#,
    r#"mailq | grep -B1 'Connection refused' | grep '^[0-9A-Z]' | cut -d' ' -f1 | postsuper -r -"#,
    r#"mailq | sed -n 's/^\([0-9A-Za-z]*\)[*!# ].*example.com$/\1/p' | postsuper -h -"#,
    r#"mailq | awk '/^[0-9A-Za-z]/ { print $1 }' | postsuper -d -"#,
    r#"mailq | awk '/^[0-9A-Za-z]/ { print $1 }' | tr -d '*!#' | xargs -n1 postsuper_program -e"#,
    r#"mailq | awk '/^[0-9A-Za-z]/ { print $1 }' | tr -d '*!#' | while read -r id; do postsuper -h "$id"; done"#,
    r#"postqueue -j | jq -r 'select(.queue_name == "deferred") | .queue_id' | postsuper -h -"#,
    r#"postqueue -j | jq -r 'select(.recipients[].address == "drop@dest.example") | .queue_id' | postsuper -d -"#,
    r#"postqueue -j | jq -r 'select(.queue_name == "hold").queue_id' | xargs -r -n 1 postsuper_program -H"#,
    "mailq | postsuper -d -",
    "postsuper -h - < /dev/null",
    "postsuper -d ALL deferred; postsuper -h ALL; postsuper -H ALL",
    "printf 'all\\nALL\\n\\nuser@example.com\\nID*\\n' | postsuper -d -",
    "postsuper -d all; postsuper -d deferred; postsuper -r ALL active; postsuper -s 1h; echo $?",
    "for q in active incoming; do postsuper -d ALL $q; done",
    "postsuper -d - hold < <(mailq | awk '/^[0-9A-Z]/ { print $1 }' | tr -d '*!#')",
    "postsuper $(mailq | awk '/^[0-9A-Z]/ { print \"-d\", $1 }' | tr -d '*!#')",
    "postsuper -e ALL 2>&1 | tail -1 | awk '{ print $2 }'",
];

/// What a script printed, and what it left.
fn run(program: Program, script: &str) -> (String, Snapshot) {
    let instance = Instance::builder().build();
    let sample = sample::fill(&instance);
    let labels = Labels::of(sample.all());
    let output = pipeline_of(program, &instance, script);
    let mut text = labels.canonical_text(&format!("{output:?}"));
    let root = instance.root().display().to_string();
    text = text.replace(&root, "@ROOT@");
    // The order of a directory differs between the two.
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    let snapshot = Snapshot::of(&instance.queue_directory(), &labels);
    (lines.join("\n"), snapshot)
}

#[test]
fn pipelines_do_the_same() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    for script in SCRIPTS {
        let (ours, our_tree) = run(under_test(), script);
        let (theirs, their_tree) = run(Program::Theirs, script);
        assert_eq!(ours, theirs, "{script}");
        if let Some(text) = our_tree.difference(&their_tree) {
            panic!("{script}\n{text}");
        }
    }
}
