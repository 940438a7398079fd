//! The duplicate filter of a listing: which recipients the logs of a message
//! have named already. Observed with Postfix 3.7.11.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// The recipients that the logs of a message named.
///
/// Keeps 128 bits of a keyed hash each instead of the text, so that a hostile
/// log costs the same memory as any other; two texts are taken for one with a
/// probability that no message queue will ever see.
#[derive(Debug, Default)]
pub struct DuplicateFilter {
    seen: HashSet<u128>,
    keys: (RandomState, RandomState),
}

impl DuplicateFilter {
    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// Remembers one, unless `limit` are remembered already.
    pub fn remember(&mut self, recipient: &[u8], limit: Option<usize>) {
        if limit.is_none_or(|limit| self.seen.len() < limit) {
            self.seen.insert(self.hash(recipient));
        }
    }

    /// Whether this one is remembered.
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
    fn only_so_many_logged_recipients_are_remembered() {
        let mut logged = DuplicateFilter::default();
        for recipient in [b"a", b"a", b"b"] {
            logged.remember(recipient, Some(1));
        }
        assert!(logged.contains(b"a") && !logged.contains(b"b"));
        logged.remember(b"b", None);
        assert!(logged.contains(b"b"));
    }
}
