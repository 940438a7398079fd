//! After a signal, a summary reports what was done and what was not, also with
//! `--quiet`. Calls without options of ours print nothing, as in Postfix.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Filled;
use crate::selection::spool;
use crate::support::postlog::Postlog;
use crate::support::run::Program;
use crate::support::{Met, Needs, require};

/// Starts a call, sends the signal when the first message was reported, and
/// returns what was said from then on, and the status.
fn interrupted(
    filled: &Filled,
    arguments: &[&str],
    stdin: &str,
    signal: Signal,
) -> (Vec<String>, Option<i32>) {
    let mut command = filled
        .call(arguments)
        .command(Program::Ours, &filled.instance);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    // Stays open: there may be more.
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(stdin.as_bytes()).expect("a reader");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains(": "), "{first}");
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("kill");
    let rest = lines.map(|line| line.expect("text")).collect();
    let status = child.wait().expect("its end").code();
    drop(input);
    (rest, status)
}

#[test]
fn a_summary_says_what_was_done_and_what_is_left() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let done = "postsuper: Requeued: 1 message".to_owned();
    let left = |signal: Signal, what: &str| {
        format!(
            "postsuper: warning: stopped by {signal}: {what}; the same command goes on from here"
        )
    };
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGQUIT] {
        for (arguments, what) in [
            (
                &["-r", "ALL", "--rate", "1/h"][..],
                "8 messages are left as they were",
            ),
            (
                &["-r", "ALL", "--rate", "1/h", "deferred", "hold"],
                "5 messages are left as they were",
            ),
            (
                &["-r", "MATCH", "--from", "re:.", "--max=20", "--rate", "1/h"],
                "8 messages are left as they were",
            ),
            (
                &["-r", "MATCH", "--from", "re:.", "--rate", "1/h"],
                "the rest is unchanged",
            ),
            (&["-r", "-", "--rate", "1/h"], "the rest is unchanged"),
        ] {
            let filled = Filled::new();
            let (said, status) = interrupted(&filled, arguments, &filled.ids(), signal);
            let expected = [done.clone(), left(signal, what)];
            assert_eq!(said, expected, "{arguments:?}");
            assert_eq!(status, Some(signal as i32));
            assert_eq!(filled.count("maildrop"), 2, "{arguments:?}");
        }
    }
}

#[test]
fn the_trash_and_its_way_back_say_it_too() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let id = filled.placed[4].id() + "\n";
    let (said, status) = interrupted(&filled, &["--trash", "-d", "-"], &id, Signal::SIGINT);
    assert_eq!(status, Some(2));
    let said = said.join("\n");
    assert!(said.contains("Moved to trash: 1 message"), "{said}");
    assert!(said.contains("stopped by SIGINT: "), "{said}");
}

#[test]
fn a_plain_call_says_nothing_as_postfix_does() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let id = filled.placed[4].id() + "\n";
    let (said, status) = interrupted(&filled, &["-d", "-"], &id, Signal::SIGINT);
    assert_eq!((said, status), (Vec::new(), Some(2)));
}

#[test]
fn quiet_leaves_out_messages_and_keeps_summary_warnings_and_log() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::logged(spool::now());
    let collector = Postlog::start(&filled.instance);
    let stdin = filled.ids() + "no.id\n";
    let output = filled.run_with(&["-h", "-", "--quiet"], &stdin);
    assert_eq!(
        output.stderr_text(),
        "postsuper: warning: invalid mail queue id: no.id\n\
         postsuper: Placed on hold: 7 messages\n"
    );
    let logged = collector.take();
    let held = logged
        .iter()
        .filter(|line| line.ends_with(": placed on hold"));
    assert_eq!(held.count(), 7, "{logged:?}");
    assert_eq!(logged.len(), 9, "{logged:?}");
    // What is quiet has a summary after a signal, too: there is a line to wait
    // for, because a warning is said.
    let filled = Filled::new();
    let stdin = filled.ids() + "no.id\n";
    let (said, status) = interrupted(&filled, &["-h", "-", "--quiet"], &stdin, Signal::SIGTERM);
    assert_eq!(status, Some(15));
    let said = said.join("\n");
    assert!(
        said.starts_with("postsuper: Placed on hold: 7 messages\n"),
        "{said}"
    );
    assert!(said.contains("stopped by SIGTERM: "), "{said}");
}
