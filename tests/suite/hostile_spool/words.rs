//! Control characters in everything that is printed: addresses, reasons, headers,
//! logins, clients, names, main.cf, command lines.
//!
//! Output that Postfix has too is the same as Postfix's. Other output contains no
//! control character, not even one above ASCII, and none that changes the direction of
//! text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::check_printable;
use super::commands::looking;
use crate::support::compare::same_output;
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

/// A title for the terminal's window, a bell, a cursor that goes back, a
/// carriage return, what a terminal of eight bits takes for an escape, twice,
/// and what turns the order of letters around, in each of its forms.
const EVIL: &[u8] = b"\x1b]0;evil\x07\x08\r\x7f\x9b31m\xc2\x9b31m\x1b[2J\
    \xe2\x80\xaegpj\xe2\x80\xac\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c";

fn evil(before: &[u8], after: &[u8]) -> Vec<u8> {
    [before, EVIL, after].concat()
}

/// A message with it in every field.
fn message() -> Vec<u8> {
    let mut file = RecordWriter::new();
    let attributes: [&[u8]; 8] = [
        b"sasl_username",
        b"log_client_name",
        b"log_client_address",
        b"client_name",
        b"client_address",
        b"log_helo_name",
        b"encoding",
        b"envelope_id",
    ];
    // First, as postdrop(1) does: qshape finds its time nowhere else here.
    file.record(RecordType::SENDER, &evil(b"s", b"@example.com"))
        .record(RecordType::TIME, b"1700000000 0");
    for name in attributes {
        file.record(
            RecordType::ATTRIBUTE,
            &evil(&[name, &b"=x"[..]].concat(), b"y"),
        );
    }
    file.record(RecordType::FULL_NAME, EVIL)
        .record(
            RecordType::ORIGINAL_RECIPIENT,
            &evil(b"o", b"@dest.example"),
        )
        .record(RecordType::RECIPIENT, &evil(b"r@dest", b".example"))
        .record(RecordType::RECIPIENT, &evil(b"", b""))
        .record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, &evil(b"Subject: s", b"x"))
        .record(RecordType::TEXT, &evil(b"Message-ID: <", b"@x>"))
        .record(RecordType::TEXT, &evil(b"X-H: ", b""))
        .record(RecordType::TEXT, b"")
        .record(RecordType::TEXT, EVIL)
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    file.into_bytes()
}

fn log() -> Vec<u8> {
    let line = |name: &[u8]| [name, b"=", EVIL, b"\n"].concat();
    let names: [&[u8]; 8] = [
        b"recipient",
        b"original_recipient",
        b"dsn_orig_rcpt",
        b"status",
        b"diag_text",
        b"mta_mname",
        b"reason",
        b"unknown",
    ];
    let lines: Vec<u8> = names.into_iter().flat_map(line).collect();
    [&evil(b"<", b">: ")[..], EVIL, b"\n", &lines, b"\n"].concat()
}

fn instance() -> Instance {
    let instance = Instance::builder().build();
    for queue in ["deferred", "hold", "active", "incoming", "maildrop"] {
        let placed = instance.spool().put(&NewFile::new(queue, message()));
        for kind in ["defer", "bounce"] {
            instance.spool().put_log(kind, &placed.name, &log());
        }
        let bogus = NewFile::new(queue, message()).named(Name::Literal(EVIL.to_vec()));
        instance.spool().put(&bogus);
    }
    instance
}

fn call(instance: &Instance, tool: Tool, words: &[&[u8]]) -> Invocation {
    Invocation::new(tool, words.iter().map(|word| OsStr::from_bytes(word)))
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
}

#[test]
fn what_postfix_prints_too_is_the_same_bytes() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let id: &[u8] = b"A0001AA";
    let calls: [(Tool, &[&[u8]]); 16] = [
        (Tool::Postqueue, &[b"-p"]),
        (Tool::Postqueue, &[b"-j"]),
        (Tool::Mailq, &[]),
        (Tool::Postqueue, &[b"-i", EVIL]),
        (Tool::Postqueue, &[b"-s", EVIL]),
        (Tool::Postqueue, &[EVIL]),
        (Tool::Postqueue, &[b"-c", EVIL, b"-p"]),
        (Tool::Postsuper, &[b"-d", EVIL]),
        (Tool::Postsuper, &[b"-h", id, EVIL]),
        (Tool::Postsuper, &[EVIL]),
        (Tool::Postsuper, &[b"-e", b"ALL", b"trace"]),
        (Tool::Postcat, &[b"-q", EVIL]),
        (Tool::Postcat, &[EVIL]),
        (Tool::Postcat, &[b"-s", EVIL, EVIL]),
        (Tool::Postcat, &[b"/dev/null", EVIL]),
        (Tool::Postcat, &[b"-q", id]),
    ];
    let instance = instance();
    let literal = Name::Literal(id.to_vec());
    let file = NewFile::new("corrupt", message()).named(literal.clone());
    instance.spool().put(&file);
    let differences: Vec<String> = calls
        .iter()
        .filter_map(|(tool, words)| same_output(&instance, &call(&instance, *tool, words)).err())
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Its warnings name the program's own file.
    for words in [&[&b"hold"[..], b"deferred"][..], &[b"-s", b"-p", b"hold"]] {
        let call = call(&instance, Tool::Qshape, words);
        let [ours, theirs] = [Program::Ours, Program::Theirs].map(|p| call.run(p, &instance));
        assert_eq!(ours.stdout, theirs.stdout);
    }
}

