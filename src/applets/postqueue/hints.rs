//! Hints that name the right tool after a wrong call of postqueue.
//!
//! Postfix's own messages must not change and do not name it, so the hint is an
//! additional line, printed on a terminal only.

use std::ffi::OsStr;

use crate::cli::ScanError;
use crate::logging::Logger;
use crate::spool::Queue;

/// Hints at the tool that has this option.
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

/// Hints at the tool for an operand, since postqueue has none.
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
