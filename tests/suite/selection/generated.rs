//! Selections on generated spools: what is found is what the real listing
//! shows, evaluated independently here.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::{printed, run};
use crate::support::compare::{Cases, keep_if_asked};
use crate::support::generate;
use crate::support::generate::{Input, Spool};
use crate::support::pipeline::pipeline_of;
use crate::support::run::{Ended, Program};
use crate::support::{Met, Needs, require};

const CASES: u64 = 60;
const HOSTILE_CASES: u64 = 60;

/// The messages of the real listing; `None` if it breaks off.
fn listed(spool: &Spool) -> Option<Vec<Value>> {
    let output = pipeline_of(Program::Theirs, &spool.instance, "postqueue -j");
    let text = output.stdout_text();
    let decoded = |line: &str| serde_json::from_str(line).expect("JSON");
    (output.ended == Ended::Exited(0)).then(|| text.lines().map(decoded).collect())
}

fn text<'a>(message: &'a Value, member: &str) -> &'a str {
    message[member].as_str().unwrap_or_default()
}

fn recipients(message: &Value) -> impl Iterator<Item = &Value> {
    message["recipients"].as_array().into_iter().flatten()
}

/// The IDs of the messages that fulfil a condition, a line each.
fn ids(messages: &[Value], condition: impl Fn(&Value) -> bool) -> String {
    let chosen = messages.iter().filter(|message| condition(message));
    chosen
        .map(|message| format!("{}\n", text(message, "queue_id")))
        .collect()
}

/// What can be written on a command line as it stands.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '?');
    !text.is_empty() && text != "<>" && !text.starts_with("re:") && text.chars().all(plain)
}

fn same_address(a: &str, b: &str) -> bool {
    match (a.rsplit_once('@'), b.rsplit_once('@')) {
        (Some((local_a, domain_a)), Some((local_b, domain_b))) => {
            local_a == local_b && domain_a.eq_ignore_ascii_case(domain_b)
        }
        _ => a == b,
    }
}

fn check(spool: &Spool, messages: &[Value]) -> Result<(), String> {
    let same = |option: &str, value: &str, expected: String| {
        let found = printed(&spool.instance, &["--ids", option, value]);
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{option} {value}\nfound\n{found}expected\n{expected}"
            )),
        }
    };
    for message in messages.iter().take(6) {
        let sender = text(message, "sender");
        if is_plain(sender) {
            let expected = ids(messages, |m| same_address(text(m, "sender"), sender));
            same("--from", sender, expected)?;
        }
        let queue = text(message, "queue_name");
        same(
            "--queue",
            queue,
            ids(messages, |m| text(m, "queue_name") == queue),
        )?;
        let size = message["message_size"].as_i64().unwrap_or(0).max(0);
        let expected = ids(messages, |m| {
            m["message_size"].as_i64().is_some_and(|s| s.max(0) >= size)
        });
        same("--size", &format!("+{size}"), expected)?;
        let count = recipients(message).count();
        let expected = ids(messages, |m| recipients(m).count() <= count);
        same("--rcpt-count", &format!("-{count}"), expected)?;
        if let Some(first) = recipients(message).next() {
            let address = text(first, "address");
            if is_plain(address) {
                let has =
                    |m: &Value| recipients(m).any(|r| same_address(text(r, "address"), address));
                same("--to", address, ids(messages, has))?;
            }
        }
    }
    let waits = |m: &Value| recipients(m).any(|r| !text(r, "delay_reason").is_empty());
    same("--reason", "re:.", ids(messages, waits))
}

#[test]
fn selections_find_what_the_real_listing_shows() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "selection::generated::selections_find_what_the_real_listing_shows";
    let compared = AtomicU64::new(0);
    let cases = Cases::from_environment(CASES);
    cases.run(test, |seed, case| {
        let mut spool = generate::spool(seed ^ 0x5e1e, case, Input::SafeFor37);
        let result = match listed(&spool) {
            Some(messages) => {
                compared.fetch_add(1, Ordering::Relaxed);
                check(&spool, &messages)
            }
            None => Ok(()),
        };
        keep_if_asked(&mut spool.instance, result)
    });
    assert!(compared.into_inner() > 0, "no listing to compare with");
}

/// Calls that look into every part of every message.
const LOOKS: [&[&str]; 8] = [
    &["-j", "--detail"],
    &[
        "--csv",
        "--sort",
        "recipients,sender",
        "--time-style=relative",
    ],
    &[
        "--format",
        "%{subject}%{message_id}%{client_name}%{sasl_username}%{reason}\\n",
    ],
    &["-j", "--count=reason"],
    &["-p", "--body", "re:.", "--not", "--header", "Subject: *"],
    &["--oneline", "--client", "0.0.0.0/0", "--sasl-user", "*"],
    &["-j", "--all-to", "re:@", "--older", "1s", "--size", "+1"],
    &["--prometheus"],
];

#[test]
fn no_spool_makes_a_selection_crash_or_print_what_is_not_json() {
    if require(Needs::Time) == Met::No {
        return;
    }
    let test = "selection::generated::no_spool_makes_a_selection_crash_or_print_what_is_not_json";
    Cases::from_environment(HOSTILE_CASES).run(test, |seed, case| {
        let mut spool = generate::spool(seed ^ 0xbad, case, Input::Any);
        let result = LOOKS.iter().try_for_each(|args| {
            let output = run(&spool.instance, args);
            let ended = matches!(output.ended, Ended::Exited(0 | 69));
            let is_json = args[0] != "-j" || output.ended != Ended::Exited(0) || {
                let text = String::from_utf8_lossy(&output.stdout);
                let decodes = |line: &str| serde_json::from_str::<Value>(line).is_ok();
                text.lines().all(decodes)
            };
            match ended && is_json && !output.stderr_text().contains("panicked") {
                true => Ok(()),
                false => Err(format!("{args:?}: {output:?}")),
            }
        });
        keep_if_asked(&mut spool.instance, result)
    });
}