/// What a terminal does not only show, above ASCII.
fn is_obeyed(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn what_postfix_has_not_prints_no_control_character() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = instance();
    // A selection or an order of Postfix's own forms has Postfix's bytes.
    let is_postfixs = |words: &[String]| {
        let starts = |start: &str| words.iter().any(|word| word.starts_with(start));
        !starts("--") || (starts("-p") && !starts("--time-style"))
    };
    let own = looking().into_iter().filter(|spoken| {
        let lists = spoken.tool == Tool::Postqueue && spoken.words.iter().any(|w| w == "--dry-run");
        !is_postfixs(&spoken.words) && !lists && spoken.tool != Tool::Postcat
    });
    let mut calls: Vec<Invocation> = own.map(|spoken| spoken.call(&instance)).collect();
    let words: [(Tool, &[&[u8]]); 15] = [
        (
            Tool::Postcat,
            &[b"-q", b"--json", b"MATCH", b"--from", b"*"],
        ),
        (Tool::Postqueue, &[b"-p", b"--from", &evil(b"re:(", b"")]),
        (Tool::Postqueue, &[b"-p", b"--queue", EVIL]),
        (Tool::Postqueue, &[b"-p", b"--older", EVIL]),
        (Tool::Postqueue, &[b"-p", b"--sort", EVIL]),
        (Tool::Postqueue, &[&evil(b"--format=%{", b"}")]),
        (Tool::Postqueue, &[&evil(b"--count=", b"")]),
        (Tool::Postqueue, &[&evil(b"--", b"")]),
        (Tool::Postqueue, &[b"--check", b"--warn", EVIL]),
        (
            Tool::Postqueue,
            &[b"--prometheus", b"--output", &evil(b"/nonexistent/", b"")],
        ),
        (Tool::Postsuper, &[b"-d", b"ALL", b"--comment", EVIL]),
        (Tool::Postsuper, &[b"-h", EVIL, b"--results=json"]),
        (Tool::Postsuper, &[&evil(b"--undo=", b"")]),
        (Tool::Qshape, &[&evil(b"--by=", b""), b"hold"]),
        (Tool::Postcat, &[b"-q", b"MATCH", b"--header", EVIL]),
    ];
    calls.extend(words.map(|(tool, words)| call(&instance, tool, words)));
    for invocation in calls {
        let output = invocation.run(Program::Ours, &instance);
        assert!(matches!(output.ended, Ended::Exited(_)), "{output:?}");
        let words = format!("{:?} {:?}", invocation.tool, invocation.args);
        for text in [&output.stdout, &output.stderr] {
            // qshape's usage text, which is Postfix's, has tabs.
            let text: Vec<u8> = text.iter().copied().filter(|b| *b != b'\t').collect();
            check_printable(&words, &text);
            // What is no queue ID is shown in Postfix's own warning.
            let shown = String::from_utf8_lossy(&text).into_owned();
            let lines = shown.lines();
            let ours = lines.filter(|line| !line.contains("invalid mail queue id: "));
            let obeyed = ours.flat_map(str::chars).find(|c| is_obeyed(*c));
            assert_eq!(obeyed, None, "{words}: {}", text.escape_ascii());
        }
    }
}

/// main.cf is root's, but what is in there can come from anywhere.
#[test]
fn values_of_main_cf_are_shown_as_postfix_shows_them() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let text = |before: &str| format!("{before}\x1b]0;evil\x07\x08\r\x7f\u{9b}31m\x1b[2J");
    for (name, before) in [
        ("mail_owner", ""),
        ("queue_directory", "/nonexistent/"),
        ("hash_queue_names", "deferred "),
        ("hash_queue_depth", "1"),
        ("empty_address_recipient", "x"),
        ("enable_long_queue_ids", "y"),
        ("syslog_facility", "mail"),
        ("multi_instance_name", "postfix-"),
        ("authorized_mailq_users", "nosuch:"),
        ("duplicate_filter_limit", "9"),
        ("maillog_file", "/nonexistent/"),
    ] {
        let instance = Instance::builder().set(name, &text(before)).build();
        let literal = Name::Literal(b"A0001AA".to_vec());
        let spool = instance.queue_directory();
        assert!(spool.exists());
        instance
            .spool()
            .put(&NewFile::new("hold", message()).named(literal));
        for (tool, words) in [
            (Tool::Postqueue, &[&b"-p"[..]][..]),
            (Tool::Postsuper, &[&b"-h"[..], &b"A0002AA"[..]]),
        ] {
            if let Err(difference) = same_output(&instance, &call(&instance, tool, words)) {
                panic!("{name}: {difference}");
            }
        }
    }
}
