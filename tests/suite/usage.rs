//! Wrong calls, and calls that only look wrong: the messages and exit statuses of
//! postqueue and mailq.

use std::path::Path;

use crate::support::compare::{Cases, keep_if_asked, same_output};
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

/// Arguments of postqueue; `@ETC@` stands for the configuration directory.
const POSTQUEUE: [&[&str]; 46] = [
    &[],
    &["-p"],
    &["-j"],
    &["-p", "-j"],
    &["-j", "-p"],
    &["-pj"],
    &["-pp"],
    &["-jj"],
    &["-p", "-p"],
    &["-f", "-p"],
    &["-p", "-f"],
    &["-fs", "example.com"],
    &["-s", "example.com", "-p"],
    &["-i", "ABC", "-p"],
    &["-i", "ABC", "-j"],
    &["-i", "ABC", "-i", "DEF"],
    &["-s"],
    &["-i"],
    &["-c"],
    &["-pc"],
    &["-c", "-p"],
    &["-x"],
    &["-px"],
    &["-xp"],
    &["-P"],
    &["-h"],
    &["-?"],
    &["-:"],
    &["-p", "-="],
    &["-p\u{fc}"],
    &["-p", "operand"],
    &["operand", "-p"],
    &["-p", "--"],
    &["-p", "--", "operand"],
    &["--", "-p"],
    &["-"],
    &["-p", "-"],
    &["", "-p"],
    &["-p", ""],
    &["-c", "@ETC@", "-p"],
    &["-c@ETC@", "-p"],
    &["-c", "@ETC@/", "-p"],
    &["-c", "/nonexistent", "-p"],
    &["-c", "", "-p"],
    &["-c", "@ETC@/main.cf", "-p"],
    &["-c", "/nonexistent", "-x"],
];

/// Arguments of mailq, and of sendmail where it lists.
const MAILQ: [&[&str]; 27] = [
    &[],
    &["-bp"],
    &["operand"],
    &["--", "operand"],
    &["--"],
    &["-"],
    &["-p"],
    &["-j"],
    &["-C"],
    &["-C", "@ETC@"],
    &["-C", "@ETC@/main.cf"],
    &["-C", "@ETC@/"],
    &["-C", "/nonexistent"],
    &["-C", "/nonexistent/main.cf"],
    &["-i"],
    &["-oi", "-oem"],
    &["-Ac"],
    &["-f", "sender"],
    &["-f"],
    &["-x"],
    &["-t"],
    &["-R", "foo"],
    &["-R", ""],
    &["-RFULL"],
    &["-R", "hdrs", "-R", "headers"],
    &["-R", "foo", "-B", "bar"],
    &["-B", "bar", "-R", "foo"],
];

fn arguments(from: &[&str], instance: &Instance) -> Vec<String> {
    let etc = instance.etc();
    let etc = etc.to_str().expect("a path of ASCII");
    from.iter().map(|text| text.replace("@ETC@", etc)).collect()
}

/// Compares one call after another, several at a time.
fn compare_all(test: &str, calls: &[(Tool, &[&str])]) {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let count = u64::try_from(calls.len()).expect("a few calls");
    Cases::from_environment(count).run(test, |_, case| {
        let (tool, arguments_of_case) = calls[usize::try_from(case).expect("an index")];
        let mut instance = Instance::builder().build();
        sample::fill(&instance);
        let call = Invocation::new(tool, arguments(arguments_of_case, &instance))
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC");
        let result = same_output(&instance, &call).map(drop);
        keep_if_asked(&mut instance, result)
    });
}

#[test]
fn postqueue_answers_wrong_arguments_alike() {
    let calls = POSTQUEUE.map(|arguments| (Tool::Postqueue, arguments));
    compare_all("usage::postqueue_answers_wrong_arguments_alike", &calls);
}

#[test]
fn mailq_answers_wrong_arguments_alike() {
    let calls = MAILQ.map(|arguments| (Tool::Mailq, arguments));
    compare_all("usage::mailq_answers_wrong_arguments_alike", &calls);
}

#[test]
fn sendmail_lists_on_request_alike() {
    let lists: [&[&str]; 6] = [
        &["-bp"],
        &["-bp", "operand"],
        &["-b", "p"],
        &["-bpx"],
        &["-i", "-bp"],
        &["-bp", "-bp"],
    ];
    let calls = lists.map(|arguments| (Tool::Sendmail, arguments));
    compare_all("usage::sendmail_lists_on_request_alike", &calls);
}

#[test]
fn a_relative_configuration_directory_is_found_from_where_one_stands() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    // Postfix's showq does not find a relative directory again, so only the
    // errors are compared.
    for directory in ["nonexistent", "./etc/main.cf"] {
        let call = Invocation::new(Tool::Postqueue, ["-c", directory, "-p"]).cwd(instance.root());
        if let Err(text) = same_output(&instance, &call) {
            panic!("{text}");
        }
    }
}

#[test]
fn the_option_wins_over_the_environment() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let etc = instance.etc();
    let call = Invocation::new(
        Tool::Postqueue,
        ["-c".as_ref(), etc.as_os_str(), "-p".as_ref()],
    )
    .env("MAIL_CONFIG", Path::new("/nonexistent"));
    if let Err(text) = same_output(&instance, &call) {
        panic!("{text}");
    }
}
