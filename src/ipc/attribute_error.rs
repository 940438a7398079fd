//! The errors of attribute lists, with Postfix's warnings.

use std::io;

use thiserror::Error;

/// An error that ends the reading of an attribute list.
#[derive(Debug, Error)]
#[error("{fault} (from {peer})")]
pub struct AttributeError {
    /// The path of the daemon's socket.
    pub(super) peer: String,
    pub(super) fault: AttributeFault,
}

/// The kinds of errors.
#[derive(Debug, Error)]
pub(super) enum AttributeFault {
    /// The protocol has another attribute at this position.
    #[error("unexpected attribute {found}")]
    Unexpected {
        found: String,
        expected: &'static str,
    },
    /// The list ended before this attribute.
    #[error("missing attribute {0}")]
    Missing(&'static str),
    /// The daemon uses another protocol.
    #[error("unexpected protocol {found}")]
    Protocol {
        found: String,
        expected: &'static str,
    },
    /// The value is not a number.
    #[error("malformed number {0}")]
    Number(String),
    /// Nothing was received where a list may end.
    #[error("no more input")]
    Gone(ReadFailure),
    /// Nothing was received where an attribute has to continue.
    #[error("no {1}")]
    Cut(ReadFailure, AttributePart),
    /// The input ended within a name or value.
    #[error("half a {1}")]
    Truncated(ReadFailure, AttributePart),
}

/// Why nothing was received.
#[derive(Debug)]
pub enum ReadFailure {
    /// The daemon closed the connection.
    Closed,
    /// The daemon sent nothing before the time limit.
    TimedOut,
    /// The connection failed.
    Failed(io::Error),
}

/// A part of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributePart {
    /// Its name.
    Name,
    /// Its value.
    Value,
}

impl std::fmt::Display for AttributePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AttributePart::Name => "name",
            AttributePart::Value => "value",
        })
    }
}

impl AttributeError {
    /// Postfix's warning about the error; `None` if Postfix does not warn.
    pub fn warning(&self) -> Option<String> {
        let peer = &self.peer;
        let reading = "while reading input attribute";
        Some(match &self.fault {
            AttributeFault::Unexpected { found, expected } => {
                format!("unexpected attribute {found} from {peer} socket (expecting: {expected})")
            }
            AttributeFault::Missing(name) => {
                format!("missing attribute {name} in input from {peer} socket")
            }
            AttributeFault::Protocol { found, expected } => {
                format!("unexpected protocol {found} from {peer} socket (expected: {expected})")
            }
            AttributeFault::Number(text) => {
                format!("malformed numerical data from {peer} socket {reading} value: {text}")
            }
            AttributeFault::Gone(_) => return None,
            AttributeFault::Cut(ReadFailure::TimedOut, part) => {
                format!("timeout on {peer} socket {reading} {part}")
            }
            AttributeFault::Cut(_, part) => {
                format!("premature end-of-input on {peer} socket {reading} {part}")
            }
            AttributeFault::Truncated(_, part) => {
                format!("unexpected end-of-input from {peer} socket {reading} {part}")
            }
        })
    }

    /// The failure of the connection, if that is the error.
    pub fn read_failure(&self) -> Option<&ReadFailure> {
        match &self.fault {
            AttributeFault::Gone(failure)
            | AttributeFault::Cut(failure, _)
            | AttributeFault::Truncated(failure, _) => Some(failure),
            _ => None,
        }
    }

    /// Whether the daemon closed the connection before it had read all data
    /// sent to it.
    pub fn is_reset(&self) -> bool {
        matches!(self.read_failure(), Some(ReadFailure::Failed(error))
            if error.kind() == io::ErrorKind::ConnectionReset)
    }

    /// Whether an unexpected attribute was received. Its value was not read.
    pub fn is_unexpected(&self) -> bool {
        matches!(self.fault, AttributeFault::Unexpected { .. })
    }

    /// Whether nothing was received where a list may begin or end.
    pub fn is_gone(&self) -> bool {
        matches!(self.fault, AttributeFault::Gone(_))
    }
}
