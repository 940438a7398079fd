//! The rest of a command line after its options, and which arguments are
//! refused as operands.
//!
//! Options end at the first operand. getopt(3) would ignore an option after
//! that; if it is `--dry-run`, mail would be deleted. It is therefore an error
//! here, before anything is done.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;

use crate::text::to_printable;

/// Why the options ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsEnd {
    /// An operand, or the end of the command line, follows.
    AtOperand,
    /// The same, directly after this option, whose optional value is missing.
    AfterBare(&'static str),
    /// The argument `--` was given.
    AtDashes,
}

/// Why an operand is refused. Nothing has been done yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperandError {
    /// The operand looks like an option.
    #[error("{} after {after}: options come first; nothing was done", to_printable(.operand.as_bytes()))]
    Option {
        /// The operand.
        operand: OsString,
        /// The noun for what precedes it: "the queue name".
        after: &'static str,
    },
    /// The operand looks like the value of the preceding option, which takes
    /// one only after an equals sign.
    #[error("--{option} takes a value after an equals sign only: write --{option}={}", to_printable(.value.as_bytes()))]
    Value {
        /// The option.
        option: &'static str,
        /// The operand.
        value: OsString,
    },
}

impl OperandError {
    /// Whether the error concerns a long option, which no Postfix tool has.
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

    /// Returns the arguments after the operand `word`, if that is the first one
    /// and an option follows it.
    pub fn options_after(&self, word: &str) -> Option<Vec<OsString>> {
        match self.list.as_slice() {
            [first, rest @ ..] if self.end != OptionsEnd::AtDashes && first == word => {
                let option = rest.first().filter(|next| looks_like_option(next));
                option.map(|_| rest.to_vec())
            }
            _ => None,
        }
    }

    /// Returns all operands, if none looks like an option. `noun` describes one
    /// operand: "the queue name".
    ///
    /// # Errors
    ///
    /// The first operand that begins with `-`, even after `--`; a lone `-` is
    /// an operand. An operand that follows an option without its optional
    /// value.
    pub fn without_options(self, noun: &'static str) -> Result<Vec<OsString>, OperandError> {
        self.check(noun)?;
        Ok(self.list)
    }

    /// Like [`Operands::without_options`], but also accepts an operand after an
    /// option without its optional value if `is_operand` says that it cannot be
    /// that value.
    ///
    /// # Errors
    ///
    /// Those of [`Operands::without_options`].
    pub fn without_options_or_value(
        self,
        noun: &'static str,
        is_operand: impl Fn(&OsStr) -> bool,
    ) -> Result<Vec<OsString>, OperandError> {
        match self.check(noun) {
            Err(OperandError::Value { value, .. }) if is_operand(&value) => Ok(self.list),
            checked => checked.map(|()| self.list),
        }
    }

    /// Returns all operands of a command that changes nothing: after `--`, every
    /// argument is one, as in Postfix.
    ///
    /// # Errors
    ///
    /// Those of [`Operands::without_options`], except for operands after `--`.
    pub fn any_after_dashes(self, noun: &'static str) -> Result<Vec<OsString>, OperandError> {
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
    fn operands_that_look_like_options_are_refused() {
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
    fn any_argument_after_dashes_is_an_operand() {
        let list = ["-file", "--json"];
        assert_eq!(
            operands(&list, OptionsEnd::AtDashes)
                .any_after_dashes("x")
                .unwrap(),
            list
        );
        assert!(
            operands(&list, OptionsEnd::AtOperand)
                .any_after_dashes("x")
                .is_err()
        );
        let list = ["-", "", "a-b"];
        assert_eq!(
            operands(&list, OptionsEnd::AtOperand)
                .any_after_dashes("x")
                .unwrap(),
            list
        );
    }
}
