//! The benchmark: ours and Postfix's on the same spool, alternating, warm and
//! cold, medians and ratios. Run by hand, as root, with Postfix installed:
//!
//!     cargo bench -- [listing|selection|qshape|acting|moving|trash|deleting|starting|load|postcat|browse] [MESSAGES [ROUNDS]]
//!
//! (default: all of them, 100000 messages, 5 rounds).
//!
//! A third column is the limit: the system calls that the work cannot do
//! without, in a bare loop. Checks that both print the same before any time
//! counts. Nothing here
//! asserts a time: these are measurements, and machines are noisy.
// A benchmark prints its figures.
#![allow(clippy::print_stdout)]

mod browse;
mod limit;
mod load;
mod postcat;
mod postsuper;
#[path = "../suite/support/pty.rs"]
#[allow(dead_code)]
mod pty;
mod qshape;
#[path = "../suite/support/screen.rs"]
#[allow(dead_code)]
mod screen;
mod selection;
mod spool;
mod timing;

use std::process::ExitCode;

use limit::Limit;
use spool::Spool;
use timing::{Cache, Contest, Order, Program, Row};

const MESSAGES: usize = 100_000;
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    // `cargo bench` passes a flag of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let messages = numbers.next().unwrap_or(MESSAGES);
    let rounds = numbers.next().unwrap_or(ROUNDS);
    if let Some(missing) = timing::missing() {
        println!("cannot measure: {missing}");
        return ExitCode::FAILURE;
    }
    timing::print_machine();
    println!("{messages} deferred messages with defer logs, {rounds} rounds\n");
    println!("{}", Row::heading());
    match measure(messages, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(difference) => {
            println!("NOT EQUAL: {difference}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for by name, else everything.
fn measure(messages: usize, rounds: usize) -> Result<(), String> {
    let names = [
        "listing",
        "selection",
        "qshape",
        "acting",
        "moving",
        "trash",
        "deleting",
        "starting",
        "load",
        "postcat",
        "browse",
    ];
    let asked = |name: &str| {
        let mut named = std::env::args()
            .filter(|a| names.contains(&a.as_str()))
            .peekable();
        named.peek().is_none() || named.any(|a| a == name)
    };
    if asked("listing") || asked("selection") || asked("qshape") {
        let spool = Spool::build(messages);
        if asked("listing") {
            run(&spool, rounds)?;
        }
        if asked("selection") {
            selection::run(&spool, rounds)?;
        }
        if asked("qshape") {
            qshape::run(&spool, rounds)?;
        }
    }
    if asked("postcat") {
        postcat::run(rounds)?;
    }
    if asked("acting") {
        postsuper::matched(messages, rounds);
    }
    if asked("moving") {
        postsuper::moving(messages, rounds);
    }
    if asked("trash") {
        postsuper::trash(messages, rounds);
    }
    if asked("starting") {
        postsuper::starting(rounds);
    }
    if asked("load") {
        load::run(messages);
    }
    if asked("browse") {
        browse::run(messages);
    }
    if asked("deleting") {
        postsuper::deleting(messages, rounds);
    }
    Ok(())
}

fn run(spool: &Spool, rounds: usize) -> Result<(), String> {
    for (label, option, cache) in [
        ("postqueue -p, warm", "-p", Cache::Warm),
        ("postqueue -j, warm", "-j", Cache::Warm),
        ("postqueue -p, cold", "-p", Cache::Cold),
        ("postqueue -j, cold", "-j", Cache::Cold),
    ] {
        let contest = Contest {
            label,
            theirs: Program::theirs("postqueue", &["-c", &spool.etc(), option]),
            ours: Program::ours("postqueue", &["-c", &spool.etc(), option]),
            cache,
            rounds,
            order: Order::AsPrinted,
            limit: (Limit::MessagesAndLogs, spool),
        };
        println!("{}", contest.run()?);
    }
    let listing = Program::ours("postqueue", &["-c", &spool.etc(), "-p"]);
    // The first call after the cold ones reads the program itself from the disk.
    timing::first_lines(&listing, 3);
    let first = timing::first_lines(&listing, 3);
    println!(
        "{:<30} {:>21} ms",
        "first 3 lines, ours",
        format!("{:.1}", first.as_secs_f64() * 1e3)
    );
    Ok(())
}
