//! Listings of a running mail system, by root and by an unprivileged user,
//! from both of our sources: ours against the real postqueue.

use std::path::{Path, PathBuf};

use crate::support::compare::{same, same_output};
use crate::support::instance::{Instance, make_directory, write_aged};
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Output, Program, Tool, User};
use crate::support::{Met, Needs, require, sample, under_test};

/// Mail of every kind a running system has, in every queue.
fn busy_system() -> MailSystem {
    let system = MailSystem::start(MailSystem::builder());
    system.submit(
        "sender@example.com",
        &["a@dest.example", "b@other.example"],
        "subject: 1\n\n",
    );
    system.submit("", &["bounce@dest.example"], "subject: 2\n\ntext\n");
    system.submit(
        "odd sender@example.com",
        &["\"odd one\"@dest.example"],
        "subject: 3\n\n",
    );
    system.submit(
        "x@example.com",
        &["j\u{fc}rgen@dest.example"],
        "subject: 4\n\n",
    );
    system.submit_by_smtp(6, 3);
    let deferred = system.wait_for_deferred(10);
    for (option, id) in [
        ("-h", &deferred[0]),
        ("-e", &deferred[1]),
        ("-h", &deferred[2]),
    ] {
        let output = system.tool("postsuper", &[option, id]);
        assert_eq!(output.ended, Ended::Exited(0), "postsuper: {output:?}");
    }
    sample::fill(&system.instance);
    system
}

/// Another configuration directory for the same spool.
fn second_etc(instance: &Instance, name: &str, more: &str) -> PathBuf {
    let etc = instance.root().join(name);
    make_directory(&etc, 0o755);
    let main_cf = std::fs::read_to_string(instance.etc().join("main.cf")).expect("main.cf");
    write_aged(&etc.join("main.cf"), &format!("{main_cf}{more}"));
    etc
}

/// A default configuration that allows these directories to everybody.
fn permitting_etc(instance: &Instance, directories: &[&Path]) -> PathBuf {
    let list: Vec<_> = directories.iter().map(|d| d.to_string_lossy()).collect();
    let line = format!("alternate_config_directories = {}\n", list.join(", "));
    second_etc(instance, "etc-default", &line)
}

fn listing(etc: &Path, form: &str) -> Invocation {
    Invocation::new(
        Tool::Postqueue,
        ["-c".as_ref(), etc.as_os_str(), form.as_ref()],
    )
}

/// Runs the call on the real program once and on ours with each source.
fn same_from(instance: &Instance, call: &Invocation, sources: &[&str]) -> Output {
    let theirs = call.run(Program::Theirs, instance);
    for source in sources {
        let mut call = call.clone();
        if !source.is_empty() {
            call = call.ours_only(&format!("--source={source}"));
        }
        let ours = call.run(under_test(), instance);
        if let Err(text) = same(&call, &ours, &theirs) {
            panic!("source {source:?}\n{text}");
        }
    }
    theirs
}

fn expect_success(call: &Invocation, output: &Output) {
    assert_eq!(output.ended, Ended::Exited(0), "{call:?}: {output:?}");
    assert!(!output.stdout.is_empty(), "{call:?}: nothing listed");
    assert!(output.stderr.is_empty(), "{call:?}: {output:?}");
}

#[test]
fn a_running_system_is_listed_alike_whoever_asks_and_whatever_the_source() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let system = busy_system();
    let instance = &system.instance;
    let short = instance.etc();
    let long = second_etc(instance, "etc-long", "enable_long_queue_ids = yes\n");
    let default = permitting_etc(instance, &[&short, &long]);
    for etc in [&short, &long] {
        for form in ["-p", "-j"] {
            let call = listing(etc, form).env("TZ", "UTC");
            let output = same_from(instance, &call, &["", "spool", "showq"]);
            expect_success(&call, &output);
            let call = call.user(User::Nobody).default_etc(&default);
            let output = same_from(instance, &call, &["", "showq"]);
            expect_success(&call, &output);
        }
    }
    let none: [&str; 0] = [];
    for user in [User::Caller, User::Nobody] {
        let call = Invocation::new(Tool::Mailq, none)
            .user(user)
            .default_etc(&short);
        expect_success(&call, &same_from(instance, &call, &[""]));
        let call = Invocation::new(Tool::Postqueue, ["-j"])
            .user(user)
            .default_etc(&short);
        expect_success(&call, &same_from(instance, &call, &["", "showq"]));
    }
}

#[test]
fn an_unprivileged_user_is_refused_in_the_same_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let closed = second_etc(
        &instance,
        "etc-closed",
        "authorized_mailq_users = root, !nobody\n",
    );
    let default = permitting_etc(&instance, &[&closed, Path::new("/nonexistent")]);
    let etc = instance.etc();
    // Not listed in the default main.cf; listed, but not for this user;
    // listed, but not there.
    for directory in [etc.as_path(), &closed, Path::new("/nonexistent")] {
        for form in ["-p", "-j"] {
            let call = listing(directory, form)
                .user(User::Nobody)
                .default_etc(&default);
            let theirs = same_output(&instance, &call).unwrap_or_else(|text| panic!("{text}"));
            assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
        }
    }
}

#[test]
fn a_user_without_rights_learns_that_the_mail_system_is_down() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for form in ["-p", "-j"] {
        let call = Invocation::new(Tool::Postqueue, [form])
            .user(User::Nobody)
            .default_etc(&instance.etc());
        let theirs = same_output(&instance, &call).unwrap_or_else(|text| panic!("{text}"));
        assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
    }
}
