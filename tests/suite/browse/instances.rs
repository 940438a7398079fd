//! `browse --all-instances`: the list of the instances, one of them opened, and
//! what ends either screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::fixture;
use super::fixture::{QueueFixture, USUAL};
use super::looks::{SIZES, compare_text};
use crate::support::instance::Instance;
use crate::support::screen::OnScreen;
use crate::support::{Met, Needs, require};

/// An instance whose main.cf lists these directories.
fn main_instance(name: &str, listed: &[&Path]) -> Instance {
    let listed: Vec<String> = listed.iter().map(|d| d.display().to_string()).collect();
    Instance::builder()
        .set("multi_instance_name", name)
        .set("multi_instance_directories", &listed.join(" "))
        .build()
}

/// The list of the instances of `main`, all of them counted.
fn browse_all(main: &Instance, arguments: &[&str], size: (u16, u16)) -> OnScreen {
    let arguments = [&["--all-instances"], arguments].concat();
    let screen = OnScreen::start(&fixture::command(&main.etc(), &arguments), size);
    screen.wait_for("INSTANCE");
    screen.wait_without("counting");
    screen.wait_without("...");
    screen
}

/// Waits until the process that shows an instance is there.
fn child_of(parent: u32) -> Pid {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let children = fs::read_to_string(&path).unwrap_or_default();
        if let [child] = children.split_whitespace().collect::<Vec<_>>().as_slice() {
            return Pid::from_raw(child.parse().expect("a number"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{parent} has no child");
}

#[test]
fn an_act_in_one_instance_leaves_the_others_as_they_are() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (one, other) = (
        QueueFixture::named("postfix-one"),
        QueueFixture::named("postfix-other"),
    );
    let (etc_of_one, etc_of_other) = (one.instance.etc(), other.instance.etc());
    let main = main_instance("postfix-main", &[&etc_of_one, &etc_of_other]);
    let untouched = one.snapshot();
    let before = other.snapshot();
    let mut screen = browse_all(&main, &["--queue", "deferred"], USUAL);
    let list = screen.text();
    let line = |number: usize| list.lines().nth(number).unwrap_or_default().to_owned();
    assert!(line(0).starts_with(" 3 instances  16 messages"), "{list}");
    assert!(line(2).starts_with("postfix-main "), "{list}");
    assert!(line(3).starts_with("postfix-one "), "{list}");
    assert!(line(4).starts_with("postfix-other "), "{list}");
    let words: Vec<String> = line(4).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words[1..], ["8", "601B", "12d", "1", "4", "2"], "{list}");
    screen.keys("G\r");
    // The selection of the command line holds in the instance.
    screen.wait_for(" postfix-other  4 messages");
    screen.wait_without("reading");
    screen.wait_for("--queue=deferred");
    screen.keys("h\t");
    let directory = etc_of_other.display().to_string();
    let shown = screen.wait_for("4 messages on hold");
    assert!(
        shown.contains(&format!("postsuper -c {directory}")),
        "{shown}"
    );
    screen.keys("y");
    screen.wait_for("on hold: 4");
    screen.keys("x");
    screen.wait_for("no message matches the filter");
    // The filter first, then back to the list, which counts again.
    screen.keys("q");
    screen.wait_for(" postfix-other  8 messages");
    screen.keys("q");
    screen.wait_for("3 instances  16 messages");
    screen.wait_until("the new numbers of the queues", |text| {
        let words = text.lines().nth(4).unwrap_or_default().split_whitespace();
        words.skip(4).eq(["1", "0", "6"])
    });
    assert!(one.snapshot().difference(&untouched).is_none());
    // Opened again, with the selection of the command line.
    screen.keys("\r");
    screen.wait_for("no message matches the filter");
    screen.keys("\u{3}");
    assert_eq!(screen.end(), Some(0), "Ctrl-C in an instance ends all");
    assert!(before.difference(&other.snapshot()).is_some());
}

#[test]
fn the_list_looks_as_in_its_picture() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-out");
    let broken = Instance::builder()
        .set("multi_instance_name", "postfix-broken")
        .set("queue_directory", "/nonexistent")
        .build();
    let (etc, etc_of_broken) = (fixture.instance.etc(), broken.etc());
    let main = main_instance("-", &[&etc_of_broken, &etc]);
    let directories = [
        (main.etc(), "/etc/postfix"),
        (etc_of_broken, "/etc/postfix-broken"),
        (etc, "/etc/postfix-out"),
    ];
    for size in SIZES {
        let mut screen = browse_all(&main, &[], size);
        screen.wait_for("1 cannot be read");
        compare_text(&directories, "instances", size, &screen);
        screen.keys("?");
        screen.wait_for("Ctrl-C");
        compare_text(&directories, "instances-help", size, &screen);
        screen.keys("qq");
        assert_eq!(screen.end(), Some(0));
    }
}

