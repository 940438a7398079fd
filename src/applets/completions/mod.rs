//! `spoolbox completions SHELL`: prints the script with which a shell completes
//! the applets' command lines.
//!
//! The scripts contain no tables: for each word they call `spoolbox completions
//! --words`, which answers from the option tables that the applets parse their
//! own command lines with. All shells therefore offer the same candidates,
//! including values such as the batches in the journal.

mod candidates;
mod lookup;

use std::ffi::OsString;

use anyhow::{Error, Result};
use clap::{Arg, Command};

use super::long_options;
use super::long_options::{ParsedOptions, print};
use super::option_table::among;
use super::table::{APPLETS, FRONT};
use super::{Call, Fatal};
use candidates::Answer;

const PROGRAM: &str = "spoolbox completions";
/// The option with which the scripts ask for candidates.
const WORDS: &str = "words";

/// The shells and their scripts.
pub const SCRIPTS: [(&str, &str); 3] = [
    ("bash", include_str!("spoolbox.bash")),
    ("zsh", include_str!("_spoolbox")),
    ("fish", include_str!("spoolbox.fish")),
];

/// A function that returns the command line of an applet, or of the binary, by
/// name.
pub type FindCommand = fn(&str) -> Option<Command>;

/// Prints a shell's script, or answers a script's request.
///
/// # Errors
///
/// The command line is wrong, or the output cannot be written. Both were reported.
pub fn run(call: &Call, command_of: FindCommand) -> Result<(), Fatal> {
    let done = match long_options::parse(command(), &call.arguments) {
        Ok(ParsedOptions::Text(text)) => print(&text),
        Ok(ParsedOptions::Work(mut matches)) => match matches.remove_many::<OsString>(WORDS) {
            Some(words) => print(&answer(call, command_of, words.collect())),
            None => matches
                .get_one::<String>("SHELL")
                .and_then(|shell| SCRIPTS.iter().find(|(name, _)| name == shell))
                .map_or(Ok(()), |(_, script)| print(script)),
        },
        Err(error) => Err(error),
    };
    done.map_err(|error: Error| long_options::complain(PROGRAM, &error))
}

/// The applet's command line.
pub fn command() -> Command {
    let shells = Arg::new("SHELL")
        .help("The shell of the script")
        .required_unless_present(WORDS);
    // Used by the scripts only: the typed words, up to the word to be
    // completed.
    let words = Arg::new(WORDS)
        .long(WORDS)
        .num_args(0..)
        .allow_hyphen_values(true)
        .value_parser(clap::value_parser!(OsString))
        .exclusive(true)
        .hide(true);
    Command::new(PROGRAM)
        .about("Prints a script for the completion of the applets' command lines")
        .arg(among(shells, SCRIPTS.map(|(shell, _)| shell)))
        .arg(words)
}

/// Returns the candidates for the last word.
fn answer(call: &Call, command_of: FindCommand, words: Vec<OsString>) -> String {
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
    let Some(mut command) = command_of(name) else {
        return String::new();
    };
    if name == FRONT {
        let names = APPLETS.iter().map(|applet| applet.name);
        command = command.mut_arg("APPLET", |argument| among(argument, names));
    }
    let answer = candidates::of(&command, words, |place| lookup::find(call, place));
    lines(answer)
}

/// Formats an answer for the scripts: a line for each candidate, with a tab
/// before its explanation; or a marker for file or directory names.
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
