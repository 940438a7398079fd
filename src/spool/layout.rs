//! The directories where files belong: hashed queues and their depth, as
//! described in postconf(5) under hash_queue_names and hash_queue_depth.
//!
//! Independent of which files are really in the spool.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{Queue, id};
use crate::config::Config;

/// The character used where a name is too short.
const FILLER: u8 = b'_';

/// Which queues have subdirectories, and how many levels of them.
#[derive(Clone, Debug)]
pub struct Layout {
    hashed: Vec<Vec<u8>>,
    depth: usize,
}

impl Layout {
    /// Creates the layout that main.cf prescribes.
    pub fn of(config: &Config) -> Self {
        Self::new(&config.hash_queue_names, config.hash_queue_depth)
    }

    /// Creates the layout from hash_queue_names and hash_queue_depth.
    pub fn new(hash_queue_names: &[Vec<u8>], hash_queue_depth: u32) -> Self {
        Self {
            hashed: hash_queue_names.to_vec(),
            depth: usize::try_from(hash_queue_depth).unwrap_or(usize::MAX),
        }
    }

    /// Returns the number of levels of subdirectories in a queue.
    pub fn depth(&self, queue: Queue) -> usize {
        let name = queue.name().as_bytes();
        if self.hashed.iter().any(|h| h.eq_ignore_ascii_case(name)) {
            self.depth
        } else {
            0
        }
    }

    /// Returns the number of levels of subdirectories that postsuper(1) does
    /// not remove.
    ///
    /// Observed with Postfix 3.7.11: postsuper(1) compares hash_queue_names
    /// case-sensitively here, so that `DEFERRED` hashes the queue and still
    /// lets its subdirectories be removed.
    pub fn depth_kept(&self, queue: Queue) -> usize {
        let name = queue.name().as_bytes();
        if self.hashed.iter().any(|hashed| hashed == name) {
            self.depth
        } else {
            0
        }
    }

    /// Returns whether a file called `name` belongs in `directory`, a path such
    /// as `3/A` relative to the queue's own directory.
    pub fn is_home(&self, queue: Queue, directory: &[u8], name: &[u8]) -> bool {
        let mut expected = HashPath::new(name, self.depth(queue));
        directory
            .split(|&b| b == b'/')
            .filter(|level| !level.is_empty())
            .all(|level| matches!(level, [c] if expected.next() == Some(*c)))
            && expected.next().is_none()
    }

    /// Returns the directory where a file called `name` belongs, relative to
    /// the queue's own directory: empty, or a path such as `3/A`.
    pub fn directory(&self, queue: Queue, name: &[u8]) -> Vec<u8> {
        let mut path = Vec::new();
        for level in HashPath::new(name, self.depth(queue)) {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.push(level);
        }
        path
    }

    /// Returns the path where a file called `name` belongs, relative to the
    /// queue directory: `deferred/3/3A78999CD00`.
    pub fn path(&self, queue: Queue, name: &[u8]) -> OsString {
        let queue_name = queue.name().as_bytes();
        let levels = self.depth(queue).saturating_mul(2).saturating_add(1);
        let mut path = Vec::with_capacity(
            levels
                .saturating_add(queue_name.len())
                .saturating_add(name.len()),
        );
        path.extend_from_slice(queue_name);
        path.push(b'/');
        for level in HashPath::new(name, self.depth(queue)) {
            path.extend([level, b'/']);
        }
        path.extend_from_slice(name);
        OsString::from_vec(path)
    }
}

/// The one-character directories on the path to a name.
struct HashPath<'n> {
    characters: Cow<'n, [u8]>,
    depth: usize,
    level: usize,
}

impl<'n> HashPath<'n> {
    /// Uses the characters of the name or, for a long ID, those of its
    /// microseconds converted to the short form.
    fn new(name: &'n [u8], depth: usize) -> Self {
        let characters = match id::long_microseconds(name) {
            Some(digits) if depth > 0 => id::short_microseconds(digits).into_bytes().into(),
            _ => name.into(),
        };
        Self {
            characters,
            depth,
            level: 0,
        }
    }
}

impl Iterator for HashPath<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.level >= self.depth {
            return None;
        }
        let character = self.characters.get(self.level).copied();
        self.level = self.level.saturating_add(1);
        Some(character.unwrap_or(FILLER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The paths that Postfix 3.7.11 opened with hash_queue_depth = 7.
    #[test]
    fn hashing_matches_postfix() {
        let layout = Layout::new(&[b"deferred".to_vec(), b"defer".to_vec()], 7);
        for (id, path) in [
            ("ABC", "A/B/C/_/_/_/_"),
            ("3A78999CD00", "3/A/7/8/9/9/9"),
            ("4jY6vs5H8jz1WXLV", "B/5/A/7/5/_/_"),
            ("zzzzzzzzzzzzz1", "6/F/9/0/F/F/_"),
            ("0000000000z", "0/0/0/0/0/_/_"),
            ("AEIOU0BCDFz1", "1/5/E/B/2/D/_"),
            ("000000____z000000BCDFz", "1/5/E/B/2/D/_"),
            ("000000BCDAz1", "0/0/0/0/0/_/_"),
            ("1234567890123z", "0/0/A/F/B/_/_"),
        ] {
            let expected = format!("deferred/{path}/{id}");
            assert_eq!(layout.path(Queue::Deferred, id.as_bytes()), *expected);
            assert!(layout.is_home(Queue::Deferred, path.as_bytes(), id.as_bytes()));
        }
    }

    #[test]
    fn a_file_in_the_wrong_directory_is_detected() {
        let layout = Layout::new(&[b"DEFERRED".to_vec()], 2);
        for (directory, home) in [
            ("A/B", true),
            ("A", false),
            ("", false),
            ("A/B/C", false),
            ("B/A", false),
        ] {
            assert_eq!(
                layout.is_home(Queue::Deferred, directory.as_bytes(), b"ABC"),
                home
            );
        }
        assert!(layout.is_home(Queue::Hold, b"", b"ABC"));
        assert!(!layout.is_home(Queue::Hold, b"A", b"ABC"));
    }
}
