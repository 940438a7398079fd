//! [`Totals`]: number and size of the listed messages.

/// Number and size of the listed messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of messages.
    pub messages: u64,
    /// Sum of their sizes. Wraps around as in Postfix, because the size in a queue
    /// file is untrusted.
    pub bytes: u64,
}

impl Totals {
    /// Adds the totals of another part of the queue.
    pub fn add(&mut self, other: Totals) {
        self.messages = self.messages.wrapping_add(other.messages);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}
