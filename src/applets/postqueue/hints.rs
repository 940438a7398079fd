//! Which tool does what a wrong call of postqueue asks for.
//!
//! Postfix's messages have to stay and do not name it; so this is one more line,
//! only on a terminal.

use std::ffi::OsStr;

use crate::cli::ScanError;
use crate::logging::Logger;
use crate::spool::Queue;

/// After an option of another tool.
pub(super) fn of_option(error: &ScanError, logger: &mut Logger) {
    match error {
        ScanError::Invalid(letter @ (b'd' | b'e' | b'h' | b'H' | b'r')) => {
            let letter = char::from(*letter);
            let what = match letter {
                'd' => "deletes messages",
                'e' => "expires messages",
                'h' => "puts messages on hold",
                'H' => "releases messages from hold",
                _ => "requeues messages",
            };
            logger.hint(format!("postsuper {what}: postsuper -{letter} ID"));
        }
        ScanError::Invalid(b'q' | b'b') => {
            logger.hint("postcat shows a message: postcat -q ID");
        }
        _ => {}
    }
}

/// After an operand, of which postqueue has none.
pub(super) fn of_operand(operand: &OsStr, logger: &mut Logger) {
    let queue = Queue::LISTED.into_iter().find(|q| operand == q.name());
    match queue {
        Some(queue) => {
            let name = queue.name();
            logger.hint(format!(
                "postqueue -p --queue={name} lists one queue; qshape {name} counts it"
            ));
        }
        None => logger.hint("postqueue takes no operands: --help lists its options"),
    }
}
