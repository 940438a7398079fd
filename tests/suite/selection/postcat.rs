//! `postcat -q MATCH` shows what the real postcat shows of the messages that
//! a pipeline finds.

use super::{filled, real};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, require};

fn postcat(instance: &Instance, args: &[&str]) -> Output {
    Invocation::new(Tool::Postcat, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .run(Program::Ours, instance)
}

#[test]
fn each_message_that_is_meant_is_shown() {
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
        let behind: Vec<&str> = [&[flags, "MATCH"][..], options].concat();
        for args in [before, behind] {
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
fn nothing_that_is_meant_is_said() {
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
