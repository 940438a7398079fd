//! A selection counts what Postfix's qshape counts on a spool from which
//! everything was deleted that a pipeline of the real tools does not find.

use std::ffi::OsStr;
use std::fs;

use super::draft;
use super::run::{call, canonical, give_to_mail_owner, ours};
use crate::selection::reading::opened_by;
use crate::selection::selecting::{by_awk, by_jq, by_postcat};
use crate::selection::{filled, real, spool};
use crate::support::compare::difference;
use crate::support::instance::Instance;
use crate::support::run::{Ended, Output, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require, under_test};

const QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// An instance with messages of all kinds that the mail owner can read.
fn instance() -> Instance {
    let instance = filled();
    give_to_mail_owner(&instance);
    instance
}

/// Lets the real postsuper delete all messages but those whose IDs a script
/// prints; says how many it kept.
fn keep(instance: &Instance, script: &str) -> usize {
    let script = format!(
        "keep=$({script}); \
         postqueue -j | jq -r .queue_id | grep -vxF \"$keep\" | postsuper -d - 2>/dev/null; \
         postqueue -j | wc -l"
    );
    real(instance, &script).trim().parse().expect("a number")
}

/// What a program prints with these arguments.
fn printed<A: AsRef<OsStr>>(program: Program, instance: &Instance, args: &[A]) -> Output {
    canonical(program, instance, &call(instance, args))
}

/// Our tables of a selection are the real ones of what is left when all else
/// is deleted, which is something, but not all.
fn same(selection: &[&str], script: &str, calls: &[&[&str]]) {
    let instance = instance();
    let with = |args: &[&str]| -> Vec<String> {
        let queue_directory = instance.queue_directory().display().to_string();
        let all = selection.iter().chain(args);
        all.map(|arg| arg.replace("@SPOOL@", &queue_directory))
            .collect()
    };
    let ours: Vec<Output> = calls
        .iter()
        .map(|args| printed(under_test(), &instance, &with(args)))
        .collect();
    let kept = keep(&instance, script);
    assert!((1..10).contains(&kept), "{selection:?} keeps {kept}");
    for (args, ours) in calls.iter().zip(ours) {
        let args = with(args).split_off(selection.len());
        let theirs = printed(Program::Theirs, &instance, &args);
        assert_eq!(theirs.ended, Ended::Exited(0), "{args:?}: {theirs:?}");
        if let Some(text) = difference(&ours, &theirs) {
            panic!("{selection:?} {args:?}\n{text}");
        }
    }
}

/// As [`same`], for the tables of recipients and senders in all queues.
fn same_tables(selection: &[&str], script: &str) {
    let recipients: &[&str] = &QUEUES;
    let senders: &[&str] = &[&["-s"][..], &QUEUES].concat();
    same(selection, script, &[recipients, senders]);
}

