//! Ordinary users select from what the daemon tells them, and learn what it
//! does not tell.

use super::spool;
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Output, Program, Tool, User};
use crate::support::{Met, Needs, require};

fn as_user(system: &MailSystem, user: User, args: &[&str]) -> Output {
    Invocation::new(Tool::Postqueue, args)
        .env("TZ", "UTC")
        .user(user)
        .default_etc(&system.instance.etc())
        .run(Program::Ours, &system.instance)
}

/// What root sees and what somebody else sees while the ages that are shown
/// stay the same.
fn in_the_same_second(system: &MailSystem, args: &[&str]) -> (Output, Output) {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let before = as_user(system, User::Caller, args);
        let nobody = as_user(system, User::Nobody, args);
        if as_user(system, User::Caller, args) == before {
            return (before, nobody);
        }
    }
    panic!("{args:?}: never the same twice");
}

#[test]
fn the_daemon_and_the_spool_select_and_count_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    spool::fill(&system.instance);
    for args in [
        &["-p", "--from", "*@bulk.example"][..],
        &["-p", "--from", "nobody@x"],
        &["-j", "--from", "<>"],
        &["-j", "--to-domain", "other.example"],
        &[
            "-p",
            "--all-to",
            "*@other.example",
            "--all-to",
            "joe@dest.example",
        ],
        &["-p", "--reason", "*refused", "--older", "1d"],
        &["--ids", "--rcpt-count", "-1", "--size", "-100"],
        &["--ids", "--not", "--to", "joe@dest.example"],
        &["--ids", "--status", "hold,expire"],
        &[
            "--oneline",
            "--time-style=epoch",
            "--queue",
            "deferred,hold",
        ],
        &["-p", "--sort", "size,id", "--reverse", "--limit", "3"],
        &["-p", "--limit", "2"],
        &["--count=from"],
        &["--count=reason", "--top", "1"],
        &["-j", "--count=to", "--older", "3h"],
        &["--count", "--from", "*"],
        &["--check", "--warn", "3"],
        &["--ids", "--expires", "1d"],
        &[
            "-p", "--from", "<>", "--or", "--reason", "*refused", "--or", "--to", "kim@*",
        ],
        &["-j", "--count=from,to-domain"],
    ] {
        let (root, nobody) = in_the_same_second(&system, args);
        assert_eq!(nobody, root, "{args:?}");
        assert!(!root.stdout.is_empty(), "{args:?}: {root:?}");
        // The daemon's messages are counted as those of the spool.
        let notice = match args.contains(&"nobody@x") {
            true => "postqueue: no message matches the selection, of 10 messages in the queue\n",
            false => "",
        };
        assert_eq!(root.stderr_text(), notice, "{args:?}");
    }
}

#[test]
fn what_the_daemon_does_not_tell_is_refused() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    for (args, what) in [
        (&["-p", "--subject", "x"][..], "--subject"),
        (&["-p", "--header", "X: y"], "--header"),
        (&["--ids", "--body", "x"], "--body"),
        (&["--count", "--sasl-user", "x"], "--sasl-user"),
        (&["-j", "--from", "x", "--client", "x"], "--client"),
        (&["-j", "--detail"], "--detail"),
        (&["--count=client"], "--count=client"),
        (&["--format", "%{path}"], "the column path"),
    ] {
        let output = as_user(&system, User::Nobody, args);
        assert_eq!(output.ended, Ended::Exited(69), "{args:?}");
        let said = format!("{what} needs the queue files");
        assert!(output.stderr_text().contains(&said), "{args:?}: {output:?}");
        assert_eq!(output.stdout_text(), "", "{args:?}");
    }
}
