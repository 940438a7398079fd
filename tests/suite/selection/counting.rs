//! Counts are those of the pipelines that people count with.

use serde_json::Value;

use super::{filled, printed, real};
use crate::support::instance::Instance;
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

/// Groups of messages by a value that jq finds in each, as our JSON has them.
fn by_message(by: &str, value: &str) -> String {
    groups(by, "messages", &format!("[.[] | {{v: ({value}), m: .}}]"))
}

/// The same of recipients.
fn by_recipient(by: &str, value: &str) -> String {
    let each = format!("[.[] | . as $m | .recipients[] | {{v: ({value}), m: $m}}]");
    groups(by, "recipients", &each)
}

fn groups(by: &str, what: &str, each: &str) -> String {
    format!(
        "postqueue -j | jq -s -c '{each} | group_by(.v)[] | {{by: \"{by}\", value: .[0].v, \
         {what}: length, bytes: (map(.m.message_size) | add), \
         oldest: (map(.m.arrival_time) | min), newest: (map(.m.arrival_time) | max)}}'"
    )
}

/// Objects in an order of their own.
fn sorted(lines: &str) -> Vec<String> {
    let decoded = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    let mut all: Vec<String> = lines
        .lines()
        .map(|line| decoded(line).to_string())
        .collect();
    all.sort();
    all
}

fn same(instance: &Instance, by: &str, script: &str) {
    let ours = printed(instance, &["-j", &format!("--count={by}")]);
    assert_eq!(sorted(&ours), sorted(&real(instance, script)), "{by}");
    assert!(ours.lines().count() > 1, "{by}: {ours}");
}

#[test]
fn groups_are_those_of_jq() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let domain = r#"ascii_downcase | sub(".*@"; "")"#;
    // MAILER-DAEMON is no domain.
    let sender_domain = format!(r#".sender | if test("@") then ({domain}) else . end"#);
    for (by, script) in [
        ("from", by_message("from", ".sender")),
        ("from-domain", by_message("from-domain", &sender_domain)),
        ("to", by_recipient("to", ".address")),
        (
            "to-domain",
            by_recipient("to-domain", &format!(".address | {domain}")),
        ),
        (
            "hour",
            by_message("hour", r#".arrival_time | strftime("%Y-%m-%dT%H")"#),
        ),
    ] {
        same(&instance, by, &script);
    }
}

#[test]
fn clients_and_logins_are_those_that_postcat_shows() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let logins = "for id in $(postqueue -j | jq -r .queue_id); do \
                  login=$(postcat -eq $id | sed -n 's/^named_attribute: sasl_username=//p'); \
                  echo \"${login:-(none)}\"; done | sort | uniq -c | sort -rn | sed 's/^ *//'";
    let ours = printed(&instance, &["-j", "--count=sasl-user"]);
    assert_eq!(counted(&ours), real(&instance, logins));
    let clients = counted(&printed(&instance, &["-j", "--count=client"]));
    let expected = "7 (none)\n2 unknown[2001:db8::25]\n1 mx.partner.example[192.0.2.77]\n";
    assert_eq!(clients, expected);
}

/// Number and value of each group, as uniq -c has them.
fn counted(json: &str) -> String {
    let line = |line: &str| {
        let group: Value = serde_json::from_str(line).expect("JSON");
        let count = group.get("messages").or(group.get("recipients"));
        format!(
            "{} {}\n",
            count.expect("a count"),
            group["value"].as_str().expect("a value")
        )
    };
    json.lines().map(line).collect()
}

#[test]
fn reasons_that_say_the_same_are_one() {
    let instance = filled();
    let reasons = counted(&printed(&instance, &["-j", "--count=reason"]));
    let expected = "4 connect to \u{2026}: Connection refused\n\
                    1 host \u{2026} said: \u{2026} <\u{2026}>: Recipient address rejected: \
                    Greylisted (in reply to RCPT TO command)\n";
    assert_eq!(reasons, expected);
}

#[test]
fn the_number_is_that_of_the_footer() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let all = real(&instance, "mailq | tail -1 | awk '{ print $5 }'");
    assert_eq!(printed(&instance, &["--count"]), all);
    let script = "mailq | grep -c '^[0-9A-Z]*!'";
    assert_eq!(
        printed(&instance, &["--count", "--queue", "hold"]),
        real(&instance, script)
    );
    let script = "mailq | grep -c offers@bulk.example";
    let selected = ["--count", "--from", "offers@bulk.example"];
    assert_eq!(printed(&instance, &selected), real(&instance, script));
    assert_eq!(
        printed(&instance, &["--count", "--from", "nobody@x"]),
        "0\n"
    );
    assert_eq!(
        printed(&instance, &["--count", "-j"]),
        "{\"messages\": 10}\n"
    );
}

#[test]
fn queues_are_counted_without_looking_into_files() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let script = "postqueue -j | jq -r .queue_name | sort | uniq -c | awk '{ print $1, $2 }'";
    let mut ours: Vec<String> = counted(&printed(&instance, &["-j", "--count=queue"]))
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(ours.len(), 5);
    ours.sort_by_key(|line| line.split(' ').nth(1).map(str::to_owned));
    let theirs = real(&instance, script);
    assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
    // A file that is still being written has a name, and one that lies where
    // it does not belong is none.
    let file = NewFile::new("incoming", Vec::new());
    instance.spool().put(&file.mode(0o600));
    let stray = NewFile::new("deferred", Vec::new()).named(Name::Literal(b"no.id".to_vec()));
    instance.spool().put(&stray);
    assert_eq!(printed(&instance, &["--count"]), "11\n");
    let table = printed(&instance, &["--count=queue", "--top", "2"]);
    assert_eq!(
        table,
        "  Messages  Queue\n         1  maildrop\n         2  active\n"
    );
}

#[test]
fn a_table_shows_the_commonest_first_and_times_in_the_style_asked_for() {
    let instance = filled();
    let args = ["--count=from", "--top", "1", "--time-style=epoch"];
    let table = printed(&instance, &args);
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["Messages", "Bytes", "Oldest", "Newest", "Sender"]
    );
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[1][0], lines[1][4]), ("3", "ann@example.com"));
    let age = |column: usize| super::spool::now() - lines[1][column].parse::<i64>().expect("epoch");
    assert!((4 * 86_400..4 * 86_400 + 600).contains(&age(2)), "{table}");
    let empty = printed(&instance, &["--count=from", "--from", "nobody@x"]);
    assert_eq!(empty.lines().count(), 1, "{empty}");
}
