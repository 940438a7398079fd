//! What can be wrong with a selection on the command line: said before
//! anything is read, with what to write instead.

use thiserror::Error;

/// A selection that cannot be used. Display is the whole complaint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// A value that the option does not understand.
    #[error("bad value for --{option}: {value}: {problem}")]
    Value {
        /// The option's name.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is wrong, or what would be right.
        problem: String,
    },
    /// `--not` without an option to negate.
    #[error("--not negates the selection option after it, and there is none")]
    NothingToNegate,
}
