//! qshape on a terminal: the screen is cleared, results so far are shown, of
//! the rows only the first; and no name commands the terminal.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use spoolbox::queue_file::records::writer::QueueFile;

use super::borders::put;
use super::draft::now;
use super::run::{call, comparable, give_to_mail_owner, in_order, replace};
use crate::support::instance::Instance;
use crate::support::pty;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require, under_test};

/// What a terminal got, what standard error got, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    screen: Vec<u8>,
    stderr: Vec<u8>,
    ended: Ended,
}

/// Runs a call with a terminal of 100 columns as its standard output.
fn on_terminal(call: &Invocation, program: Program, instance: &Instance) -> Seen {
    let pty = pty::open();
    pty.resize(30, 100);
    let mut command = call.command(program, instance);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(pty.slave))
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program that starts");
    // The slave's last descriptor of ours goes with the command.
    drop(command);
    let mut screen = Vec::new();
    if let Err(error) = File::from(pty.master).read_to_end(&mut screen) {
        // Linux's way to say that nobody has the terminal open any more.
        assert_eq!(error.raw_os_error(), Some(nix::libc::EIO), "{error}");
    }
    let output = child.stderr.take().map(|mut stderr| {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).expect("standard error");
        text
    });
    let path = program.path(Tool::Qshape, instance);
    let path = path.as_os_str().as_encoded_bytes();
    Seen {
        screen,
        stderr: replace(&output.unwrap_or_default(), path, b"PROG"),
        ended: child.wait().expect("waitpid").into(),
    }
}

/// What was seen, page by page, with equal rows in order.
fn pages(seen: &Seen) -> Vec<Vec<u8>> {
    let mut pages: Vec<Vec<u8>> = vec![Vec::new()];
    for line in seen.screen.split_inclusive(|&b| b == b'\n') {
        if line.windows(3).any(|w| w == b" T ") || line.ends_with(b" T\r\n") {
            pages.push(Vec::new());
        }
        pages.last_mut().expect("a page").extend_from_slice(line);
    }
    pages.iter().map(|page| in_order(page)).collect()
}

/// Domains of different counts: of equal ones the original's order is random,
/// and so is what a limit leaves out.
fn queue() -> Instance {
    let instance = Instance::builder().build();
    for domain in 1..=25usize {
        let address = format!("r@d{domain:02}.example");
        let recipients = vec![address.as_str(); domain];
        put(&instance, "incoming", 1000, &recipients);
    }
    instance
        .spool()
        .put(&NewFile::new("incoming", b"E\0".to_vec()));
    give_to_mail_owner(&instance);
    instance
}

#[test]
fn a_terminal_gets_the_same_screens() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = queue();
    let calls: [&[&str]; 14] = [
        &[],
        &["-s"],
        &["-n", "3"],
        &["-n", "0"],
        &["-n", "2.5"],
        &["-N", "10", "-n", "0"],
        &["-N", "1", "-n", "0"],
        &["-N", "7.5", "-n", "0"],
        &["-N", "26", "-n", "4"],
        &["-N", "0"],
        &["-N", "nan", "-n", "nan"],
        &["-N", "1e30", "-n", "1e30"],
        &["-p", "-b", "3", "-w", "132", "-n", "5"],
        &["-h"],
    ];
    for args in calls {
        for terminal in [Some("vt100"), Some("xterm"), Some("nosuch"), None] {
            let mut call = call(&instance, args);
            if let Some(terminal) = terminal {
                call = call.env("TERM", terminal);
            }
            let theirs = on_terminal(&call, Program::Theirs, &instance);
            let ours = on_terminal(&call, under_test(), &instance);
            let context = format!("{args:?} {terminal:?}\n{ours:?}\n{theirs:?}");
            assert_eq!(pages(&ours), pages(&theirs), "{context}");
            let (ours_text, theirs_text) = (comparable(&ours.stderr), comparable(&theirs.stderr));
            assert_eq!(ours_text, theirs_text, "{context}");
            assert_eq!(ours.ended, theirs.ended, "{context}");
        }
    }
}

/// Postfix's divides by the whole number in it, which is zero.
#[test]
fn results_after_less_than_a_message_come_after_each() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = queue();
    let seen = |batch| on_terminal(&call(&instance, ["-N", batch]), under_test(), &instance);
    let (half, one) = (seen("0.5"), seen("1"));
    assert_eq!(pages(&half), pages(&one));
    assert_eq!(half.ended, Ended::Exited(0));
}

#[test]
fn names_cannot_command_a_terminal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let evil = [
        "r@\u{1b}[2Jclear.example",
        "r@\u{9b}31mred.example",
        "r@bell\u{7}.example",
    ];
    let file = QueueFile::new(now(), "s\u{1b}]0;title\u{7}@x", &evil, &[]);
    instance
        .spool()
        .put(&NewFile::new("incoming", file.to_bytes()));
    for args in [
        &[][..],
        &["--chart"],
        &["--by=recipient"],
        &["--by=sender", "--chart"],
        &["--json"],
        &["nosuch\u{1b}[31m"],
    ] {
        let call = call(&instance, args)
            .env("TERM", "dumb")
            .env("NO_COLOR", "1");
        let seen = on_terminal(&call, under_test(), &instance);
        let all = [seen.screen, seen.stderr].concat();
        let text = String::from_utf8_lossy(&all);
        let is_command = |c: char| c.is_control() && !"\r\n".contains(c);
        assert!(!text.contains(is_command), "{args:?}: {text:?}");
    }
}

#[test]
fn a_chart_has_colours_on_a_terminal_only_and_fills_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = queue();
    let chart = call(&instance, ["--chart"]);
    let seen = on_terminal(&chart, under_test(), &instance);
    let text = String::from_utf8(seen.screen).expect("UTF-8");
    assert!(
        text.contains("\u{1b}[38;5;") && text.contains('\u{2588}'),
        "{text}"
    );
    assert!(
        !text.contains("\u{1b}[2J"),
        "a chart clears nothing: {text}"
    );
    let blocks = |line: &str| line.matches('\u{2588}').count();
    let longest = text.lines().map(blocks).max().expect("lines");
    assert!((70..100).contains(&longest), "{longest} columns\n{text}");

    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let seen = on_terminal(&chart.clone().env(name, value), under_test(), &instance);
        assert!(!seen.screen.contains(&0x1b), "{name}={value}");
        assert!(seen.screen.is_ascii(), "{name}={value}");
    }
    let piped = chart.run(under_test(), &instance).stdout_text();
    assert!(piped.is_ascii() && !piped.contains('\u{1b}'), "{piped}");
    let bar = |name: &str| {
        let line = piped.lines().find(|line| line.contains(name));
        line.expect("a row")
            .split(' ')
            .next_back()
            .expect("a bar")
            .len()
    };
    assert!(
        bar("d25.") > bar("d10.") && bar("d10.") > bar("d03."),
        "{piped}"
    );
}
