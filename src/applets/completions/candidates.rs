//! Which words can be in the place of the last one of a command line.
//!
//! Reads the words before it by the rules of the scanner: a value follows the
//! option that needs it, and options end at the first operand. Independent of
//! shells.

use clap::{Arg, Command, ValueHint};

/// What a shell offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These words, all of which begin with what is typed.
    Words(Vec<Candidate>),
    /// Files.
    Files,
    /// Directories.
    Directories,
}

/// A word that a shell offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word.
    pub word: String,
    /// Its explanation, or nothing.
    pub help: String,
}

/// Values that are not in a table but on this machine, and the directory of
/// main.cf that the command line names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineValues<'a> {
    /// The batches in the trash, for `--undo`.
    Batches(Option<&'a str>),
    /// The instances, for `--instance`.
    Instances(Option<&'a str>),
}

/// What can be in the place of the last of `words`; `find` looks for values on
/// this machine.
pub fn of(
    command: &Command,
    words: &[String],
    find: impl Fn(MachineValues<'_>) -> Vec<Candidate>,
) -> Answer {
    let Some((typed, before)) = words.split_last() else {
        return Answer::Words(Vec::new());
    };
    let scanned = TypedContext::of(command, before);
    if let Some(option) = scanned.awaits_value {
        return values(option, typed, "", &scanned, find);
    }
    if scanned.only_operands || !typed.starts_with('-') {
        return operands(command, typed);
    }
    match typed.split_once('=') {
        Some((name, value)) if name.starts_with("--") => {
            let long = name.trim_start_matches('-');
            match command.get_arguments().find(|a| a.get_long() == Some(long)) {
                Some(option) => values(option, value, &format!("{name}="), &scanned, find),
                None => Answer::Words(Vec::new()),
            }
        }
        _ => Answer::Words(options(command, typed)),
    }
}

/// What the words before the last one amount to.
struct TypedContext<'c> {
    /// The option whose value is the next word.
    awaits_value: Option<&'c Arg>,
    /// Whether no option can follow.
    only_operands: bool,
    /// The value of `-c` or, in sendmail, `-C`.
    directory: Option<String>,
}

impl<'c> TypedContext<'c> {
    fn of(command: &'c Command, words: &[String]) -> Self {
        let mut scanned = Self {
            awaits_value: None,
            only_operands: false,
            directory: None,
        };
        for word in words {
            if let Some(option) = scanned.awaits_value.take() {
                scanned.note_value(option, word);
            } else if word == "--" {
                scanned.only_operands = true;
            } else if let Some(long) = word.strip_prefix("--") {
                scanned.awaits_value = command
                    .get_arguments()
                    .find(|a| a.get_long() == Some(long) && needs_value(a));
            } else if word.len() > 1 && word.starts_with('-') {
                scanned.letters(command, word);
            } else if command.is_disable_help_flag_set() {
                // One of Postfix's tools.
                scanned.only_operands = true;
            }
            if scanned.only_operands {
                break;
            }
        }
        scanned
    }

    /// Reads a group of letters.
    fn letters(&mut self, command: &'c Command, word: &str) {
        let mut letters = word.chars().skip(1);
        while let Some(letter) = letters.next() {
            let option = command
                .get_arguments()
                .find(|a| a.get_short() == Some(letter) && needs_value(a));
            let Some(option) = option else { continue };
            let value: String = letters.collect();
            if value.is_empty() {
                self.awaits_value = Some(option);
            } else {
                self.note_value(option, &value);
            }
            return;
        }
    }

    fn note_value(&mut self, option: &Arg, value: &str) {
        if matches!(option.get_short(), Some('c' | 'C')) {
            self.directory = Some(value.to_owned());
        }
    }
}

/// Whether the next word is the option's value.
fn needs_value(option: &Arg) -> bool {
    option.get_action().takes_values() && !option.is_require_equals_set()
}

/// The options that begin with what is typed. Those that have no explanation
/// are not offered.
fn options(command: &Command, typed: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    for option in command.get_arguments().filter(|a| !a.is_hide_set()) {
        let help = option.get_help().map(ToString::to_string);
        let Some(help) = help.filter(|help| !help.is_empty()) else {
            continue;
        };
        let takes = option.get_action().takes_values();
        let mut offer = |word: String| {
            if word.starts_with(typed) {
                let help = help.clone();
                found.push(Candidate { word, help });
            }
        };
        if let Some(letter) = option.get_short() {
            offer(format!("-{letter}"));
        }
        if let Some(long) = option.get_long() {
            if !takes || option.is_require_equals_set() {
                offer(format!("--{long}"));
            }
            if takes {
                offer(format!("--{long}="));
            }
        }
    }
    found
}

/// The operands that begin with what is typed.
fn operands(command: &Command, typed: &str) -> Answer {
    let has_values = |a: &&Arg| !a.get_possible_values().is_empty();
    let known = command.get_positionals().find(has_values);
    match known.or_else(|| command.get_positionals().next()) {
        Some(operand) => table_values(operand, typed, ""),
        None => Answer::Words(Vec::new()),
    }
}

/// The values of an option that begin with what is typed; each is offered as a
/// whole word, after `prefix`.
fn values(
    option: &Arg,
    typed: &str,
    prefix: &str,
    scanned: &TypedContext<'_>,
    find: impl Fn(MachineValues<'_>) -> Vec<Candidate>,
) -> Answer {
    let directory = scanned.directory.as_deref();
    let found = match option.get_long() {
        Some("undo") => find(MachineValues::Batches(directory)),
        Some("instance") => find(MachineValues::Instances(directory)),
        _ => return table_values(option, typed, prefix),
    };
    let matching = found.into_iter().filter(|c| c.word.starts_with(typed));
    let words = matching.map(|candidate| Candidate {
        word: format!("{prefix}{}", candidate.word),
        ..candidate
    });
    Answer::Words(words.collect())
}

/// The values that the table has for an option or operand.
fn table_values(argument: &Arg, typed: &str, prefix: &str) -> Answer {
    let words = argument.get_possible_values();
    if words.is_empty() {
        return match argument.get_value_hint() {
            ValueHint::FilePath => Answer::Files,
            ValueHint::DirPath => Answer::Directories,
            _ => Answer::Words(Vec::new()),
        };
    }
    // Of a list the last member is completed.
    let (members, last) = match argument.get_value_delimiter() {
        Some(',') => typed.rsplit_once(',').unwrap_or(("", typed)),
        _ => ("", typed),
    };
    let comma = if members.is_empty() { "" } else { "," };
    let is_new = |word: &&str| !members.split(',').any(|member| member == *word);
    let offered = words
        .iter()
        .map(|value| value.get_name())
        .filter(|word| word.starts_with(last))
        .filter(is_new)
        .map(|word| Candidate {
            word: format!("{prefix}{members}{comma}{word}"),
            help: String::new(),
        });
    Answer::Words(offered.collect())
}
