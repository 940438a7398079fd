//! The queues: their names, what they hold, and the orders in which the
//! tools visit them. Observed with Postfix 3.7.11.

use std::fmt;

/// A directory of the spool that holds messages or the logs of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Mail submitted by local programs, written by postdrop(1).
    Maildrop,
    /// Mail that cleanup(8) has finished or is still writing.
    Incoming,
    /// Mail that qmgr(8) is delivering.
    Active,
    /// Mail that could not be delivered yet.
    Deferred,
    /// Mail that waits for an administrator.
    Hold,
    /// Mail that was set aside, to look at.
    Saved,
    /// Log files: recipients that bounced.
    Bounce,
    /// Log files: why recipients were deferred.
    Defer,
    /// Log files: delivery reports that were asked for.
    Trace,
    /// Queue IDs by destination, for fast flush.
    Flush,
}

impl Queue {
    /// The message queues in the order in which a listing shows them.
    pub const LISTED: [Queue; 5] = [
        Queue::Maildrop,
        Queue::Active,
        Queue::Incoming,
        Queue::Deferred,
        Queue::Hold,
    ];

    /// Where a message is looked for by its ID alone, in this order.
    pub const SEARCHED: [Queue; 6] = [
        Queue::Maildrop,
        Queue::Incoming,
        Queue::Active,
        Queue::Deferred,
        Queue::Hold,
        Queue::Saved,
    ];

    /// The queues postsuper(1) works on unless they are named.
    pub const REPAIRED: [Queue; 8] = [
        Queue::Defer,
        Queue::Bounce,
        Queue::Maildrop,
        Queue::Incoming,
        Queue::Active,
        Queue::Deferred,
        Queue::Hold,
        Queue::Flush,
    ];

    /// The logs that go with a message, in the order in which they go.
    pub const LOGS: [Queue; 3] = [Queue::Bounce, Queue::Defer, Queue::Trace];

    const ALL: [Queue; 9] = [
        Queue::Maildrop,
        Queue::Incoming,
        Queue::Active,
        Queue::Deferred,
        Queue::Hold,
        Queue::Bounce,
        Queue::Defer,
        Queue::Trace,
        Queue::Flush,
    ];

    /// The queue of that name.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let is_it = |queue: &Queue| queue.name().as_bytes() == name;
        Self::ALL.into_iter().find(is_it)
    }

    /// Whether the files in it are messages.
    pub fn holds_messages(self) -> bool {
        Self::LISTED.contains(&self)
    }

    /// Whether the queue may have subdirectories at all: maildrop is written
    /// by postdrop(1), which makes none.
    pub fn has_subdirectories(self) -> bool {
        self != Queue::Maildrop
    }

    /// The queue's directory below the queue directory.
    pub fn name(self) -> &'static str {
        match self {
            Queue::Maildrop => "maildrop",
            Queue::Incoming => "incoming",
            Queue::Active => "active",
            Queue::Deferred => "deferred",
            Queue::Hold => "hold",
            Queue::Saved => "saved",
            Queue::Bounce => "bounce",
            Queue::Defer => "defer",
            Queue::Trace => "trace",
            Queue::Flush => "flush",
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
