//! `--limit` for all instances together: the process for an instance hands on what
//! is left of it to the next one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What is left of the limit.
#[derive(Debug)]
pub(super) struct SharedLimit {
    left: u64,
    /// The process for an instance writes here what it leaves.
    file: File,
}

/// Whether the process for an instance has handed on what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handover {
    /// It has.
    Done,
    /// It has not: it was killed, and nobody knows how many messages it has acted
    /// on. Nothing is left then.
    Missing,
}

impl SharedLimit {
    /// A limit of which nothing has been used.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub(super) fn new(limit: u64) -> io::Result<Self> {
        Ok(Self {
            left: limit,
            file: tempfile::tempfile()?,
        })
    }

    /// The number of messages that the next instance may act on.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Hands on the rest after this number of messages, in the process for an
    /// instance.
    pub(super) fn hand_on(&self, acted: u64) {
        let left = self.left.saturating_sub(acted);
        // Without it, the rest counts as used up.
        let _ = self.file.write_all_at(&left.to_le_bytes(), 0);
    }

    /// Takes the rest for the next instance.
    pub(super) fn begin_next(&mut self) -> Handover {
        let mut left = [0; 8];
        let read = self.file.read_exact_at(&mut left, 0);
        match read.and_then(|()| self.file.set_len(0)) {
            Ok(()) => {
                self.left = u64::from_le_bytes(left);
                Handover::Done
            }
            Err(_) => {
                self.left = 0;
                Handover::Missing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_handed_on_is_used_up() {
        let mut shared = SharedLimit::new(10).unwrap();
        shared.hand_on(4);
        assert_eq!(shared.begin_next(), Handover::Done);
        assert_eq!(shared.left(), 6);
        assert_eq!(shared.begin_next(), Handover::Missing);
        assert_eq!(shared.left(), 0);
    }
}
