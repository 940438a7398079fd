//! Completion candidates for the last word of a command line.
//!
//! Reads the preceding words by the scanner's rules: a value follows the option
//! that requires it, and options end at the first operand. Independent of
//! shells.

use clap::{Arg, Command, ValueHint};

/// The words that the shell should offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Words, all of which begin with the typed text.
    Words(Vec<Candidate>),
    /// File names.
    Files,
    /// Directory names.
    Directories,
}

/// A word that the shell offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word.
    pub word: String,
    /// Its explanation; may be empty.
    pub help: String,
}

/// Kinds of values that are looked up on this machine. Each holds the directory
/// of main.cf that the command line names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineValues<'a> {
    /// The batches in the journal, for `--undo` and `--journal-show`.
    Batches(Option<&'a str>),
    /// The instances, for `--instance`.
    Instances(Option<&'a str>),
}

/// Returns the candidates for the last of `words`. `find` looks up values on
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

/// The context that the words before the last one establish.
struct TypedContext<'c> {
    /// The option whose value is the next word.
    awaits_value: Option<&'c Arg>,
    /// Whether options have ended, so that only operands can follow.
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
                // An applet with an option table of Postfix's.
                scanned.only_operands = true;
            }
            if scanned.only_operands {
                break;
            }
        }
        scanned
    }

    /// Reads a word of short options.
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

/// Whether the option's value is the next word.
fn needs_value(option: &Arg) -> bool {
    option.get_action().takes_values() && !option.is_require_equals_set()
}

/// Returns the options that begin with `typed`. Options without an explanation
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

/// Returns the operands that begin with `typed`.
fn operands(command: &Command, typed: &str) -> Answer {
    let has_values = |a: &&Arg| !a.get_possible_values().is_empty();
    let known = command.get_positionals().find(has_values);
    match known.or_else(|| command.get_positionals().next()) {
        Some(operand) => table_values(operand, typed, ""),
        None => Answer::Words(Vec::new()),
    }
}

/// Returns the option's values that begin with `typed`, each as a whole word
/// with `prefix` in front.
fn values(
    option: &Arg,
    typed: &str,
    prefix: &str,
    scanned: &TypedContext<'_>,
    find: impl Fn(MachineValues<'_>) -> Vec<Candidate>,
) -> Answer {
    let directory = scanned.directory.as_deref();
    let found = match option.get_long() {
        Some("undo" | "journal-show") => find(MachineValues::Batches(directory)),
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

/// Returns the values that the table lists for an option or operand.
fn table_values(argument: &Arg, typed: &str, prefix: &str) -> Answer {
    let words = argument.get_possible_values();
    if words.is_empty() {
        return match argument.get_value_hint() {
            ValueHint::FilePath => Answer::Files,
            ValueHint::DirPath => Answer::Directories,
            _ => Answer::Words(Vec::new()),
        };
    }
    // In a list of values, only the last one is completed.
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
