//! Errors in the selection options of a command line. They are found before
//! anything is read, and say what to write instead.

use thiserror::Error;

/// A selection option that cannot be used. Display is the complete error message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// The option does not accept the value.
    #[error("bad value for --{option}: {value}: {problem}")]
    Value {
        /// The name of the option.
        option: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with the value, or which values are valid.
        problem: String,
    },
    /// `--not` is not followed by a selection option.
    #[error("--not negates the selection option after it, and there is none")]
    NothingToNegate,
    /// A selection option is missing before or after `--or`.
    #[error("--or needs a selection option before and after it")]
    NothingToJoin,
    /// No text is compared or shown, to which `--raw` applies.
    #[error("--raw needs --subject, --header or --body")]
    NothingToCompare,
}
