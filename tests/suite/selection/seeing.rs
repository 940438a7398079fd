//! Other forms of a listing: lines, columns, order, details.

use serde_json::Value;

use super::{filled, printed, real, run};
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

/// Functions of jq for the columns of a line.
const JQ: &str = r#"def iso: strftime("%Y-%m-%dT%H:%M:%S");
    def to: [.recipients[].address] | join(",");
    def status: [if .queue_name == "active" or .queue_name == "hold" then .queue_name else empty end,
        if .forced_expire then "expire" else empty end] | join(" ");
    def reason: (.recipients[0].delay_reason // "");
    def q: tostring | if test("[,\"]") then "\"" + gsub("\""; "\"\"") + "\"" else . end;"#;

fn jq(program: &str) -> String {
    format!("postqueue -j | jq -r '{JQ} {program}'")
}

#[test]
fn lines_have_the_columns_of_the_json() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let oneline = r#""\(.queue_id) \(.queue_name) \(.arrival_time | iso) \(.message_size) \(.sender) \(to) \(reason)""#;
    assert_eq!(
        printed(&instance, &["--oneline"]),
        real(&instance, &jq(oneline))
    );
    let format = "%{status}:%{sender_domain}\\t%{recipient_count}%%%{arrival}\\n";
    let same = r#""\(status):\(.sender | if test("@") then sub(".*@"; "") else "" end)\t\(.recipients | length)%\(.arrival_time)""#;
    let args = ["--format", format, "--time-style", "epoch"];
    assert_eq!(printed(&instance, &args), real(&instance, &jq(same)));
}

#[test]
fn csv_is_quoted_where_it_has_to_be() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let row = "[.queue_id, .queue_name, status, .arrival_time, .message_size, .sender, \
               (.recipients | length), to, reason] | map(q) | join(\",\")";
    let csv = printed(&instance, &["--csv", "--time-style=epoch"]);
    let heading = "id,queue,status,arrival,age,size,sender,recipient_count,recipients,reason";
    assert_eq!(csv.lines().next(), Some(heading));
    // The age is the one that jq cannot tell.
    let without_age = |line: &str| {
        let (front, rest) = line.split_at(line.match_indices(',').nth(3).expect("columns").0);
        let rest = &rest[1..];
        format!("{front}{}\n", &rest[rest.find(',').expect("columns")..])
    };
    let ours: String = csv.lines().skip(1).map(without_age).collect();
    assert_eq!(ours, real(&instance, &jq(row)));
    let empty = printed(&instance, &["--csv", "--from", "nobody@x"]);
    assert_eq!(empty, format!("{heading}\n"));
}

#[test]
fn ids_end_in_a_newline_or_a_nul() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let ids = real(&instance, "postqueue -j | jq -r .queue_id");
    assert_eq!(printed(&instance, &["--ids"]), ids);
    assert_eq!(
        printed(&instance, &["--ids", "--null"]),
        ids.replace('\n', "\0")
    );
    let format = printed(&instance, &["--null", "--format", "%{id}"]);
    assert_eq!(format, ids.replace('\n', "\0"));
}

#[test]
fn headers_clients_and_places_can_be_columns() {
    let instance = filled();
    let format = "%{subject}|%{client_name}|%{client_address}|%{sasl_username}|%{path}\\n";
    let order = ["--sort", "queue,sender"];
    let args = [
        &["--format", format, "--queue", "incoming,active"][..],
        &order,
    ]
    .concat();
    let text = printed(&instance, &args);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').collect()).collect();
    assert_eq!(lines[0][..4], ["plain", "", "", ""]);
    assert_eq!(lines[1][..4], ["plain", "unknown", "2001:db8::25", "web17"]);
    assert_eq!(
        lines[2][..4],
        ["plain", "mx.partner.example", "192.0.2.77", ""]
    );
    assert!(lines[0][4].starts_with("active/") && lines[2][4].starts_with("incoming/"));
    let folded = ["--format", "%{subject}\\n", "--rcpt-count", "+2"];
    assert_eq!(printed(&instance, &folded), "three of them\n");
}

#[test]
fn listings_are_sorted_and_cut() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let sorted = |by: &str, rest: &str| {
        real(
            &instance,
            &format!("postqueue -j | jq -s -c 'sort_by({by}){rest} | .[]' | jq -r .queue_id"),
        )
    };
    for (key, by) in [
        ("id", ".queue_id"),
        ("age", "-.arrival_time"),
        ("size", ".message_size"),
        ("sender", ".sender"),
        ("recipients", "(.recipients | length)"),
        ("sender,size,id", ".sender, .message_size, .queue_id"),
    ] {
        assert_eq!(
            printed(&instance, &["--ids", "--sort", key]),
            sorted(by, ""),
            "{key}"
        );
    }
    // Queues come in the order of a listing.
    let all = real(&instance, "postqueue -j | jq -r .queue_id");
    assert_eq!(printed(&instance, &["--ids", "--sort", "queue"]), all);
    let last = ["--ids", "--sort", "id", "--reverse", "--limit", "3"];
    assert_eq!(
        printed(&instance, &last),
        sorted(".queue_id", " | reverse | .[:3]")
    );
    let first = real(&instance, "postqueue -j | head -n 4");
    assert_eq!(printed(&instance, &["-j", "--limit", "4"]), first);
    assert_eq!(printed(&instance, &["-j", "--limit", "0"]), "");
    assert_eq!(
        printed(&instance, &["-p", "--limit", "0"]),
        "Mail queue is empty\n"
    );
    // Sorted text has its heading, blank lines and a footer of what is shown.
    let text = printed(
        &instance,
        &["-p", "--sort", "size", "--reverse", "--limit", "1"],
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("-Queue ID-") && lines[1].contains("!#") && lines[3].is_empty());
    assert_eq!(lines[4], "-- 48 Kbytes in 1 Request.");
}