#[test]
fn instances_that_cannot_be_read_say_why_and_the_others_go_on() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-fine");
    let nowhere = Path::new("/nonexistent/postfix-gone");
    let main = main_instance("", &[nowhere, &fixture.instance.etc()]);
    let mut screen = browse_all(&main, &[], (24, 120));
    screen.wait_for("3 instances  8 messages");
    screen.wait_for("1 cannot be read");
    screen.keys("j");
    screen.wait_until("the reason below", |text| {
        let status = text.lines().nth(22).unwrap_or_default();
        status.contains("/nonexistent/postfix-gone/main.cf")
    });
    screen.keys("\r");
    screen.wait_until("the reason after opening it", |text| {
        let status = text.lines().nth(22).unwrap_or_default();
        status.starts_with("/nonexistent/postfix-gone: ")
    });
    // What is repaired is counted at the next look.
    screen.keys("j");
    screen.wait_without("/nonexistent/postfix-gone: ");
    screen.keys("\r");
    screen.wait_for("postfix-fine  8 messages");
    screen.keys("q");
    screen.wait_for("3 instances");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

/// The first main.cf lists the others, so nothing can be done without it.
#[test]
fn without_the_first_main_cf_there_is_no_list() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let command = fixture::command(Path::new("/nonexistent"), &["--all-instances"]);
    let mut screen = OnScreen::start(&command, USUAL);
    screen.wait_for("/nonexistent/main.cf");
    assert_eq!(screen.end(), Some(69));
}

#[test]
fn names_do_not_control_the_terminal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let hostile = QueueFixture::named("a'b\"\u{1b}]0;owned\u{7}\u{9b}31m");
    let directory = hostile.instance.etc().with_file_name("e\u{1b}[2Jtc'x");
    fs::rename(hostile.instance.etc(), &directory).expect("rename");
    let main = main_instance("-", &[&directory]);
    let mut screen = browse_all(&main, &[], (24, 200));
    screen.wait_for("owned");
    screen.keys("G\r");
    screen.wait_for("QUEUE ID");
    screen.wait_for("4HELD00006");
    screen.wait_without("reading");
    screen.wait_for("owned");
    screen.keys("h");
    screen.wait_for("postsuper");
    screen.keys("\u{3}");
    assert_eq!(screen.end(), Some(0));
    let written = String::from_utf8_lossy(&screen.bytes()).into_owned();
    for part in ["\u{1b}]0;", "\u{9b}", "\u{7}", "e\u{1b}[2Jtc"] {
        assert!(!written.contains(part), "{part:?}");
    }
}

