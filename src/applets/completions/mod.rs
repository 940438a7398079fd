//! `spoolbox completions SHELL`: prints the script that makes a shell complete
//! the applets' command lines.
//!
//! The script only asks: for each word it calls `spoolbox completions --words`,
//! which answers from the tables that the applets read their own command lines
//! with. So every shell offers the same, also what the queue contains.

mod candidates;
mod lookup;

use std::ffi::OsString;

use anyhow::{Error, Result};
use clap::{Arg, Command};

use super::long_options;
use super::long_options::{ParsedOptions, print};
use super::option_table::among;
use super::{APPLETS, Call, FRONT, Fatal, front};
use candidates::Answer;

const PROGRAM: &str = "spoolbox completions";
/// The option with which the scripts ask.
const WORDS: &str = "words";

/// The shells and their scripts.
pub const SCRIPTS: [(&str, &str); 3] = [
    ("bash", include_str!("spoolbox.bash")),
    ("zsh", include_str!("_spoolbox")),
    ("fish", include_str!("spoolbox.fish")),
];

/// Prints the script, or answers one.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let done = match long_options::parse(command(), &call.arguments) {
        Ok(ParsedOptions::Text(text)) => print(&text),
        Ok(ParsedOptions::Work(mut matches)) => match matches.remove_many::<OsString>(WORDS) {
            Some(words) => print(&answer(call, words.collect())),
            None => matches
                .get_one::<String>("SHELL")
                .and_then(|shell| SCRIPTS.iter().find(|(name, _)| name == shell))
                .map_or(Ok(()), |(_, script)| print(script)),
        },
        Err(error) => Err(error),
    };
    done.map_err(|error: Error| long_options::complain(PROGRAM, &error))
}

/// The applet's own command line.
pub fn command() -> Command {
    let shells = Arg::new("SHELL")
        .help("The shell of the script")
        .required_unless_present(WORDS);
    // For the scripts only: what is typed, up to the word to be completed.
    let words = Arg::new(WORDS)
        .long(WORDS)
        .num_args(0..)
        .allow_hyphen_values(true)
        .value_parser(clap::value_parser!(OsString))
        .exclusive(true)
        .hide(true);
    Command::new(PROGRAM)
        .about("Prints a script that makes a shell complete the applets' options")
        .arg(among(shells, SCRIPTS.map(|(shell, _)| shell)))
        .arg(words)
}

/// What may follow in the place of the last word.
fn answer(call: &Call, words: Vec<OsString>) -> String {
    let words: Vec<String> = words
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let Some((program, mut words)) = words.split_first() else {
        return String::new();
    };
    let mut name = program.rsplit('/').next().unwrap_or_default();
    if name == FRONT
        && let Some((first, rest)) = words.split_first()
        && !rest.is_empty()
    {
        (name, words) = (first, rest);
    }
    let command = match APPLETS.iter().find(|applet| applet.name == name) {
        Some(applet) => (applet.command)(),
        None if name == FRONT => applets(),
        None => return String::new(),
    };
    let answer = candidates::of(&command, words, |place| lookup::find(call, place));
    lines(answer)
}

/// The command line of `spoolbox` itself, with the applets as its operand.
fn applets() -> Command {
    front::command().mut_arg("APPLET", |argument| {
        among(argument, APPLETS.map(|applet| applet.name))
    })
}

/// An answer as the scripts read it: a line for each candidate, with a tab
/// before its explanation; or what kind of file to complete.
fn lines(answer: Answer) -> String {
    match answer {
        Answer::Files => ":files\n".to_owned(),
        Answer::Directories => ":directories\n".to_owned(),
        Answer::Words(words) => words
            .iter()
            .map(|candidate| format!("{}\t{}\n", candidate.word, candidate.help))
            .collect(),
    }
}