#[test]
fn times_in_the_text_form_keep_the_columns() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let epoch = printed(&instance, &["-p", "--time-style=epoch"]);
    let words = |text: &str, n: usize| -> Vec<String> {
        let id_lines = text
            .lines()
            .filter(|l| l.starts_with(|c: char| c.is_ascii_alphanumeric()));
        id_lines
            .map(|l| l.split_whitespace().nth(n).unwrap_or("").to_owned())
            .collect()
    };
    let times = real(&instance, "postqueue -j | jq -r .arrival_time");
    assert_eq!(words(&epoch, 2), times.lines().collect::<Vec<_>>());
    let iso = printed(&instance, &["-p", "--time-style=iso"]);
    let times = real(&instance, &jq(".arrival_time | iso"));
    assert_eq!(words(&iso, 2), times.lines().collect::<Vec<_>>());
    // Senders stand where they always stand.
    let theirs = real(&instance, "mailq");
    let column = |text: &str| text.lines().find_map(|line| line.find("cron@host"));
    assert_eq!(column(&iso), column(&theirs));
}

#[test]
fn details_are_behind_what_postfix_says() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let decode = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let mut ours = decode(&printed(&instance, &["-j", "--detail"]));
    let theirs = decode(&real(&instance, "postqueue -j"));
    let refused = &ours[4..]
        .iter()
        .find(|m| m["recipients"][0]["delay_reason"].is_string());
    let recipient = &refused.expect("a reason")["recipients"][0];
    assert_eq!(recipient["dsn_status"], "4.4.1");
    assert_eq!(recipient["remote_host"], "mx.dest.example");
    let large = ours
        .iter()
        .find(|m| m["subject"] == "Large")
        .expect("the large one");
    assert_eq!(large["recipients_total"], 1);
    let arrival = large["arrival_time"].as_i64().expect("a time");
    let age = large["age"].as_i64().expect("an age");
    assert!((super::spool::now() - arrival - age).abs() < 30);
    assert!(
        large["arrival_iso"]
            .as_str()
            .is_some_and(|t| t.ends_with('Z') && t.len() == 20)
    );
    let login = ours
        .iter()
        .find(|m| m["sasl_username"] == "web17")
        .expect("a login");
    assert_eq!(login["client_address"], "2001:db8::25");
    let has_next = |m: &&Value| m["next_attempt"].is_string();
    assert!(
        ours.iter()
            .filter(has_next)
            .all(|m| m["queue_name"] == "deferred")
    );
    for message in &mut ours {
        let members = message.as_object_mut().expect("an object");
        members.retain(|name, _| theirs[0].get(name).is_some());
        for recipient in members["recipients"].as_array_mut().expect("an array") {
            let facts = recipient.as_object_mut().expect("an object");
            facts.retain(|name, _| name == "address" || name == "delay_reason");
        }
    }
    assert_eq!(ours, theirs);
}

#[test]
fn what_postfix_says_stays_as_it_is_in_front_of_the_details() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let details = printed(&instance, &["-j", "--detail", "--queue", "hold"]);
    let theirs = real(&instance, "postqueue -j | grep '\"hold\"'");
    for (ours, theirs) in details.lines().zip(theirs.lines()) {
        let front = theirs.strip_suffix('}').expect("an object");
        assert!(
            ours.starts_with(&format!("{front}, \"arrival_iso\": ")),
            "{ours}"
        );
    }
    assert_eq!(details.lines().count(), theirs.lines().count());
}

#[test]
fn lifetimes_in_main_cf_decide_when_a_message_expires() {
    let builder = crate::support::instance::Instance::builder();
    let instance = builder
        .set("maximal_queue_lifetime", "2")
        .set("bounce_queue_lifetime", "1h")
        .build();
    super::spool::fill(&instance);
    let text = printed(&instance, &["-j", "--detail", "--queue", "active"]);
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).expect("JSON");
        let lifetime = match message["sender"].as_str() {
            Some("MAILER-DAEMON") => 3600,
            _ => 2 * 86_400,
        };
        let expires = message["arrival_time"].as_i64().expect("a time") + lifetime;
        let script = format!("date -u -d @{expires} +%Y-%m-%dT%H:%M:%SZ");
        let date = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("date");
        assert_eq!(
            message["expires"].as_str(),
            Some(String::from_utf8_lossy(&date.stdout).trim())
        );
    }
}

#[test]
fn a_reader_that_leaves_ends_every_look() {
    let instance = filled();
    for look in ["--ids", "--csv", "--oneline"] {
        let args = [
            "-c",
            "\"$0\" \"$1\" | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}",
        ];
        let program = instance.bin().join("postqueue");
        let output = std::process::Command::new("bash")
            .args(args)
            .arg(program)
            .arg(look)
            .env("MAIL_CONFIG", instance.etc())
            .output()
            .expect("bash");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n", "{look}");
    }
    let output = run(&instance, &["--ids", "--dialect=3.11"]);
    assert_eq!(output.ended, Ended::Exited(0));
}