#[test]
fn hundreds_of_instances_are_sorted_searched_and_scrolled() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-000");
    let copies = tempfile::tempdir().expect("a directory");
    let main_cf = fs::read_to_string(fixture.instance.etc().join("main.cf")).expect("main.cf");
    let mut listed: Vec<PathBuf> = Vec::new();
    for number in 1..300 {
        let etc = copies.path().join(format!("postfix-{number:03}"));
        fs::create_dir(&etc).expect("a directory");
        let text = main_cf.replace("postfix-000", &format!("postfix-{number:03}"));
        fs::write(etc.join("main.cf"), text).expect("main.cf");
        listed.push(etc);
    }
    let listed: Vec<&Path> = listed.iter().map(PathBuf::as_path).collect();
    let main = main_instance("postfix-main", &listed);
    let mut screen = browse_all(&main, &[], USUAL);
    screen.wait_for(" 300 instances  2.3k messages");
    screen.keys("G");
    screen.wait_for("postfix-299");
    screen.keys("g\u{1b}[6~");
    screen.wait_for("postfix-020");
    screen.keys("/-27\r");
    screen.wait_for("postfix-279");
    screen.wait_without("postfix-020");
    screen.keys("ss");
    screen.wait_for("by number");
    screen.keys("\r");
    screen.wait_for(" postfix-270  8 messages");
    screen.keys("q");
    screen.wait_for("text: -27");
    // q takes back the search first.
    screen.keys("q");
    screen.wait_for("postfix-001");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn signals_end_both_screens_and_the_terminal_is_as_before() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-out");
    let main = main_instance("-", &[&fixture.instance.etc()]);
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let mut screen = browse_all(&main, &[], USUAL);
        screen.signal(signal);
        assert_eq!(screen.end(), Some(status), "{signal} in the list");
        let mut screen = browse_all(&main, &[], USUAL);
        screen.keys("G\r");
        screen.wait_for("postfix-out  8 messages");
        screen.signal(signal);
        assert_eq!(screen.end(), Some(status), "{signal} in an instance");
    }
    // Of the process that shows an instance, only that screen ends.
    let mut screen = browse_all(&main, &[], USUAL);
    screen.keys("G\r");
    screen.wait_for("postfix-out  8 messages");
    kill(child_of(screen.child.id()), Signal::SIGKILL).expect("kill");
    screen.wait_for("postfix-out: its screen has ended early");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn an_instance_is_not_shown_any_longer_than_the_list_lives() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-out");
    let main = main_instance("-", &[&fixture.instance.etc()]);
    let mut screen = browse_all(&main, &[], USUAL);
    screen.keys("G\r");
    screen.wait_for("postfix-out  8 messages");
    let shown = child_of(screen.child.id());
    screen.signal(Signal::SIGKILL);
    let deadline = Instant::now() + Duration::from_secs(20);
    while Path::new(&format!("/proc/{shown}")).exists() {
        assert!(Instant::now() < deadline, "{shown} goes on");
        thread::sleep(Duration::from_millis(10));
    }
    let _ = screen.child.wait();
}

/// A shell waits only for the process that it has started, and gets the terminal
/// back when that one is stopped.
#[test]
fn ctrl_z_in_an_instance_stops_the_list_too() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::named("postfix-out");
    let main = main_instance("-", &[&fixture.instance.etc()]);
    let browse = fixture::command(&main.etc(), &["--all-instances"]);
    let words = std::iter::once(browse.get_program()).chain(browse.get_args());
    let line: Vec<String> = words.map(|w| w.display().to_string()).collect();
    let mut shell = Command::new("bash");
    let script = format!("set -m; {}; echo stopped; fg >/dev/null", line.join(" "));
    shell.arg("-c").arg(script).env_clear();
    for (name, value) in browse.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let mut screen = OnScreen::start(&shell, USUAL);
    screen.wait_for("INSTANCE");
    screen.wait_without("counting");
    screen.keys("G\r");
    screen.wait_for("postfix-out  8 messages");
    screen.keys("\u{1a}");
    screen.wait_until("both screens again", |_| {
        let written = String::from_utf8_lossy(&screen.bytes()).into_owned();
        written.contains("stopped")
    });
    screen.wait_for("postfix-out  8 messages");
    screen.keys("\u{3}");
    assert_eq!(screen.end(), Some(0));
}
