//! [`Totals`]: number and size of the messages that were listed.

/// Messages and bytes that were listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of messages.
    pub messages: u64,
    /// Sum of their sizes. Wraps, as Postfix's does: sizes are what a file
    /// claims.
    pub bytes: u64,
}

impl Totals {
    /// Adds the totals of another part of the queue.
    pub fn add(&mut self, other: Totals) {
        self.messages = self.messages.wrapping_add(other.messages);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}
