//! Each option of a selection finds the messages that a pipeline around the
//! real tools finds, in the same order.

use super::{filled, printed, real, spool};
use crate::support::instance::Instance;
use crate::support::{Met, Needs, require};

/// IDs of the messages whose ID line in mailq fulfils a condition of awk's.
pub fn by_awk(condition: &str) -> String {
    format!(
        "mailq | tail -n +2 | awk 'BEGIN {{ RS = \"\" }} !/^-- / && {condition} {{ print $1 }}' \
         | tr -d '*!#'"
    )
}

/// IDs of the messages whose object fulfils a condition of jq's.
pub fn by_jq(condition: &str) -> String {
    format!("postqueue -j | jq -r 'select({condition}) | .queue_id'")
}

/// IDs of the messages in which postcat's output has such a line.
pub fn by_postcat(flags: &str, regex: &str) -> String {
    format!(
        "for id in $(postqueue -j | jq -r .queue_id); do \
         postcat {flags} $id | grep -qE '{regex}' && echo $id; done; true"
    )
}

/// Ours with these options finds what the pipeline finds: some messages, and
/// not all.
fn same(instance: &Instance, options: &[&str], script: &str) {
    let expected = real(instance, script);
    let mut args = vec!["--ids"];
    args.extend(options);
    assert_eq!(printed(instance, &args), expected, "{options:?}\n{script}");
    let count = expected.lines().count();
    assert!((1..10).contains(&count), "{options:?} finds {count}");
}

