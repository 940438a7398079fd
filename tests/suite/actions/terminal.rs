//! `--interactive` and `--progress` on a terminal, and without one.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use spoolbox::queue_file::records::writer::QueueFile;

use super::Filled;
use super::flushing::{DONE, Daemon};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require};

const PATIENCE: Duration = Duration::from_secs(30);

/// A program on a terminal of its own.
struct OnTerminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl OnTerminal {
    fn start(filled: &Filled, arguments: &[&str]) -> Self {
        Self::of(&filled.call(arguments), filled)
    }

    fn of(call: &Invocation, filled: &Filled) -> Self {
        Self::sized(call, filled, 100)
    }

    /// On a terminal of this many columns.
    fn sized(call: &Invocation, filled: &Filled, columns: u16) -> Self {
        // Nobody who is started meanwhile may inherit it: it would not vanish.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("a terminal");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(ptsname_r(&master).expect("its name"))
            .expect("the other end");
        let size = std::process::Command::new("stty")
            .arg("-F")
            .arg(ptsname_r(&master).expect("its name"))
            .args(["rows", "24", "cols", &columns.to_string()])
            .status();
        assert!(size.expect("stty starts").success());
        let is_set = |name: &str| call.env.iter().any(|(set, _)| set == name);
        let mut command = call.command(Program::Ours, &filled.instance);
        if !is_set("TERM") {
            command.env("TERM", "xterm");
        }
        let child = command
            .stdin(slave.try_clone().expect("dup"))
            .stderr(slave)
            .stdout(Stdio::null())
            .spawn()
            .expect("postsuper starts");
        // Its copies of the terminal go with the command.
        drop(command);
        let keyboard = File::from(OwnedFd::from(master));
        let mut reader = keyboard.try_clone().expect("dup");
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is that the last program has left the terminal.
            while let Ok(length) = reader.read(&mut buffer) {
                let part = buffer.get(..length).unwrap_or_default();
                if sender.send(part.to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen,
            seen: String::new(),
        }
    }

    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let part = self.screen.recv_timeout(left);
            let part = part.unwrap_or_else(|_| panic!("no {text:?} in {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&part));
        }
    }

    fn status(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }

    fn screen(&mut self) -> String {
        while let Ok(part) = self.screen.recv_timeout(Duration::from_secs(5)) {
            self.seen.push_str(&String::from_utf8_lossy(&part));
        }
        self.seen.clone()
    }
}

const OFFERS: [&str; 5] = [
    "-d",
    "MATCH",
    "--from",
    "offers@bulk.example",
    "--interactive",
];

#[test]
fn a_yes_is_asked_for_once() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let mut run = OnTerminal::start(&filled, &OFFERS);
    run.wait_for("Delete these 3 messages? [y/N] ");
    for part in [
        "3 messages, ",
        "commonest senders:\r\n        3  offers@bulk.example\r\n",
        "commonest reasons:\r\n        1  ",
        "Greylisted",
    ] {
        assert!(run.seen.contains(part), "{part}\n{}", run.seen);
    }
    assert_eq!(crate::postsuper::messages(&filled.instance).len(), 10);
    run.keyboard.write_all(b"Yes\n").expect("a terminal");
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(screen.contains("Deleted: 3 messages"), "{screen}");
    assert_eq!(crate::postsuper::messages(&filled.instance).len(), 7);
}

#[test]
fn everything_else_is_a_no() {
    if require(Needs::Root) == Met::No {
        return;
    }
    // A number, nothing, the end of input (Ctrl-D).
    for answer in [&b"n\n"[..], b"\n", b"yess\n", b"\x04"] {
        let filled = Filled::new();
        let before = filled.snapshot();
        let mut run = OnTerminal::start(&filled, &OFFERS);
        run.wait_for("[y/N] ");
        run.keyboard.write_all(answer).expect("a terminal");
        assert_eq!(run.status(), Some(1), "{answer:?}");
        let screen = run.screen();
        assert!(screen.contains("nothing was done"), "{screen}");
        assert_eq!(filled.snapshot().difference(&before), None);
    }
}

#[test]
fn a_terminal_that_vanishes_is_a_no() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let before = filled.snapshot();
    let mut run = OnTerminal::start(&filled, &OFFERS);
    run.wait_for("[y/N] ");
    let OnTerminal {
        mut child,
        keyboard,
        screen,
        ..
    } = run;
    drop(screen);
    // The reader has a copy, and ends with the next byte it cannot pass on.
    let mut keyboard = keyboard;
    keyboard.write_all(b"x").expect("a terminal");
    drop(keyboard);
    let status = child.wait().expect("its end").code();
    assert!(matches!(status, Some(1..)), "{status:?}");
    assert_eq!(filled.snapshot().difference(&before), None);
}

#[test]
fn without_a_terminal_nothing_is_asked_or_done() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let before = filled.snapshot();
    let output = filled.run_with(&OFFERS, "y\n");
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    let text = output.stderr_text();
    assert!(text.contains("--interactive needs a terminal"), "{text}");
    assert_eq!(filled.snapshot().difference(&before), None);
}

#[test]
fn no_match_needs_no_confirmation() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let arguments = ["-d", "MATCH", "--from", "x@y.example", "--interactive"];
    let mut run = OnTerminal::start(&filled, &arguments);
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(screen.contains("Deleted: 0 messages"), "{screen}");
    assert!(!screen.contains("[y/N]"), "{screen}");
}

