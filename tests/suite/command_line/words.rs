//! What is said of a wrong command line and of an empty result, more than
//! Postfix says: to everybody, or to a person at a terminal.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use super::{ID, call, run};
use crate::support::instance::Instance;
use crate::support::pty;
use crate::support::run::{Ended, Program, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

#[test]
fn an_unknown_long_option_is_named_with_the_nearest_known_one() {
    let instance = Instance::builder().build();
    for (tool, typed, near) in [
        (Tool::Postqueue, "--frm", Some("--from")),
        (Tool::Postqueue, "--coutn=from", Some("--count")),
        (Tool::Postqueue, "--nosuch", None),
        (Tool::Postsuper, "--dryrun", Some("--dry-run")),
        (Tool::Postsuper, "--interact", Some("--interactive")),
        (Tool::Postcat, "--jsn", Some("--json")),
        (Tool::Qshape, "--jason", Some("--json")),
        (Tool::Mailq, "--halp", Some("--help")),
        (Tool::Mailq, "--xyz-xyz", None),
        (Tool::Sendmail, "--versoin", Some("--version")),
        (Tool::Postqueue, "--\u{1b}[31m", None),
    ] {
        if tool == Tool::Postsuper && require(Needs::Root) == Met::No {
            continue;
        }
        let text = run(&instance, tool, &[typed]).stderr_text();
        let first = text.lines().next().unwrap_or_default();
        let name = typed.split('=').next().unwrap_or_default();
        let name = name.replace('\u{1b}', "?");
        let expected = match near {
            Some(near) => format!("unknown option {name}; did you mean {near}?"),
            None => format!("unknown option {name}; --help lists all options"),
        };
        // qshape is a Perl program there, which says its whole path.
        let first = first.rsplit('/').next().unwrap_or_default();
        assert_eq!(first, format!("{}: {expected}", tool.name()));
        assert!(text.to_lowercase().contains("usage: "), "{text}");
    }
}

#[test]
fn an_option_of_postqueue_is_named_by_mailq() {
    let instance = Instance::builder().build();
    for (tool, typed, near) in [
        (Tool::Mailq, "--oneline", "--oneline"),
        (Tool::Mailq, "--onelin", "--oneline"),
        (Tool::Sendmail, "--coutn=to", "--count"),
    ] {
        let text = run(&instance, tool, &[typed]).stderr_text();
        let (name, typed) = (tool.name(), typed.split('=').next().unwrap_or_default());
        let expected = format!("{name}: unknown option {typed}; postqueue has {near}\n");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[test]
fn a_value_without_its_equals_sign_is_shown_with_it() {
    let instance = Instance::builder().build();
    let text = run(&instance, Tool::Postqueue, &["--count", "from"]).stderr_text();
    assert!(text.contains("write --count=from\n"), "{text}");
    if require(Needs::Root) == Met::Yes {
        let text = run(&instance, Tool::Postsuper, &["--undo", "batch"]).stderr_text();
        assert!(text.contains("write --undo=batch\n"), "{text}");
    }
}

/// What standard error shows if it is a terminal.
fn on_terminal(instance: &Instance, tool: Tool, arguments: &[&str]) -> String {
    let pty = pty::open();
    let mut command = call(instance, tool, arguments).command(Program::Ours, instance);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(pty.slave));
    let mut child = command.spawn().expect("a program that starts");
    // The slave's last descriptor of ours goes with the command.
    drop(command);
    let mut screen = Vec::new();
    if let Err(error) = File::from(pty.master).read_to_end(&mut screen) {
        // Linux's way to say that nobody has the terminal open any more.
        assert_eq!(error.raw_os_error(), Some(nix::libc::EIO), "{error}");
    }
    child.wait().expect("waitpid");
    String::from_utf8_lossy(&screen).replace("\r\n", "\n")
}

#[test]
fn a_terminal_gets_a_second_line_that_helps() {
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for (tool, arguments, hint) in [
        (
            Tool::Postqueue,
            &["-d", ID][..],
            "postsuper deletes messages: postsuper -d ID",
        ),
        (Tool::Postqueue, &["-H", ID], "postsuper -H ID"),
        (Tool::Postqueue, &["-q", ID], "postcat -q ID"),
        (
            Tool::Postqueue,
            &["-p", "deferred"],
            "postqueue -p --queue=deferred lists one queue; qshape deferred counts it",
        ),
        (Tool::Postcat, &["-e", ID], "-q finds it by queue ID"),
        (
            Tool::Postqueue,
            &["--ids", "--from", "nobody@x"],
            "no message matches the selection",
        ),
    ] {
        let piped = run(&instance, tool, arguments).stderr_text();
        let seen = on_terminal(&instance, tool, arguments);
        let more = seen.strip_prefix(&piped);
        let more = more.unwrap_or_else(|| panic!("{piped}\nis no beginning of\n{seen}"));
        assert!(more.contains(hint), "{arguments:?}\n{seen}");
        assert_eq!(more.lines().count(), 1, "{seen}");
    }
    for (tool, arguments) in [
        (Tool::Postqueue, &["-x"][..]),
        (Tool::Postcat, &["-e", "/nonexistent"]),
        (Tool::Postcat, &["message"]),
    ] {
        let piped = run(&instance, tool, arguments).stderr_text();
        assert_eq!(on_terminal(&instance, tool, arguments), piped);
    }
}

#[test]
fn a_selection_that_matches_nothing_is_not_taken_for_an_empty_queue() {
    let instance = Instance::builder().build();
    let none = run(&instance, Tool::Postqueue, &["-p", "--from", "nobody@x"]);
    assert!(!none.stderr_text().contains("matches"), "{none:?}");
    sample::fill(&instance);
    let all = run(&instance, Tool::Postqueue, &["--ids"]).stdout_text();
    let all = all.lines().count();
    for source in ["spool", "auto"] {
        let arguments = ["-p", "--source", source, "--from", "nobody@x"];
        let output = run(&instance, Tool::Postqueue, &arguments);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        assert_eq!(output.stdout_text(), "Mail queue is empty\n");
        let expected = format!(
            "postqueue: no message matches the selection, of {all} messages in the queue\n"
        );
        assert!(output.stderr_text().ends_with(&expected), "{output:?}");
    }
    // Programs that read these know what nothing means.
    for form in ["-j", "--ids", "--oneline", "--csv", "--format=%{id}"] {
        let output = run(&instance, Tool::Postqueue, &[form, "--from", "nobody@x"]);
        assert!(!output.stderr_text().contains("matches"), "{output:?}");
    }
}
