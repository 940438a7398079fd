//! The terminal: its size changes, signals end the program, and every end
//! leaves the terminal as it was.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use spoolbox::sys::full_screen::FullScreen;

use super::fixture;
use super::fixture::{QueueFixture, USUAL};
use crate::support::instance::Instance;
use crate::support::pty;
use crate::support::pty::Pty;
use crate::support::screen::OnScreen;
use crate::support::{Extent, Met, Needs, require};

#[test]
fn signals_end_it_and_the_terminal_is_as_before() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    for (signal, status) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
        (Signal::SIGQUIT, 131),
    ] {
        let mut screen = fixture.browse(&[], USUAL);
        assert!(!screen.modes_are_as_before());
        screen.signal(signal);
        assert_eq!(screen.end(), Some(status), "{signal}");
    }
}

/// It read the end of its input for ever, with all of a processor.
#[test]
fn it_ends_when_a_terminal_is_gone_that_sends_no_signal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let browse = fixture.command(&[]);
    let Pty { master, slave } = pty::open();
    let copy = || File::from(slave.try_clone().expect("dup"));
    // The terminal of a session has its processes killed by SIGHUP; this is none.
    let mut command = Command::new("setsid");
    command.arg(browse.get_program()).args(browse.get_args());
    let set = browse
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    command.stdin(copy()).stdout(copy()).stderr(copy());
    let mut child = command.spawn().expect("setsid starts");
    drop((command, slave));
    let mut terminal = File::from(master);
    let mut begun = [0; 1];
    terminal.read_exact(&mut begun).expect("the first screen");
    assert_eq!(begun, *b"\x1b");
    drop(terminal);
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().expect("its status") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("kill");
            panic!("it goes on without a terminal");
        }
        thread::sleep(Duration::from_millis(20));
    };
    // It may have been drawing when the terminal went.
    assert!(matches!(status.code(), Some(0 | 69)), "{status}");
}

#[test]
fn any_size_at_any_time_is_drawn() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], USUAL);
    let lasts =
        Extent::from_environment().duration(Duration::from_secs(3), Duration::from_secs(60));
    let start = Instant::now();
    let mut random = fastrand::Rng::with_seed(7);
    let keys = [
        "j", "k", "G", "g", "o", "\r", "q", " ", "s", "?", "v", "h", "\u{1b}", "f", "x",
    ];
    while start.elapsed() < lasts {
        screen.resize(random.u16(1..80), random.u16(4..310));
        screen.keys(keys[random.usize(..keys.len())]);
        thread::sleep(Duration::from_millis(20));
        if screen.child.try_wait().expect("its status").is_some() {
            assert_eq!(screen.end(), Some(0));
            screen = fixture.browse(&[], USUAL);
        }
    }
    screen.resize(24, 80);
    screen.keys("\u{3}\u{3}");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn it_can_be_stopped_and_continued() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], USUAL);
    // In a session of its own nobody could continue it, and the kernel does
    // not stop it; it draws again.
    screen.keys("\u{1a}");
    screen.wait_for("8 messages");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn an_instance_is_chosen_by_its_name() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-other");
    let directory = fixture.instance.etc().display().to_string();
    let main = Instance::builder()
        .set("multi_instance_directories", &directory)
        .build();
    let command = fixture::command(&main.etc(), &["--instance", "postfix-other"]);
    let mut screen = OnScreen::start(&command, USUAL);
    screen.wait_for("8 messages");
    screen.keys("h");
    screen.wait_for(&format!("postsuper -c {directory} --journal"));
    screen.keys("\u{3}\u{3}");
    assert_eq!(screen.end(), Some(0));
    let command = fixture::command(&main.etc(), &["--instance", "postfix-none"]);
    let mut screen = OnScreen::start(&command, USUAL);
    screen.wait_for("postfix-none");
    assert_eq!(screen.end(), Some(69));
}

/// It has 16 colours and no alternate screen: what was drawn stayed there.
#[test]
fn the_linux_console_has_16_colours_and_is_empty_afterwards() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut command = fixture.command(&[]);
    command.env("TERM", "linux");
    let mut screen = OnScreen::start(&command, (25, 80));
    screen.wait_for("8 messages");
    screen.wait_without("reading");
    screen.keys("o");
    screen.wait_for("RECIPIENT DOMAIN");
    screen.keys("qq");
    assert_eq!(screen.end(), Some(0));
    let written = screen.bytes();
    let written = String::from_utf8_lossy(&written);
    for palette in ["38;5;", "48;5;", "38;2;", "48;2;"] {
        assert!(!written.contains(palette), "{palette}");
    }
    let colours = (31..38).filter(|colour| written.contains(&format!(";{colour}m")));
    assert!(colours.count() > 1, "{written}");
    let mut console = vt100::Parser::new(25, 80, 0);
    let shown = written
        .replace("\u{1b}[?1049h", "")
        .replace("\u{1b}[?1049l", "");
    console.process(shown.as_bytes());
    assert_eq!(console.screen().contents(), "");
    assert_eq!(console.screen().cursor_position(), (0, 0));
}

#[test]
fn terminals_that_cannot_show_it_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut dumb = fixture.command(&[]);
    dumb.env("TERM", "dumb");
    let mut screen = OnScreen::start(&dumb, USUAL);
    screen.wait_for("TERM is dumb");
    assert_eq!(screen.end(), Some(69));
    let output = fixture.command(&[]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("must be a terminal"), "{said}");
    assert_eq!(output.status.code(), Some(69));
}

/// Has another test run in a process of its own panic on a full screen.
const PANIC_IN: &str = "SPOOLBOX_TEST_PANIC_IN";

/// What the test below has run; by itself it does nothing.
#[test]
fn panics_if_it_is_asked_to() {
    let Some(thread) = std::env::var_os(PANIC_IN) else {
        return;
    };
    let _screen = FullScreen::begin().expect("a terminal");
    if thread == "main" {
        panic!("a defect in the main thread");
    }
    let panicked = thread::spawn(|| panic!("a defect in a thread")).join();
    assert!(panicked.is_ok(), "the thread panicked");
}

#[test]
fn a_panic_leaves_the_terminal_as_before_with_its_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (thread, message) in [
        ("main", "a defect in the main thread"),
        ("another", "a defect in a thread"),
    ] {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "--nocapture"]);
        command.arg("browse::terminal::panics_if_it_is_asked_to");
        command
            .env_clear()
            .env("TERM", "xterm")
            .env(PANIC_IN, thread);
        let mut screen = OnScreen::start(&command, USUAL);
        // On the usual screen, where it stays.
        screen.wait_until(message, |text| text.contains(message));
        assert_eq!(screen.end(), Some(101), "{thread}");
        assert!(screen.text().contains(message), "{}", screen.text());
        let written = String::from_utf8_lossy(&screen.bytes()).into_owned();
        assert!(written.contains("\u{1b}[?1049h"), "it was a full screen");
    }
}