#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let slow = ["-r", "ALL", "--rate", "4/s", "--progress"];
    let filled = Filled::new();
    let mut run = OnTerminal::start(&filled, &slow);
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(screen.contains("/9 messages, "), "{screen}");
    assert!(screen.contains("Requeued: 9 messages"), "{screen}");
    let listing = Invocation::new(Tool::Postqueue, ["-p", "--progress"])
        .env("MAIL_CONFIG", filled.instance.etc());
    let mut run = OnTerminal::of(&listing, &filled);
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(screen.contains("/10 messages, "), "{screen}");
    let daemon = Daemon::start(&filled, DONE);
    let flush = [
        "-i",
        "MATCH",
        "--from",
        "re:.",
        "--rate",
        "20/s",
        "--progress",
    ];
    let flush = Invocation::new(Tool::Postqueue, flush).env("MAIL_CONFIG", filled.instance.etc());
    let mut run = OnTerminal::of(&flush, &filled);
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(screen.contains("/10 messages, "), "{screen}");
    assert!(screen.contains("Flushed: 10 messages"), "{screen}");
    assert_eq!(daemon.taken().len(), 10);
    let piped = listing.run(Program::Ours, &filled.instance).stderr_text();
    assert!(!piped.contains("messages, "), "{piped}");
    let with = Filled::new().done(&["-h", "ALL", "--progress"]);
    assert_eq!(
        with.stderr_text(),
        "postsuper: Placed on hold: 7 messages\n"
    );
}

#[test]
fn a_question_shows_utf8_as_counts_do_and_names_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let filled = Filled::new();
    let from = "j\u{fc}rgen@b\u{fc}cher.example";
    let now = crate::selection::spool::now();
    let file = QueueFile::new(now, from, &["x@dest.example"], &["subject: x", "", "y"]);
    let message = NewFile::new("deferred", file.to_bytes());
    let placed = filled.instance.spool().put(&message);
    let reason = "<x@dest.example>: connect to b\u{fc}cher.example: refused\n\
                  recipient=x@dest.example\n\
                  reason=connect to b\u{fc}cher.example: refused\n\n";
    filled
        .instance
        .spool()
        .put_log("defer", &placed.name, reason.as_bytes());
    let counts = Invocation::new(Tool::Postqueue, ["--count=from"])
        .env("MAIL_CONFIG", filled.instance.etc())
        .run(Program::Ours, &filled.instance);
    assert!(counts.stdout_text().contains(from), "{counts:?}");
    let arguments = ["--trash", "-d", "MATCH", "--from", from, "--interactive"];
    let mut run = OnTerminal::start(&filled, &arguments);
    run.wait_for("Move this message to the trash? [y/N] ");
    assert!(run.seen.contains(from), "{}", run.seen);
    assert!(
        run.seen.contains("connect to \u{2026}: refused"),
        "{}",
        run.seen
    );
    assert!(!run.seen.contains("Delete"), "{}", run.seen);
    run.keyboard.write_all(b"n\n").expect("a terminal");
    assert_eq!(run.status(), Some(1));
}

/// What was drawn, line by line: a bar is drawn over itself.
fn drawn(screen: &str) -> Vec<String> {
    let lines = screen.split(['\r', '\n']).map(|line| {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            text.push_str(before);
            rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
            rest = rest.get(1..).unwrap_or_default();
        }
        text.push_str(rest);
        text
    });
    lines.collect()
}

#[test]
fn a_progress_bar_fits_the_terminal_and_the_locale() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for columns in [100, 60, 40, 24, 10] {
        for (locale, is_ascii) in [("C", true), ("en_US.UTF-8", false)] {
            let filled = Filled::new();
            let call = filled.call(&["-r", "ALL", "--rate", "8/s", "--progress", "--quiet"]);
            let call = call.env("LC_ALL", locale);
            let mut run = OnTerminal::sized(&call, &filled, columns);
            assert_eq!(run.status(), Some(0));
            let screen = run.screen();
            let lines = drawn(&screen);
            let bars: Vec<&String> = lines
                .iter()
                .filter(|l| !l.starts_with("postsuper"))
                .collect();
            let count = if columns > 20 { "/9 messages" } else { "3" };
            assert!(bars.iter().any(|line| line.contains(count)), "{screen:?}");
            for line in bars {
                // What follows the line is blank, to its end.
                let (all, text) = (line.chars().count(), line.trim_end().chars().count());
                let columns = usize::from(columns);
                assert!(all <= columns && text < columns, "{columns}: {line:?}");
                assert!(!is_ascii || line.is_ascii(), "{line:?}");
            }
            let has_blocks = screen.contains('\u{2588}');
            assert!(!is_ascii || !has_blocks, "{columns} {locale}: {screen:?}");
            assert!(
                is_ascii || columns < 60 || has_blocks,
                "{columns}: {screen:?}"
            );
        }
    }
    // A terminal that can do nothing gets nothing to do.
    let filled = Filled::new();
    let call = filled.call(&["-r", "ALL", "--rate", "20/s", "--progress"]);
    let mut run = OnTerminal::of(&call.env("TERM", "dumb"), &filled);
    assert_eq!(run.status(), Some(0));
    let screen = run.screen();
    assert!(
        !screen.contains("messages, ") && !screen.contains('\u{1b}'),
        "{screen:?}"
    );
}
