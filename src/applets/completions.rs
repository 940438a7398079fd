//! `spoolbox completions SHELL`: what a shell completes, for every applet,
//! from the tables that the applets read their own command lines with.
//!
//! Owns which words a value can be. The scripts are clap_complete's.

use anyhow::{Error, Result};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};
use clap_complete::{Shell, generate};

use super::long_options;
use super::long_options::{ParsedOptions, print};
use super::{APPLETS, Call, FRONT, Fatal, front};
use crate::cli::{Opt, Value};
use crate::listing::COUNTED_BY;
use crate::spool::Queue;

const PROGRAM: &str = "spoolbox completions";
/// Applets that are called by their own names too. Links named postfix and
/// sendmail are never made: what completes those is Postfix's business.
const LINKED: [&str; 4] = ["mailq", "postcat", "postqueue", "postsuper"];

/// What a value can be, by what the tables call it.
const WORDS: [(&str, &[&str]); 6] = [
    ("WHERE", &["auto", "spool", "showq"]),
    ("VERSION", &["3.7", "3.11"]),
    (
        "KEY,...",
        &["id", "age", "size", "sender", "recipients", "queue"],
    ),
    ("STYLE", &["iso", "epoch", "relative"]),
    ("S,...", &["active", "hold", "expire"]),
    ("json", &["json"]),
];

/// Prints the script.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let done = match long_options::parse(command(), &call.arguments) {
        Ok(ParsedOptions::Text(text)) => print(&text),
        Ok(ParsedOptions::Work(matches)) => match matches.get_one::<Shell>("SHELL") {
            Some(shell) => script(*shell),
            None => Ok(()),
        },
        Err(error) => Err(error),
    };
    done.map_err(|error: Error| long_options::complain(PROGRAM, &error))
}

/// The applet's own command line.
pub fn command() -> Command {
    let shells = [Shell::Bash, Shell::Zsh, Shell::Fish];
    Command::new(PROGRAM)
        .about("Prints a script that makes a shell complete the applets' options")
        .arg(
            Arg::new("SHELL")
                .help("bash, zsh or fish")
                .required(true)
                .value_parser(
                    PossibleValuesParser::new(shells.map(|s| s.to_string())).map(move |name| {
                        let named = shells.into_iter().find(|shell| shell.to_string() == name);
                        named.unwrap_or(Shell::Bash)
                    }),
                ),
        )
}

fn script(shell: Shell) -> Result<()> {
    let mut out = Vec::new();
    let all = APPLETS.iter().map(|applet| {
        let command = (applet.command)();
        command.name(applet.name).about(applet.summary)
    });
    let mut whole = front::command().no_binary_name(false).subcommands(all);
    generate(shell, &mut whole, FRONT, &mut out);
    for applet in APPLETS.iter().filter(|a| LINKED.contains(&a.name)) {
        let mut command = (applet.command)().name(applet.name);
        generate(shell, &mut command, applet.name, &mut out);
    }
    print(&String::from_utf8_lossy(&out))
}

/// A command line of one of Postfix's tools, from its table.
pub fn of_table(options: &[Opt]) -> Command {
    Command::new(FRONT)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(options.iter().map(argument))
}

fn argument(option: &Opt) -> Arg {
    let name = option.spelling();
    let mut argument = Arg::new(name).help(option.help);
    if let Some(letter) = option.letter {
        argument = argument.short(letter);
    }
    if let Some(long) = option.long {
        argument = argument.long(long);
    }
    match option.value {
        Value::None => argument.action(ArgAction::SetTrue),
        Value::Required(value) => valued(argument, value),
        Value::Optional(value) => valued(argument, value).num_args(0..=1).require_equals(true),
    }
}

fn valued(argument: Arg, value: &'static str) -> Arg {
    let argument = argument.value_name(value).action(ArgAction::Append);
    let words = WORDS.iter().find(|(name, _)| *name == value);
    match (words, value) {
        (Some((_, words)), _) => among(argument, *words),
        (None, "BY") => among(argument, COUNTED_BY.map(|(name, _)| name)),
        (None, "Q,...") => among(argument, Queue::LISTED.map(Queue::name)),
        (None, "DIR") => argument.value_hint(ValueHint::DirPath),
        (None, "FILE") => argument.value_hint(ValueHint::FilePath),
        (None, _) => argument.value_parser(value_parser!(String)),
    }
}

/// An argument that is one of these words.
pub fn among(argument: Arg, words: impl IntoIterator<Item = impl Into<PossibleValue>>) -> Arg {
    argument.value_parser(PossibleValuesParser::new(words))
}
