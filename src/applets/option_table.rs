//! Converts the option tables of Postfix's tools to clap's [`Command`], from
//! which shell completions are made.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use super::table::FRONT;
use crate::cli::{Choices, Opt, Value};

/// The command line of one of Postfix's tools. Unlike our own applets, it does
/// not have clap's help option.
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
        Value::Required(value) => valued(argument, value, option.choices),
        Value::Optional(value) => valued(argument, value, option.choices)
            .num_args(0..=1)
            .require_equals(true),
    }
}

fn valued(argument: Arg, value: &'static str, choices: Choices) -> Arg {
    let argument = argument.value_name(value).action(ArgAction::Append);
    match (choices, value) {
        (Choices::OneOf(words), _) => among(argument, words.iter().copied()),
        (Choices::ListOf(words), _) => among(argument, words.iter().copied()).value_delimiter(','),
        (Choices::Any, "DIR") => argument.value_hint(ValueHint::DirPath),
        (Choices::Any, "FILE") => argument.value_hint(ValueHint::FilePath),
        (Choices::Any, _) => argument.value_parser(value_parser!(String)),
    }
}

/// An argument whose value is one of these words.
pub fn among(argument: Arg, words: impl IntoIterator<Item = impl Into<PossibleValue>>) -> Arg {
    argument.value_parser(PossibleValuesParser::new(words))
}
