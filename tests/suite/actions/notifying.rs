//! `--notify` with `--rate` on a running Postfix: released messages are tried again,
//! and no others.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, require};

/// How often a message was tried, by the mail log.
fn attempts(system: &MailSystem, id: &str) -> usize {
    let log = std::fs::read_to_string(system.instance.root().join("mail.log")).expect("a log");
    let begin = format!("{id}: to=<");
    log.lines().filter(|line| line.contains(&begin)).count()
}

fn wait_for(what: &str, system: &MailSystem, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < deadline, "{what}: {}", system.diagnosis());
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_released_at_a_rate_is_tried_and_no_other_mail_is() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    system.submit_by_smtp(6, 1);
    let ids = system.wait_for_deferred(6);
    let (held, others) = ids.split_at(3);
    let run = |arguments: &[&str], stdin: &str| {
        let output = Invocation::new(Tool::Postsuper, arguments)
            .env("MAIL_CONFIG", system.instance.etc())
            .stdin(stdin.as_bytes())
            .run(Program::Ours, &system.instance);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        output.stderr_text()
    };
    run(&["-h", "-"], &(held.join("\n") + "\n"));
    let said = run(&["-H", "ALL", "--rate", "10/s", "--notify"], "");
    assert!(said.ends_with("Released from hold: 3 messages\n"), "{said}");
    assert!(!said.contains("warning"), "{said}");
    wait_for("released mail is tried", &system, || {
        held.iter().all(|id| attempts(&system, id) == 2)
    });
    system.wait_for_deferred(6);
    for id in others {
        assert_eq!(attempts(&system, id), 1, "{id}: {}", system.diagnosis());
    }
    // Without a rate there is one wake at the end, for all of it.
    run(&["-h", "-"], &(held.join("\n") + "\n"));
    run(&["-H", "ALL", "--notify"], "");
    wait_for("all mail is tried", &system, || {
        ids.iter().all(|id| attempts(&system, id) >= 2)
    });
}

#[test]
fn a_mail_system_that_is_down_is_one_warning_and_the_work_goes_on() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = super::Filled::new();
    let output = filled.done(&["-H", "ALL", "--rate", "100/s", "--notify"]);
    let text = output.stderr_text();
    assert!(text.ends_with("Released from hold: 2 messages\n"), "{text}");
    assert_eq!(text.matches("warning").count(), 1, "{text}");
    assert!(
        text.contains("connect to public/flush: No such file or directory: what is released waits"),
        "{text}"
    );
}
