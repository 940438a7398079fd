//! Where a queue file belongs, worked out again for the tests (spec page 03).
//!
//! Knows names and hash directories. Deliberately not the program's own
//! layout code: the two check each other.

use std::path::PathBuf;

use spoolbox::spool::id::{long_microseconds, short_microseconds};

/// Which queues have subdirectories, and how many levels.
#[derive(Clone, Debug)]
pub struct Layout {
    hashed: Vec<String>,
    depth: usize,
}

impl Layout {
    /// The layout that these main.cf settings ask for.
    pub fn from_settings(settings: &[(String, String)]) -> Self {
        let value = |wanted: &str| {
            let found = settings.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let hashed = value("hash_queue_names").unwrap_or("deferred, defer");
        let depth = value("hash_queue_depth").and_then(|depth| depth.parse().ok());
        Self {
            hashed: hashed
                .split(|c: char| c == ',' || c.is_ascii_whitespace())
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            depth: depth.unwrap_or(1),
        }
    }

    /// Levels of subdirectories in `queue`; 0 for a queue that has none.
    pub fn depth(&self, queue: &str) -> usize {
        let hashed = self.hashed.iter().any(|name| name == queue);
        if hashed { self.depth } else { 0 }
    }

    /// The directory for `id`, relative to the queue directory.
    pub fn directory(&self, queue: &str, id: &[u8]) -> PathBuf {
        let digits = match long_microseconds(id) {
            Some(digits) => short_microseconds(digits).into_bytes(),
            None => id.to_vec(),
        };
        let mut path = PathBuf::from(queue);
        for level in 0..self.depth(queue) {
            let digit = digits.get(level).copied().unwrap_or(b'_');
            path.push(char::from(digit).to_string());
        }
        path
    }
}