#[test]
fn each_option_counts_the_messages_that_a_pipeline_finds() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let any = |test: &str| by_jq(&format!("any(.recipients[].address; {test})"));
    let day = spool::now() - spool::DAY;
    let cases: [(&[&str], String); 18] = [
        (
            &["--from", "*@bulk.example"],
            by_awk("$7 ~ /@bulk\\.example$/"),
        ),
        (&["--from", "<>"], by_awk(r#"$7 == "MAILER-DAEMON""#)),
        // Recipients select messages, not rows: all of them count.
        (
            &["--to", "eve@other.example"],
            any(r#". == "eve@other.example""#),
        ),
        (
            &["--all-to", "joe@dest.example"],
            by_jq(r#"all(.recipients[].address; . == "joe@dest.example")"#),
        ),
        (
            &["--from-domain", ".example.com"],
            by_jq(r#".sender | test("\\.example\\.com$"; "i")"#),
        ),
        (
            &["--to-domain", "other.example"],
            any(r#"test("@other\\.example$"; "i")"#),
        ),
        (
            &["--reason", "*refused"],
            by_jq(r#"any(.recipients[].delay_reason // ""; endswith("refused"))"#),
        ),
        (&["--older", "1d"], by_jq(&format!(".arrival_time < {day}"))),
        (
            &["--newer", "1d"],
            by_jq(&format!(".arrival_time >= {day}")),
        ),
        (&["--size", "-100"], by_jq(".message_size <= 100")),
        (
            &["--rcpt-count", "+2"],
            by_jq("(.recipients | length) >= 2"),
        ),
        (
            &["--queue", "active,maildrop"],
            by_jq(r#".queue_name == "active" or .queue_name == "maildrop""#),
        ),
        (&["--status", "active,hold"], by_awk("$1 ~ /[*!]$/")),
        (&["--id", "re:^[2-5]"], by_awk("$1 ~ /^[2-5]/")),
        (
            &["--header", "x-mailer: bulk*"],
            by_postcat("-hq", "^X-Mailer: bulk"),
        ),
        (&["--body", "Buy now"], by_postcat("-bq", "^Buy now$")),
        (
            &["--sasl-user", "web17"],
            by_postcat("-eq", "sasl_username=web17$"),
        ),
        (
            &["--client", "192.0.2.0/24"],
            by_postcat("-eq", "log_client_address=192.0.2.77$"),
        ),
    ];
    for (selection, script) in &cases {
        same_tables(selection, script);
    }
}

#[test]
fn options_go_together_and_can_be_negated() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let cases: [(&[&str], &str); 4] = [
        (
            &["--not", "--from", "*@bulk.example"],
            r#".sender | test("@bulk\\.example$") | not"#,
        ),
        (
            &["--from", "*@bulk.example", "--queue", "hold"],
            r#".queue_name == "hold" and (.sender | test("@bulk"))"#,
        ),
        (
            &["--from", "root", "--from", "<>"],
            r#".sender == "root" or .sender == "MAILER-DAEMON""#,
        ),
        (
            &["--not", "--id", "re:^[2-5]", "--not", "--queue", "hold"],
            r#".queue_name != "hold" and (.queue_id | test("^[2-5]") | not)"#,
        ),
    ];
    for (selection, condition) in cases {
        same_tables(selection, &by_jq(condition));
    }
}

#[test]
fn the_options_of_postfix_mean_the_same_with_a_selection() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let script = by_jq(r#"any(.recipients[].address; test("@other\\.example$"; "i"))"#);
    let calls: [&[&str]; 8] = [
        &[],
        &["deferred"],
        &["deferred", "deferred"],
        &["-p", "-m", "1", "-w", "100", "deferred"],
        &["-l", "-b", "4", "-t", "600", "deferred", "hold"],
        &["-s", "-p", "-m1", "@SPOOL@/deferred"],
        &["@SPOOL@/active", "deferred", "@SPOOL@/hold"],
        &["-n", "1", "-N", "2", "deferred"],
    ];
    same(&["--to-domain", "other.example"], &script, &calls);
}

#[test]
fn our_looks_show_what_is_left_when_all_else_is_deleted() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = instance();
    let looks: [&[&str]; 9] = [
        &["--json"],
        &["--chart"],
        &["--json", "--by=recipient"],
        &["--json", "--by=sender"],
        &["--json", "--by=reason"],
        &["--json", "--by=queue"],
        &["--json", "--by=size"],
        &["--top=1"],
        &["--chart", "--by=reason", "--top=2"],
    ];
    let selection = ["--older", "1d", "--from", "re:."];
    let show = |look: &[&str], selection: &[&str]| {
        let output = ours(&instance, &[look, selection, &QUEUES].concat());
        assert_eq!(output.ended, Ended::Exited(0), "{look:?}: {output:?}");
        output.stdout_text()
    };
    let selected = looks.map(|look| show(look, &selection));
    let all = looks.map(|look| show(look, &[]));
    let limit = spool::now() - spool::DAY;
    assert_eq!(
        keep(&instance, &by_jq(&format!(".arrival_time < {limit}"))),
        4
    );
    for ((look, selected), all) in looks.iter().zip(selected).zip(all) {
        assert_eq!(selected, show(look, &[]), "{look:?}");
        assert_ne!(selected, all, "{look:?}");
    }
}

#[test]
fn a_message_that_qshape_does_not_count_is_not_counted_by_a_selection() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let empty = ours(&instance, &["-s", "deferred"]).stdout_text();
    // Postfix's qshape counts a file that is no message as one from nobody.
    let file = NewFile::new("deferred", b"no message".to_vec());
    instance.spool().put(&file);
    spool::fill(&instance);
    give_to_mail_owner(&instance);
    // What was marked to expire has a mode that qshape passes over.
    for (selection, queue) in [
        (&["--status", "expire"], "hold"),
        (&["--from", "root"], "hold"),
        (&["--size", "-20"], "deferred"),
    ] {
        let output = ours(&instance, &[&["-s"], &selection[..], &[queue]].concat());
        assert_eq!(output.stdout_text(), empty, "{selection:?}");
        assert_eq!(output.stderr_text(), "", "{selection:?}");
    }
    let by_name = ours(&instance, &["-s", "--queue", "deferred", "deferred"]);
    assert!(
        !by_name.stdout_text().contains("MAILER-DAEMON"),
        "{by_name:?}"
    );
    assert_eq!(by_name.stderr_text(), "");
}

#[test]
fn what_a_name_rules_out_is_not_opened_and_the_rest_once() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let opened = |options: &[&str]| opened_by(Tool::Qshape, &[options, &QUEUES].concat());
    assert_eq!(opened(&["--id", "nosuch*"]).len(), 0);
    assert_eq!(opened(&["--queue", "hold"]).len(), 2);
    assert_eq!(opened(&["--status", "active"]).len(), 2);
    assert_eq!(
        opened(&["--not", "--queue", "deferred,hold,active"]).len(),
        2
    );
    for options in [
        &["--from", "*"][..],
        &["--subject", "*"],
        &["--from-domain", "x"],
    ] {
        let mut names = opened(options);
        assert_eq!(names.len(), 10, "{options:?}: {names:?}");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 10, "{options:?}: {names:?}");
    }
    let is_log = |name: &&String| name.starts_with("defer/");
    let logs = |options: &[&str]| opened(options).iter().filter(is_log).count();
    assert_eq!(logs(&["--from", "*", "--by=recipient"]), 0);
    assert_eq!(logs(&["--reason", "*", "--queue", "deferred"]), 4);
}

#[test]
fn a_message_matches_in_any_directory_below_its_queue() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().set("hash_queue_depth", "3").build();
    let placed = spool::fill(&instance);
    give_to_mail_owner(&instance);
    let theirs = printed(Program::Theirs, &instance, &["-s", "deferred"]);
    let same = || {
        for selection in [
            &["--from", "*"][..],
            &["--queue", "deferred"],
            &["--not", "--reason", "x"],
        ] {
            let args = [selection, &["-s", "deferred"]].concat();
            let ours = printed(under_test(), &instance, &args);
            assert_eq!(difference(&ours, &theirs), None, "{args:?}");
        }
    };
    same();
    // As after a change of hash_queue_depth, before postsuper -s was run.
    let spool = instance.queue_directory();
    for message in placed.iter().filter(|message| message.queue == "deferred") {
        let to = spool.join("deferred").join(message.id());
        fs::rename(spool.join(&message.path), to).expect("a rename");
    }
    same();
}

/// Arguments, and a part of the complaint.
const WRONG: [(&[&str], &str); 14] = [
    (&["--from"], "option '--from' requires an argument"),
    (&["--from", ""], "say <> for the null sender"),
    (
        &["--from", "re:("],
        "bad value for --from: re:(: unclosed group",
    ),
    (&["--size", "10M"], "say +10M for at least"),
    (&["--older", "3"], "give a time such as 90m"),
    (&["--queue", "defered"], "the queues are maildrop, active, "),
    (&["--not"], "--not negates the selection option after it"),
    (
        &["--not", "-s"],
        "--not negates the selection option after it",
    ),
    (
        &["--not", "deferred"],
        "--not negates the selection option after it",
    ),
    (
        &["--from", "x", "defered"],
        "defered is no queue of the instance: with a selection name maildrop, ",
    ),
    (
        &["--from", "x", "active", "saved"],
        "saved is no queue of the instance",
    ),
    (
        &["--from", "x", "deferred/"],
        "deferred/ is no queue of the instance",
    ),
    (
        &["--from", "x", "../deferred"],
        "and another instance with -c DIR",
    ),
    (&["--from", "x", "deferred/A"], "deferred/A is no queue"),
];

#[test]
fn what_is_wrong_with_a_selection_is_said_before_anything_is_read() {
    let instance = Instance::builder().build();
    for (args, part) in WRONG {
        let output = ours(&instance, &[&["-c", "/nonexistent"], args].concat());
        assert_eq!(output.ended, Ended::Exited(255), "{args:?}");
        assert_eq!(output.stdout_text(), "", "{args:?}");
        let said = output.stderr_text();
        assert!(said.contains(part), "{args:?}: {said}");
        assert!(said.contains("Usage: "), "{args:?}: {said}");
        assert!(!said.contains("postconf"), "{args:?}: {said}");
    }
}

#[test]
fn a_selection_takes_paths_of_the_instances_own_queues_only() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (instance, other) = (instance(), instance());
    let path = |of: &Instance, name: &str| of.queue_directory().join(name).display().to_string();
    let own = path(&instance, "deferred");
    let by_path = ours(&instance, &["--from", "*", &own]).stdout_text();
    assert_eq!(
        by_path,
        ours(&instance, &["--from", "*", "deferred"]).stdout_text()
    );
    for wrong in [
        path(&other, "deferred"),
        path(&instance, "saved"),
        path(&instance, "deferred/1"),
        path(&instance, "deferred/"),
        path(&instance, ""),
        "/nonexistent".to_owned(),
    ] {
        let output = ours(&instance, &["--from", "*", "hold", &wrong]);
        assert_eq!(output.ended, Ended::Exited(255), "{wrong}");
        assert_eq!(output.stdout_text(), "", "{wrong}");
        let said = output.stderr_text();
        assert!(
            said.contains(&format!("{wrong} is no queue of the instance")),
            "{said}"
        );
        // Without a selection it is ignored.
        assert_eq!(ours(&instance, &["hold", &wrong]).ended, Ended::Exited(0));
    }
}

