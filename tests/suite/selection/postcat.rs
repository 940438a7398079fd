//! `postcat -q MATCH` shows what the real postcat shows of the messages that
//! a pipeline finds.

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::{filled, real};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

fn postcat(instance: &Instance, args: &[&str]) -> Output {
    Invocation::new(Tool::Postcat, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .run(Program::Ours, instance)
}

#[test]
fn each_message_that_matches_is_shown() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    for (flags, options, condition) in [
        (
            "-q",
            &["--from", "*@bulk.example"][..],
            r#".sender | test("@bulk")"#,
        ),
        (
            "-eq",
            &["--queue", "deferred"],
            r#".queue_name == "deferred""#,
        ),
        (
            "-hq",
            &["--to", "re:[Oo]ther", "--older", "1d"],
            r#"any(.recipients[].address; test("@[Oo]ther"))"#,
        ),
        (
            "-vq",
            &["--reason", "*refused"],
            r#"any(.recipients[].delay_reason // ""; test("refused"))"#,
        ),
    ] {
        let script =
            format!("postcat {flags} $(postqueue -j | jq -r 'select({condition}) | .queue_id')");
        let expected = real(&instance, &script);
        assert!(!expected.is_empty(), "{script}");
        // The options may stand on either side of the word.
        let before: Vec<&str> = [&[flags][..], options, &["MATCH"]].concat();
        let after: Vec<&str> = [&[flags, "MATCH"][..], options].concat();
        for args in [before, after] {
            let output = postcat(&instance, &args);
            assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
            assert_eq!(output.stdout_text(), expected, "{args:?}");
            assert_eq!(output.stderr_text(), "", "{args:?}");
        }
    }
}

#[test]
fn other_forms_go_with_it() {
    let instance = filled();
    let mbox = postcat(&instance, &["--mbox", "-q", "MATCH", "--queue", "hold"]);
    assert_eq!(mbox.stdout_text().matches("\nFrom ").count(), 1, "{mbox:?}");
    let json = postcat(&instance, &["--json", "-q", "MATCH", "--subject", "Large"]);
    assert_eq!(json.stdout_text().lines().count(), 1, "{json:?}");
}

#[test]
fn a_selection_that_matches_nothing_is_reported() {
    let instance = filled();
    let output = postcat(&instance, &["-q", "MATCH", "--from", "nobody@x"]);
    assert_eq!(output.ended, Ended::Exited(0));
    assert_eq!(output.stdout_text(), "");
    assert!(
        output.stderr_text().contains("no message in the queue"),
        "{output:?}"
    );
}

#[test]
fn a_selection_without_the_word_or_with_more_is_refused() {
    let instance = filled();
    for args in [
        &["-q", "--from", "x"][..],
        &["--from", "x", "MATCH"],
        &["-q", "--from", "x", "ABC"],
        &["-q", "--from", "x", "MATCH", "ABC"],
        &["-q", "MATCH", "--from", "x", "ABC"],
        &["-q", "MATCH", "--from", "re:("],
        &["-q", "MATCH", "--from"],
        &["-q", "--not", "MATCH"],
    ] {
        let output = postcat(&instance, args);
        assert_eq!(output.ended, Ended::Exited(1), "{args:?}");
        assert_eq!(output.stdout_text(), "", "{args:?}");
        assert!(output.stderr_text().contains("postcat: "), "{args:?}");
    }
}

#[test]
fn the_word_alone_is_an_id_as_any_other() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    for args in [&["-q", "MATCH"][..], &["-q", "MATCH", "-e"]] {
        let call = Invocation::new(Tool::Postcat, args).env("MAIL_CONFIG", instance.etc());
        let compared = crate::support::compare::same_output(&instance, &call);
        compared.unwrap_or_else(|text| panic!("{text}"));
    }
}

#[test]
fn a_damaged_message_does_not_end_the_others() {
    let instance = Instance::builder().build();
    let mut whole = RecordWriter::new();
    whole
        .record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"s@example.com")
        .record(RecordType::RECIPIENT, b"r@example.com")
        .record(RecordType::CONTENT, b"")
        .record(RecordType::TEXT, b"Subject: whole")
        .record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    let whole = whole.into_bytes();
    // It ends within its text: the envelope is as good as the others'.
    let torn = [&whole[..whole.len() - 10], b"N\x7fx"].concat();
    for (id, file) in [("A0001", &whole), ("A0002", &torn), ("A0003", &whole)] {
        let name = Name::Literal(id.as_bytes().to_vec());
        let file = NewFile::new("hold", file.clone()).named(name);
        instance.spool().put(&file);
    }
    let match_all = ["-q", "MATCH", "--from", "s@example.com"];
    let plain = postcat(&instance, &match_all);
    assert_eq!(plain.ended, Ended::Exited(1), "{plain:?}");
    let ends = plain.stdout_text().matches("*** MESSAGE FILE END").count();
    assert_eq!(ends, 2, "{plain:?}");
    assert!(plain.stderr_text().contains("hold/A0002"), "{plain:?}");
    let json = postcat(&instance, &[&["--json"], &match_all[..]].concat());
    assert_eq!(json.ended, Ended::Exited(1), "{json:?}");
    let text = json.stdout_text();
    let lines = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a whole object");
        line.get("error").is_some()
    });
    assert_eq!(lines.collect::<Vec<_>>(), [false, true, false], "{text}");
}
