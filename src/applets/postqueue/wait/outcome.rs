//! What a flush request says when it has been answered, and what became of a message
//! after it.

use std::time::Duration;

use crate::listing::write_duration;
use crate::spool::{Queue, QueueId};
use crate::text::{Charset, make_printable};

/// What is known when the flush request has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushScope {
    /// The messages have left the deferred queue. Observed with Postfix 3.7.11: the
    /// flush daemon moves them before it answers.
    Request,
    /// Nothing: the queue manager was only triggered.
    Trigger,
}

/// The state of a message after a flush request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FlushOutcome {
    /// The message was delivered, returned or deleted.
    Left,
    /// Delivery was attempted and failed, for this reason.
    DeferredAgain(Vec<u8>),
    /// The message is on hold, where it is not delivered.
    Held,
    /// No attempt has ended yet.
    Pending(Queue),
}

impl FlushOutcome {
    /// Whether it will not change soon.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Pending(_))
    }

    /// The line that is printed for a message. `limit` is how long it was followed.
    pub(super) fn line(&self, id: &QueueId, limit: Duration) -> Vec<u8> {
        let mut line = id.as_bytes().to_vec();
        line.extend_from_slice(b": ");
        match self {
            Self::Left => line.extend_from_slice(b"left the queue"),
            Self::DeferredAgain(reason) => {
                line.extend_from_slice(b"still deferred: ");
                line.extend_from_slice(reason);
            }
            Self::Held => line.extend_from_slice(b"on hold"),
            Self::Pending(queue) => {
                let what = match queue {
                    Queue::Deferred => "still deferred, not tried again within ",
                    Queue::Active => "delivery is in progress after ",
                    _ => "still in the queue after ",
                };
                line.extend_from_slice(what.as_bytes());
                let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
                write_duration(seconds, &mut line);
            }
        }
        make_printable(&mut line, Charset::Safe);
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_printable_and_name_the_reason() {
        let id = QueueId::parse(b"3A78999CD00").unwrap();
        let line = |outcome: FlushOutcome| {
            String::from_utf8(outcome.line(&id, Duration::from_secs(60))).unwrap()
        };
        assert_eq!(line(FlushOutcome::Left), "3A78999CD00: left the queue\n");
        let deferred = FlushOutcome::DeferredAgain(b"full\x1b[2J\n".to_vec());
        assert_eq!(line(deferred), "3A78999CD00: still deferred: full?[2J?\n");
        let pending = line(FlushOutcome::Pending(Queue::Deferred));
        assert!(
            pending.ends_with("not tried again within 1m0s\n"),
            "{pending}"
        );
    }
}
