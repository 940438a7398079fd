//! The table of an applet's options, in groups. It feeds the scanner, `--help`,
//! the shell completions and the test of the manual pages.

/// An option of an applet.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// The letter of one of Postfix's own options.
    pub letter: Option<char>,
    /// The long name of an option that Postfix does not have.
    pub long: Option<&'static str>,
    /// Whether it takes a value.
    pub value: Value,
    /// The valid values.
    pub choices: Choices,
    /// The explanation in `--help`. If it is empty, the option is only named
    /// there.
    pub help: &'static str,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The option has no value.
    None,
    /// The option requires a value; this is its name in the help.
    Required(&'static str),
    /// The option has an optional value, which follows an equals sign:
    /// `--count=from`. Long options only.
    Optional(&'static str),
}

/// The valid values of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// Values that cannot be listed.
    Any,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, separated by commas.
    ListOf(&'static [&'static str]),
}

impl Opt {
    /// One of Postfix's options.
    pub const fn short(letter: char, value: Value, help: &'static str) -> Self {
        Self {
            letter: Some(letter),
            long: None,
            value,
            choices: Choices::Any,
            help,
        }
    }

    /// An option that Postfix does not have.
    pub const fn long(name: &'static str, value: Value, help: &'static str) -> Self {
        Self {
            letter: None,
            long: Some(name),
            value,
            choices: Choices::Any,
            help,
        }
    }

    /// Restricts the value to one of `words`.
    pub const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self {
            choices: Choices::OneOf(words),
            ..self
        }
    }

    /// Restricts the value to a list of `words`.
    pub const fn list_of(self, words: &'static [&'static str]) -> Self {
        Self {
            choices: Choices::ListOf(words),
            ..self
        }
    }

    /// The name of the option without its value: `-d`, `--from`.
    pub fn name(&self) -> String {
        match (self.letter, self.long) {
            (Some(letter), _) => format!("-{letter}"),
            (None, long) => format!("--{}", long.unwrap_or_default()),
        }
    }

    /// The option as it is typed, with the name of its value or, if there are
    /// few, with all valid values: `--source=auto|spool|showq`.
    pub fn spelling(&self) -> String {
        let name = self.name();
        let few = self.few_choices();
        let value = |name: &'static str| few.clone().unwrap_or_else(|| name.to_owned());
        match (self.value, self.letter) {
            (Value::None, _) => name,
            (Value::Required(v), Some(_)) => format!("{name} {}", value(v)),
            (Value::Required(v), None) => format!("{name}={}", value(v)),
            (Value::Optional(v), _) => format!("{name}[={}]", value(v)),
        }
    }

    /// The valid values as a part of the spelling, if they are few enough.
    fn few_choices(&self) -> Option<String> {
        match self.choices {
            Choices::OneOf(words) if words.len() <= 3 => Some(words.join("|")),
            _ => None,
        }
    }

    /// The explanation in `--help`, with the valid values that the spelling
    /// does not show.
    pub fn explanation(&self) -> String {
        match self.choices {
            Choices::Any => self.help.to_owned(),
            _ if self.few_choices().is_some() => self.help.to_owned(),
            Choices::OneOf(words) | Choices::ListOf(words) => {
                format!("{}: {}", self.help, words.join(", "))
            }
        }
    }
}

/// A group of options under one heading of `--help`.
#[derive(Clone, Debug)]
pub struct OptionGroup {
    /// The heading, without a colon.
    pub heading: &'static str,
    /// The options, in order.
    pub options: Vec<Opt>,
}

impl OptionGroup {
    /// A group of these options.
    pub fn new(heading: &'static str, options: &[Opt]) -> Self {
        Self {
            heading,
            options: options.to_vec(),
        }
    }
}

/// Returns all options of some groups, in order.
pub fn options_of(groups: Vec<OptionGroup>) -> Vec<Opt> {
    groups.into_iter().flat_map(|group| group.options).collect()
}
