//! What is left of a command line after its options, and which of that cannot
//! be an operand.
//!
//! Options end at the first operand. An option that follows it would be
//! ignored by getopt(3); with `--dry-run` that deletes mail, so it is an error
//! here before anything is done.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;

use crate::text::to_printable;

/// What ended the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsEnd {
    /// An operand, or the end of the command line.
    AtOperand,
    /// The same, right after an option that may have a value and has none.
    AfterBare(&'static str),
    /// The argument `--`.
    AtDashes,
}

/// Why an operand is refused. Nothing has been done then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperandError {
    /// It looks like an option.
    #[error("{} after {after}: options come first; nothing was done", to_printable(.operand.as_bytes()))]
    Option {
        /// The operand.
        operand: OsString,
        /// What precedes it: "the queue name".
        after: &'static str,
    },
    /// It looks like the value of the option before it, which takes one only
    /// after an equals sign.
    #[error("--{option} takes a value after an equals sign only: write --{option}={}", to_printable(.value.as_bytes()))]
    Value {
        /// The option.
        option: &'static str,
        /// The operand.
        value: OsString,
    },
}

impl OperandError {
    /// Whether it is about a long option, which no Postfix tool has.
    pub fn is_long(&self) -> bool {
        match self {
            Self::Option { operand, .. } => operand.as_bytes().starts_with(b"--"),
            Self::Value { .. } => true,
        }
    }
}

/// The operands of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operands {
    pub(super) list: Vec<OsString>,
    end: OptionsEnd,
}

impl Operands {
    pub(super) fn new(list: Vec<OsString>, end: OptionsEnd) -> Self {
        Self { list, end }
    }

    /// What follows the operand `word`, if that is the first and an option
    /// follows it.
    pub fn options_after(&self, word: &str) -> Option<Vec<OsString>> {
        match self.list.as_slice() {
            [first, rest @ ..] if self.end != OptionsEnd::AtDashes && first == word => {
                let option = rest.first().filter(|next| looks_like_option(next));
                option.map(|_| rest.to_vec())
            }
            _ => None,
        }
    }

    /// All of them, if none looks like an option. `noun` is what each of them
    /// is: "the queue name".
    ///
    /// # Errors
    ///
    /// The first operand that begins with `-`, also after `--`; a lone `-` is
    /// an operand. An operand that follows an option without its optional
    /// value.
    pub fn without_options(self, noun: &'static str) -> Result<Vec<OsString>, OperandError> {
        self.check(noun)?;
        Ok(self.list)
    }

    /// The same for operands that can be any file: after `--` each of them is.
    ///
    /// # Errors
    ///
    /// As of [`Operands::without_options`], but for operands after `--`.
    pub fn files(self, noun: &'static str) -> Result<Vec<OsString>, OperandError> {
        match self.end {
            OptionsEnd::AtDashes => Ok(self.list),
            _ => self.without_options(noun),
        }
    }

    fn check(&self, noun: &'static str) -> Result<(), OperandError> {
        let misplaced = self
            .list
            .iter()
            .position(|operand| looks_like_option(operand));
        if let Some((at, operand)) = misplaced.and_then(|at| Some((at, self.list.get(at)?))) {
            let after = if at == 0 { "--" } else { noun };
            let operand = operand.clone();
            return Err(OperandError::Option { operand, after });
        }
        match (self.end, self.list.first()) {
            (OptionsEnd::AfterBare(option), Some(value)) => Err(OperandError::Value {
                option,
                value: value.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Whether an argument would be an option if it preceded the operands.
fn looks_like_option(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', _, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operands(list: &[&str], end: OptionsEnd) -> Operands {
        Operands::new(list.iter().map(OsString::from).collect(), end)
    }

    #[test]
    fn what_looks_like_an_option_is_no_operand() {
        let error = |list: &[&str], end| {
            let checked = operands(list, end).without_options("the queue name");
            checked.unwrap_err().to_string()
        };
        assert_eq!(
            error(&["hold", "--dry-run"], OptionsEnd::AtOperand),
            "--dry-run after the queue name: options come first; nothing was done"
        );
        assert_eq!(
            error(&["-x"], OptionsEnd::AtDashes),
            "-x after --: options come first; nothing was done"
        );
        assert_eq!(
            error(&["from"], OptionsEnd::AfterBare("count")),
            "--count takes a value after an equals sign only: write --count=from"
        );
    }

    #[test]
    fn dashes_make_a_file_of_anything() {
        let list = ["-file", "--json"];
        assert_eq!(
            operands(&list, OptionsEnd::AtDashes).files("x").unwrap(),
            list
        );
        assert!(operands(&list, OptionsEnd::AtOperand).files("x").is_err());
        let list = ["-", "", "a-b"];
        assert_eq!(
            operands(&list, OptionsEnd::AtOperand).files("x").unwrap(),
            list
        );
    }
}
