//! `postqueue --watch`: it draws in place, follows the queue and the size of
//! the terminal, and leaves the terminal as it was, however it ends.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::screen::OnScreen;
use crate::support::{Met, Needs, require, sample};

fn call(instance: &Instance, arguments: &[&str]) -> Invocation {
    Invocation::new(Tool::Postqueue, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TERM", "xterm")
}

fn start(instance: &Instance, arguments: &[&str], size: (u16, u16)) -> OnScreen {
    let call = call(instance, arguments);
    OnScreen::start(&call.command(Program::Ours, instance), size)
}

#[test]
fn a_count_follows_the_queue_and_ends_with_q() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let sample = sample::fill(&instance);
    let mut screen = start(&instance, &["--count=queue", "--watch=1s"], (24, 80));
    let shown = screen.wait_for("         2  deferred");
    assert!(shown.contains("Every 1 s, last at 2"), "{shown}");
    assert!(shown.contains("(q: quit"), "{shown}");
    let path = instance.queue_directory().join(&sample.deferred.path);
    fs::remove_file(path).expect("a message");
    screen.wait_for("         1  deferred");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn a_listing_is_cut_to_the_size_and_follows_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let mut screen = start(&instance, &["-p", "--watch=1m"], (6, 40));
    screen.wait_for("-Queue ID-");
    assert!(!screen.text().contains("Request"));
    screen.resize(60, 100);
    let shown = screen.wait_for("in 6 Requests.");
    assert!(shown.contains("Mail system is down"), "{shown}");
    // Ctrl-C is a key here, and ends it as q does.
    screen.keys("\u{3}");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn signals_end_it_and_the_terminal_is_as_before() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for (signal, status) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let mut screen = start(&instance, &["--ids", "--watch"], (24, 80));
        screen.wait_for("Every 2 s");
        screen.signal(signal);
        assert_eq!(screen.end(), Some(status), "{signal}");
    }
}

#[test]
fn it_can_be_stopped_and_continued() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let mut screen = start(&instance, &["--ids", "--watch=1s"], (24, 80));
    screen.wait_for("Every 1 s");
    screen.keys("\u{1a}");
    // In a session of its own nobody could continue it, and the kernel does
    // not stop it; it draws again.
    thread::sleep(Duration::from_millis(300));
    screen.wait_for("Every 1 s");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let refused = |invocation: Invocation, part: &str| {
        let output = invocation.run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
        assert!(output.stderr_text().contains(part), "{output:?}");
    };
    refused(call(&instance, &["-p", "--watch"]), "must be a terminal");
    for wrong in [
        &["-f", "--watch"][..],
        &["--prometheus", "--watch"],
        &["--ids", "--null", "--watch"],
        &["-p", "--all-instances", "--watch"],
    ] {
        refused(call(&instance, wrong), "--watch requires a listing");
    }
    refused(call(&instance, &["-p", "--watch=0s"]), "such as 2s or 1m");
    if require(Needs::Root) == Met::Yes {
        let dumb = call(&instance, &["-p", "--watch"]).env("TERM", "dumb");
        let mut screen = OnScreen::start(&dumb.command(Program::Ours, &instance), (24, 80));
        screen.wait_for("TERM is dumb");
        assert_eq!(screen.end(), Some(69));
    }
}
