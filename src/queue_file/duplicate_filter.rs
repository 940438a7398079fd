//! The duplicate filter of a listing: the recipients that a message's logs have
//! named already. Observed with Postfix 3.7.11.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// The recipients that the logs of a message have named.
///
/// Keeps a 128 bit keyed hash of each instead of the text, so that long addresses
/// in a hostile log take no more memory than others. The probability that two texts
/// have the same hash is negligible.
#[derive(Debug, Default)]
pub struct DuplicateFilter {
    seen: HashSet<u128>,
    keys: (RandomState, RandomState),
}

impl DuplicateFilter {
    /// Forgets all recipients.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// Adds a recipient, unless there are `limit` recipients already.
    pub fn remember(&mut self, recipient: &[u8], limit: Option<usize>) {
        if limit.is_none_or(|limit| self.seen.len() < limit) {
            self.seen.insert(self.hash(recipient));
        }
    }

    /// Whether a recipient has been added.
    pub fn contains(&self, recipient: &[u8]) -> bool {
        !self.seen.is_empty() && self.seen.contains(&self.hash(recipient))
    }

    fn hash(&self, recipient: &[u8]) -> u128 {
        let high = u128::from(self.keys.0.hash_one(recipient));
        high << 64 | u128::from(self.keys.1.hash_one(recipient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_remembered_recipients_is_limited() {
        let mut logged = DuplicateFilter::default();
        for recipient in [b"a", b"a", b"b"] {
            logged.remember(recipient, Some(1));
        }
        assert!(logged.contains(b"a") && !logged.contains(b"b"));
        logged.remember(b"b", None);
        assert!(logged.contains(b"b"));
    }
}
