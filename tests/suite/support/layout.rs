//! Where a queue file belongs, by names and hash directories. Deliberately independent
//! of the program's own layout code: the two check each other.

use std::path::PathBuf;

/// Digits of long IDs.
const DIGITS: &str = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

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
            Some(number) => format!("{number:05X}").into_bytes(),
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

/// The microseconds in a long ID; `None` for a short ID.
fn long_microseconds(id: &[u8]) -> Option<usize> {
    let separator = id.iter().rposition(|&b| b == b'z').filter(|&at| at >= 10)?;
    let digits = id.get(separator - 4..separator)?;
    let value = |digit: &u8| DIGITS.bytes().position(|known| known == *digit);
    let number = digits
        .iter()
        .try_fold(0, |sum, digit| Some(sum * 52 + value(digit)?));
    Some(number.unwrap_or(0))
}
