//! Settings that Postfix's programs use before they enter the queue directory:
//! import_environment, process_name and the lists of users. Compared: output,
//! status and what postlogd gets.
//!
//! What goes to syslog is in `syslog`.

use crate::support::compare::{Cases, keep_if_asked, same};
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require, under_test};

/// The variables without which showq finds neither main.cf nor the log.
const NEEDED: &str = "MAIL_CONFIG POSTLOG_SERVICE POSTLOG_HOSTNAME";

/// Values of import_environment, after [`NEEDED`].
const ENVIRONMENTS: [&str; 32] = [
    "=x",
    "=",
    "TZ =x",
    "TZ = x",
    "{ = x }",
    "{TZ",
    "{=x",
    "{TZ}",
    "{}",
    "{ TZ = UTC-3 }",
    "{TZ b}",
    "TZ=",
    "{TZ=}",
    "{TZ=x}y",
    "{TZ=x}}",
    "{{TZ=x}}",
    "{TZ={x}}",
    "{TZ={x}",
    "{TZ}=UTC",
    "{TZ=UTC}{LANG=C}",
    "a}b",
    "a{b",
    "{a b = c}",
    "{TZ\u{b}b=c}",
    "{\u{b}=c}",
    "TZ=UTC=x",
    "{b \u{e9}=c}",
    "\"TZ = UTC\"",
    "=x {y",
    "{y =x",
    "{a=b}x =x",
    "TZ=UTC-2 LANG =x",
];

/// Other settings.
const SETTINGS: [&str; 10] = [
    "import_environment = =x\nqueue_directory = /nonexistent",
    "import_environment = =x\nmaillog_file = /nope/x",
    "import_environment = =x\nauthorized_mailq_users = ${",
    "authorized_mailq_users = ${\nauthorized_flush_users = $(",
    "authorized_flush_users = ${{1} <> {2} ? {a} : {b}}",
    "a = b\na = c",
    "process_name = postcat",
    "queue_directory = @ROOT@/$process_name",
    "queue_directory = @ROOT@/${process_name?nonexistent}${process_name:spool}",
    "showq_service_name = nosuch",
];

const TOOLS: [(Tool, &[&str]); 8] = [
    (Tool::Postqueue, &["-p"]),
    (Tool::Postqueue, &["-f"]),
    (Tool::Postqueue, &["-s", "a..b"]),
    (Tool::Mailq, &[]),
    (Tool::Sendmail, &["-q"]),
    (Tool::Postsuper, &["-h", "no-ID"]),
    (Tool::Postcat, &["-q", "ABCDEF"]),
    (Tool::Postcat, &["/dev/null"]),
];

/// Compares each tool with each text at the end of main.cf.
fn compare_all(test: &str, texts: &[String]) {
    if require(Needs::Postfix) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let count = texts.len() * TOOLS.len();
    Cases::all(u64::try_from(count).expect("a few cases")).run(test, |_, case| {
        let case = usize::try_from(case).expect("an index");
        let text = &texts[case / TOOLS.len()];
        let (tool, arguments) = TOOLS[case % TOOLS.len()];
        let builder = postlog::configure(Instance::builder());
        let mut instance = builder.append(&format!("{text}\n")).build();
        let result = compare(&instance, tool, arguments);
        let result = result.map_err(|difference| format!("  main.cf: {text:?}\n{difference}"));
        keep_if_asked(&mut instance, result)
    });
}

fn compare(instance: &Instance, tool: Tool, arguments: &[&str]) -> Result<(), String> {
    sample::fill(instance);
    let log = Postlog::start(instance);
    let call = Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC-1");
    let run = |program| {
        let output = call.run(program, instance);
        (output, log.take())
    };
    let (theirs, their_lines) = run(Program::Theirs);
    let (ours, our_lines) = run(under_test());
    same(&call, &ours, &theirs)?;
    if our_lines == their_lines {
        Ok(())
    } else {
        Err(format!(
            "{call:?}\n{our_lines:#?}\ntheirs: {their_lines:#?}"
        ))
    }
}

#[test]
fn import_environment_is_checked_alike() {
    let texts = ENVIRONMENTS.map(|value| format!("import_environment = {NEEDED} {value}"));
    compare_all("environment::import_environment_is_checked_alike", &texts);
}

#[test]
fn the_first_of_several_errors_is_reported_in_the_same_log() {
    let texts = SETTINGS.map(String::from);
    compare_all(
        "environment::the_first_of_several_errors_is_reported_in_the_same_log",
        &texts,
    );
}