#[test]
fn queues_that_the_selection_rules_out_are_told() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = instance();
    let output = ours(&instance, &["--queue", "hold"]);
    assert_eq!(output.ended, Ended::Exited(0));
    let part = "the selection excludes all of incoming, active: choose other queues\n";
    assert!(output.stderr_text().ends_with(part), "{output:?}");
    let nobody = ours(&instance, &["--from", "nobody@x"]);
    assert_eq!(nobody.stdout_text(), output.stdout_text());
    assert_eq!(nobody.stderr_text(), "");
}

#[test]
fn only_a_selection_needs_all_of_main_cf_to_be_right() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (parameter, value) in [
        ("syslog_facility", "nosuch"),
        ("duplicate_filter_limit", "few"),
    ] {
        let instance = Instance::builder().set(parameter, value).build();
        spool::fill(&instance);
        give_to_mail_owner(&instance);
        assert_eq!(ours(&instance, &["deferred"]).ended, Ended::Exited(0));
        let output = ours(&instance, &["--from", "*", "deferred"]);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert_eq!(output.stdout_text(), "");
        assert!(output.stderr_text().contains(value), "{output:?}");
    }
}

#[test]
fn a_hostile_queue_is_judged_by_names_as_by_what_is_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let mut rng = fastrand::Rng::with_seed(12);
    for _ in 0..300 {
        let file = NewFile::new("deferred", draft::file(&mut rng));
        instance.spool().put(&file);
    }
    give_to_mail_owner(&instance);
    let table = |selection: &[&str]| {
        let output = ours(&instance, &[selection, &["deferred"]].concat());
        assert_eq!(output.ended, Ended::Exited(0), "{selection:?}: {output:?}");
        output.stdout_text()
    };
    let by_name = table(&["--not", "--id", "nosuch"]);
    assert!(by_name.lines().count() > 20, "{by_name}");
    for all in [
        &["--from", "re:"][..],
        &["--not", "--to", "nobody@x"],
        &["--not", "--client", "192.0.2.1"],
        &["--not", "--subject", "nothing"],
    ] {
        assert_eq!(table(all), by_name, "{all:?}");
    }
    let half = table(&["--from-domain", "example.com"]);
    let rest = table(&["--not", "--from-domain", "example.com"]);
    let total = |table: &str| -> u64 {
        let line = table.lines().nth(1).expect("a total");
        let word = line.split_whitespace().nth(1).expect("a number");
        word.parse().expect("a number")
    };
    assert_eq!(total(&half) + total(&rest), total(&by_name));
    assert!(total(&half) > 0 && total(&rest) > 0);
}
