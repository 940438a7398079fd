//! What only our postcat has: the message alone, mbox entries, JSON. Needs
//! neither Postfix nor root.

use serde_json::Value;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;
use spoolbox::release::Feature;

use super::{edited_message, small_message, write};
use crate::support::installed_release;
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};

fn ours(instance: &Instance, args: &[&str], stdin: &[u8]) -> Output {
    Invocation::new(Tool::Postcat, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .cwd(instance.root())
        .stdin(stdin)
        .run(Program::Ours, instance)
}

fn printed(instance: &Instance, args: &[&str]) -> String {
    let output = ours(instance, args, b"");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(output.stderr_text(), "");
    output.stdout_text()
}

fn with_files() -> Instance {
    let instance = Instance::builder().build();
    write(&instance, "edited", &edited_message());
    write(&instance, "small", &small_message());
    instance
}

/// Lines that look like the start of an entry, whole and in pieces.
fn looks_like_mbox() -> Vec<u8> {
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"")
        .record(RecordType::RECIPIENT, b"r")
        .record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, b"From: x")
        .record(RecordType::TEXT, b"")
        .record(RecordType::TEXT, b"From here")
        .record(RecordType::TEXT, b">>From here")
        .record(RecordType::UNTERMINATED_TEXT, b">Fr")
        .record(RecordType::TEXT, b"om here")
        .record(RecordType::TEXT, b"From")
        .record(RecordType::TEXT, b">")
        .record(RecordType::UNTERMINATED_TEXT, b"no end")
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    file.into_bytes()
}

#[test]
fn the_raw_message_follows_what_a_milter_changed() {
    let instance = with_files();
    let text = printed(&instance, &["--raw-message", "edited", "small"]);
    assert_eq!(
        text,
        "from: a\nsubject: b\n continued\nx\n\nyz\na: b\n\nxy\n"
    );
}

#[test]
fn an_mbox_entry_begins_with_sender_and_arrival_and_quotes_what_looks_so() {
    let instance = with_files();
    write(&instance, "tricky", &looks_like_mbox());
    let text = printed(&instance, &["--raw-message", "--mbox", "tricky", "edited"]);
    assert_eq!(
        text,
        "From MAILER-DAEMON  Tue Nov 14 22:13:20 2023\nFrom: x\n\n>From here\n>>>From here\n\
         >>From here\nFrom\n>\nno end\n\n\
         From j\u{fc}rgen@example.com  Tue Nov 14 22:13:20 2023\nfrom: a\nsubject: b\n \
         continued\nx\n\nyz\n\n"
    );
    assert_eq!(printed(&instance, &["--mbox", "tricky", "edited"]), text);
}

#[test]
fn the_raw_message_can_come_from_a_pipe() {
    let instance = with_files();
    let output = ours(&instance, &["--raw-message"], &small_message());
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(output.stdout_text(), "a: b\n\nxy\n");
}

#[test]
fn json_has_envelope_headers_and_offsets() {
    let instance = with_files();
    let text = printed(&instance, &["--json", "edited", "small"]);
    let messages: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [edited, small] = &messages[..] else {
        panic!("{text}");
    };
    assert_eq!(edited["sender"], "j\u{fc}rgen@example.com");
    assert_eq!(edited["arrival_time"], 1_700_000_000);
    assert_eq!(edited["dsn_envelope_id"], "id");
    assert_eq!(edited["content_filter"], "smtp:[filter]");
    let recipient = &edited["recipients"][0];
    assert_eq!(recipient["address"], "r@example.com");
    assert_eq!(recipient["original_address"], "o@example.com");
    assert_eq!(recipient["dsn_original_recipient"], "rfc822;o@example.com");
    assert_eq!(recipient["dsn_notify_flags"], 1);
    let headers = edited["headers"].as_array().expect("a list");
    let values: Vec<_> = headers.iter().map(|h| (&h["name"], &h["value"])).collect();
    assert_eq!(headers.len(), 2, "{values:?}");
    assert_eq!(headers[1]["value"], "b continued");
    assert_eq!(small["size"], 14);
    assert_eq!(small["offsets"]["content"], 24);
    assert_eq!(small["attributes"][0]["name"], "a");
    assert_eq!(small["recipients"][1]["address"], "t");
}

#[test]
fn a_broken_file_is_an_error_and_no_half_object() {
    let instance = with_files();
    let message = small_message();
    write(&instance, "cut", &message[..message.len() - 4]);
    let output = ours(&instance, &["--json", "cut"], b"");
    assert_eq!(output.ended, Ended::Exited(1));
    let json: Value = serde_json::from_slice(&output.stdout).expect("a whole object");
    assert_eq!(json["error"], "record read error");
    assert_eq!(json["sender"], "s");
    assert!(output.stderr_text().contains("fatal: record read error"));
}

#[test]
fn the_message_alone_goes_with_no_part_or_prefix() {
    let instance = with_files();
    let output = ours(&instance, &["--json", "-h", "small"], b"");
    assert_eq!(output.ended, Ended::Exited(1));
    assert_eq!(output.stdout_text(), "");
}

#[test]
fn the_file_name_before_each_record() {
    let instance = with_files();
    assert_eq!(
        printed(&instance, &["-fhdo", "small"]),
        "small:        26  78 a: b\n"
    );
}

#[test]
fn json_of_a_message_that_was_edited_thousands_of_times_is_whole() {
    let instance = Instance::builder().build();
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"s@example.com")
        .record(RecordType::RECIPIENT, b"r@example.com");
    // Each pair of pointers leads forth and back, as edits do.
    for _ in 0..4_000 {
        let here = file.offset();
        file.pointer(here + 2 * 17)
            .pointer(here + 3 * 17)
            .pointer(here + 17);
    }
    file.record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, b"Subject: edited")
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    write(&instance, "edited", &file.into_bytes());
    let text = printed(&instance, &["--json", "edited"]);
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["headers"][0]["value"], "edited");
}

#[test]
fn a_message_that_is_still_received_is_shown_once() {
    let instance = Instance::builder().build();
    let mut file = RecordWriter::new();
    file.record(RecordType::SIZE, format!("{:15} {:15}", 0, 0).as_bytes())
        .record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"s@example.com")
        .record(RecordType::RECIPIENT, b"r@example.com")
        .record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, b"Subject: x");
    write(&instance, "received", &file.into_bytes());
    let output = ours(&instance, &["-e", "received"], b"");
    // Before 3.7 it is an error.
    let shown = usize::from(installed_release().has(Feature::InvalidSizeIsWarning));
    assert_eq!(
        output.stdout_text().matches("sender: ").count(),
        shown,
        "{output:?}"
    );
    assert!(output.stderr_text().lines().count() <= 1, "{output:?}");
}
