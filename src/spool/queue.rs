//! The queues: their names, their contents, and the orders in which the tools
//! visit them.
//!
//! Observed with Postfix 3.7.11.

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
    /// Mail that an administrator has put on hold.
    Hold,
    /// Mail that was set aside for inspection; also the trash.
    Saved,
    /// Damaged mail that qmgr(8) has set aside. Only selections that name it and
    /// counts look into it.
    Corrupt,
    /// Log files that list bounced recipients.
    Bounce,
    /// Log files that list deferred recipients and the reasons.
    Defer,
    /// Log files for requested delivery reports.
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

    /// The queues in which a message is searched for by its ID, in this order.
    pub const SEARCHED: [Queue; 6] = [
        Queue::Maildrop,
        Queue::Incoming,
        Queue::Active,
        Queue::Deferred,
        Queue::Hold,
        Queue::Saved,
    ];

    /// The queues on which postsuper(1) works unless queues are named.
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

    /// The queues that hold the logs of a message, in the order in which the
    /// logs are moved or removed.
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

    /// Returns the queue with this name; `None` if there is none. `saved` and
    /// `corrupt` are not accepted.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let is_it = |queue: &Queue| queue.name().as_bytes() == name;
        Self::ALL.into_iter().find(is_it)
    }

    /// Returns the queue whose messages a listing can have found in the directory
    /// with this name, which includes `corrupt`; `None` if there is none.
    pub fn of_directory(name: &[u8]) -> Option<Self> {
        let corrupt = (name == Self::Corrupt.name().as_bytes()).then_some(Self::Corrupt);
        corrupt.or_else(|| Self::parse(name))
    }

    /// Returns whether the files in the queue are messages. False for `Saved` and
    /// `Corrupt`.
    pub fn holds_messages(self) -> bool {
        Self::LISTED.contains(&self)
    }

    /// Returns whether the queue can have subdirectories. Maildrop has none,
    /// because postdrop(1) creates none.
    pub fn has_subdirectories(self) -> bool {
        self != Queue::Maildrop
    }

    /// Returns the name of the queue's directory in the queue directory.
    pub fn name(self) -> &'static str {
        match self {
            Queue::Maildrop => "maildrop",
            Queue::Incoming => "incoming",
            Queue::Active => "active",
            Queue::Deferred => "deferred",
            Queue::Hold => "hold",
            Queue::Saved => "saved",
            Queue::Corrupt => "corrupt",
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