#[test]
fn senders() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let cases = [
        ("ann@example.com", by_awk(r#"$7 == "ann@example.com""#)),
        ("ann@EXAMPLE.com", by_awk(r#"$7 == "ann@example.com""#)),
        (
            "bob@sub.example.com",
            by_awk(r#"tolower($7) == "bob@sub.example.com""#),
        ),
        ("root", by_awk(r#"$7 == "root""#)),
        ("<>", by_awk(r#"$7 == "MAILER-DAEMON""#)),
        ("MAILER-DAEMON", by_awk(r#"$7 == "MAILER-DAEMON""#)),
        ("*@bulk.example", by_awk("$7 ~ /@bulk\\.example$/")),
        ("?nn@*", by_awk("$7 ~ /^.nn@/")),
        ("re:^(ann|offers)@", by_awk("$7 ~ /^(ann|offers)@/")),
        ("re:example", by_awk("$7 ~ /example/")),
    ];
    for (pattern, script) in &cases {
        same(&instance, &["--from", pattern], script);
    }
    let rest = by_awk("$7 !~ /@bulk\\.example$/");
    same(&instance, &["--not", "--from", "*@bulk.example"], &rest);
}

#[test]
fn recipients() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let any = |test: &str| by_jq(&format!("any(.recipients[].address; {test})"));
    let all = |test: &str| by_jq(&format!("all(.recipients[].address; {test})"));
    let count = |test: &str| by_jq(&format!("(.recipients | length) {test}"));
    let other = r#"test("@other\\.example$"; "i")"#;
    for (options, script) in [
        (
            ["--to", "eve@other.example"],
            any(r#". == "eve@other.example""#),
        ),
        (
            ["--to", "\"a b\"@dest.example"],
            any(r#". == "\"a b\"@dest.example""#),
        ),
        (["--to", "*@OTHER.example"], any(other)),
        (["--all-to", "*@other.example"], all(other)),
        (
            ["--all-to", "joe@dest.example"],
            all(r#". == "joe@dest.example""#),
        ),
        (["--to-domain", "other.example"], any(other)),
        (
            ["--to-domain", ".example"],
            any(r#"test("@.+\\.example$"; "i")"#),
        ),
        (["--rcpt-count", "+2"], count(">= 2")),
        (["--rcpt-count", "-1"], count("<= 1")),
    ] {
        same(&instance, &options, &script);
    }
    let none = by_jq(r#"any(.recipients[].address; . == "joe@dest.example") | not"#);
    same(&instance, &["--not", "--to", "joe@dest.example"], &none);
}

#[test]
fn sender_domains() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    for (domain, condition) in [
        ("example.com", r#".sender | test("@example\\.com$"; "i")"#),
        (
            ".example.com",
            r#".sender | test("\\.example\\.com$"; "i")"#,
        ),
        ("BULK.example", r#".sender | test("@bulk\\.example$"; "i")"#),
    ] {
        same(&instance, &["--from-domain", domain], &by_jq(condition));
    }
}

#[test]
fn reasons() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let any = |test: &str| by_jq(&format!("any(.recipients[].delay_reason // \"\"; {test})"));
    let whole = "connect to mx1.dest.example[192.0.2.1]:25: Connection refused";
    for (pattern, script) in [
        (whole, any(&format!(". == \"{whole}\""))),
        (
            "*Connection refused",
            any(r#"endswith("Connection refused")"#),
        ),
        ("re:(?i)GREYLIST", any(r#"test("greylist"; "i")"#)),
    ] {
        same(&instance, &["--reason", pattern], &script);
    }
    let without = by_jq("any(.recipients[].delay_reason // \"\"; test(\"refused\")) | not");
    same(&instance, &["--not", "--reason", "*refused"], &without);
}

#[test]
fn ages() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let limit = spool::now() - spool::DAY - spool::HOUR;
    let older = by_jq(&format!(".arrival_time < {limit}"));
    let newer = by_jq(&format!(".arrival_time >= {limit}"));
    same(&instance, &["--older", "1500m"], &older);
    same(&instance, &["--newer", "25h"], &newer);
    let date = real(
        &instance,
        &format!("date -u -d @{limit} +%Y-%m-%dT%H:%M:%S"),
    );
    same(&instance, &["--older", date.trim()], &older);
    same(
        &instance,
        &["--newer", &format!("{}Z", date.trim())],
        &newer,
    );
    // More than a week, and yet no message of a week and a day.
    let range = by_jq(&format!("(now - .arrival_time) > {}", 7 * spool::DAY));
    same(&instance, &["--older", "1w", "--newer", "9d"], &range);
}

#[test]
fn sizes_queues_and_states() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let status = by_awk("$1 ~ /[*!#]$/");
    let cases: [(&[&str], String); 8] = [
        (&["--size", "+48k"], by_jq(".message_size >= 49152")),
        (&["--size", "-100"], by_jq(".message_size <= 100")),
        (
            &["--queue", "deferred"],
            by_jq(r#".queue_name == "deferred""#),
        ),
        (
            &["--queue", "active,maildrop"],
            by_jq(r#".queue_name == "active" or .queue_name == "maildrop""#),
        ),
        (&["--status", "active,hold"], status),
        (&["--status", "expire"], by_jq(".forced_expire")),
        (
            &["--not", "--status", "hold,expire"],
            by_jq(r#"(.forced_expire or .queue_name == "hold") | not"#),
        ),
        (&["--id", "re:^[2-5]"], by_awk("$1 ~ /^[2-5]/")),
    ];
    for (options, script) in &cases {
        same(&instance, options, script);
    }
}

#[test]
fn the_message_and_where_it_came_from() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    for (options, flags, regex) in [
        (["--subject", "plain"], "-hq", "^[Ss]ubject: plain$"),
        (["--subject", "re:^L"], "-hq", "^[Ss]ubject: L"),
        (["--subject", "three of them"], "-hq", "^Subject: three of$"),
        (["--header", "x-mailer: bulk*"], "-hq", "^X-Mailer: bulk"),
        (["--header", "SUBJECT:Large"], "-hq", "^[Ss]ubject: Large"),
        (["--body", "Buy now"], "-bq", "^Buy now$"),
        (["--body", "re:nev"], "-bq", "nev"),
        (
            ["--sasl-user", "web17"],
            "-eq",
            "named_attribute: sasl_username=web17$",
        ),
        (
            ["--client", "MX.partner.example"],
            "-eq",
            "log_client_name=mx.partner.example$",
        ),
        (
            ["--client", "192.0.2.0/24"],
            "-eq",
            "log_client_address=192.0.2.77$",
        ),
        (
            ["--client", "2001:db8:0::25"],
            "-eq",
            "client_address=2001:db8::25$",
        ),
    ] {
        same(&instance, &options, &by_postcat(flags, regex));
    }
}

#[test]
fn different_options_are_joined_by_and_the_same_by_or() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let cases: [(&[&str], &str); 4] = [
        (
            &["--from", "*@bulk.example", "--queue", "hold"],
            r#".queue_name == "hold" and (.sender | test("@bulk"))"#,
        ),
        (
            &["--from", "root", "--from", "<>"],
            r#".sender == "root" or .sender == "MAILER-DAEMON""#,
        ),
        (
            &[
                "--not", "--from", "root", "--not", "--from", "re:@", "--queue", "active",
            ],
            r#".queue_name == "active" and .sender == "MAILER-DAEMON""#,
        ),
        (
            &[
                "--to-domain",
                "dest.example",
                "--not",
                "--rcpt-count",
                "+2",
                "--older",
                "1d",
            ],
            r#"any(.recipients[].address; endswith("dest.example")) and (.recipients | length) < 2
               and (now - .arrival_time) > 86400"#,
        ),
    ];
    for (options, condition) in cases {
        same(&instance, options, &by_jq(condition));
    }
}

#[test]
fn a_listing_of_a_selection_is_the_listing_with_the_others_left_out() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let json = real(
        &instance,
        r#"postqueue -j | grep -F '"sender": "offers@bulk.example"'"#,
    );
    let from = ["--from", "offers@bulk.example"];
    assert_eq!(printed(&instance, &["-j", from[0], from[1]]), json);
    let text = printed(&instance, &["-p", from[0], from[1]]);
    let theirs = real(&instance, "mailq");
    let (heading, messages) = theirs.split_once('\n').expect("a heading");
    let kept: Vec<&str> = messages
        .split("\n\n")
        .filter(|message| message.contains("  offers@bulk.example\n"))
        .collect();
    let footer = "-- 0 Kbytes in 3 Requests.\n";
    let expected = format!("{heading}\n{}\n\n{footer}", kept.join("\n\n"));
    assert_eq!(text, expected);
    let nothing = printed(&instance, &["-p", "--from", "nobody@nowhere.example"]);
    assert_eq!(nothing, "Mail queue is empty\n");
    assert_eq!(
        printed(&instance, &["-j", "--from", "nobody@nowhere.example"]),
        ""
    );
}
