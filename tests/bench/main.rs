//! The benchmark: ours and Postfix's on the same spool, alternating, warm and
//! cold, medians and ratios. Run by hand, as root, with Postfix installed:
//!
//!     cargo bench -- [MESSAGES [ROUNDS]]        (default: 100000 5)
//!
//! Checks that both print the same before any time counts. Nothing here
//! asserts a time: these are measurements, and machines are noisy.
// A benchmark prints its figures.
#![allow(clippy::print_stdout)]

mod spool;
mod timing;

use std::process::ExitCode;

use spool::Spool;
use timing::{Cache, Contest, Program};

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
    let spool = Spool::build(messages);
    match run(&spool, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(difference) => {
            println!("NOT EQUAL: {difference}");
            ExitCode::FAILURE
        }
    }
}

fn run(spool: &Spool, rounds: usize) -> Result<(), String> {
    println!(
        "{:<28} {:>10} {:>10} {:>8} {:>12}",
        "", "Postfix", "ours", "ratio", "our memory"
    );
    for (label, option, cache) in [
        ("postqueue -p, warm", "-p", Cache::Warm),
        ("postqueue -j, warm", "-j", Cache::Warm),
        ("postqueue -p, cold", "-p", Cache::Cold),
    ] {
        let contest = Contest {
            label,
            theirs: Program::theirs("postqueue", &["-c", &spool.etc(), option]),
            ours: Program::ours("postqueue", &["-c", &spool.etc(), option]),
            cache,
            rounds,
        };
        println!("{}", contest.run()?);
    }
    let first = timing::first_lines(&Program::ours("postqueue", &["-c", &spool.etc(), "-p"]), 3);
    println!(
        "{:<28} {:>21} ms",
        "first 3 lines, ours",
        format!("{:.1}", first.as_secs_f64() * 1e3)
    );
    Ok(())
}
