//! The kind of file at a path, and whether two items are the same.
//!
//! Links are never followed. Files are compared by their content, since on some
//! filesystems hard links of a file have different inode numbers.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The kind of file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExistingItem {
    /// Nothing.
    Absent,
    /// A regular file: its content and its mode and owner.
    File(Fingerprint, Access),
    /// A symbolic link.
    Link(PathBuf),
    /// A directory.
    Directory,
    /// A device, a socket or a FIFO.
    Other,
}

/// Mode, user and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The permission bits, with set-uid and set-gid.
    pub mode: u32,
    /// The user ID.
    pub user: u32,
    /// The group ID.
    pub group: u32,
}

/// Size and checksum of a file. Detects changed or replaced files, but not
/// deliberate forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    size: u64,
    sum: u64,
}

impl ExistingItem {
    /// Examines a path.
    ///
    /// # Errors
    ///
    /// The path cannot be examined or read.
    pub fn at(path: &Path) -> Result<Self> {
        look(path).with_context(|| format!("cannot examine {}", path.display()))
    }

    /// Whether both are links with the same target, or files with the same
    /// content.
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one, _), Self::File(two, _)) => one == two,
            (Self::Link(one), Self::Link(two)) => one == two,
            _ => false,
        }
    }
}

/// Whether anything exists at `path`.
///
/// # Errors
///
/// The path cannot be examined.
pub fn exists(path: &Path) -> Result<bool> {
    Ok(ExistingItem::at(path)? != ExistingItem::Absent)
}

fn look(path: &Path) -> io::Result<ExistingItem> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ExistingItem::Absent),
        Err(error) => return Err(error),
    };
    let kind = metadata.file_type();
    Ok(if kind.is_symlink() {
        ExistingItem::Link(path.read_link()?)
    } else if kind.is_file() {
        ExistingItem::File(Fingerprint::of(&mut File::open(path)?)?, access(&metadata))
    } else if kind.is_dir() {
        ExistingItem::Directory
    } else {
        ExistingItem::Other
    })
}

fn access(metadata: &Metadata) -> Access {
    Access {
        mode: metadata.mode() & 0o7777,
        user: metadata.uid(),
        group: metadata.gid(),
    }
}

impl Fingerprint {
    const EMPTY: Self = Self {
        size: 0,
        sum: 0xcbf2_9ce4_8422_2325,
    };

    /// The fingerprint of bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut print = Self::EMPTY;
        print.add(bytes);
        print
    }

    /// Reads `source` to its end and returns its fingerprint.
    ///
    /// # Errors
    ///
    /// `source` cannot be read.
    pub fn of(source: &mut impl Read) -> io::Result<Self> {
        let mut buffer = vec![0; 1 << 16];
        let mut print = Self::EMPTY;
        loop {
            match fill(source, &mut buffer)? {
                0 => return Ok(print),
                length => print.add(buffer.get(..length).unwrap_or_default()),
            }
        }
    }

    /// FNV-1a over words of eight bytes. The length of every piece but the last
    /// must be a multiple of eight.
    fn add(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add_word(*word);
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.add_word(word);
        }
    }

    fn add_word(&mut self, word: [u8; 8]) {
        self.sum = (self.sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3);
    }

    /// Parses the two words that [`fmt::Display`] writes.
    pub fn parse(size: &str, sum: &str) -> Option<Self> {
        Some(Self {
            size: size.parse().ok()?,
            sum: u64::from_str_radix(sum, 16).ok()?,
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:016x}", self.size, self.sum)
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0_usize;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(count) => length = length.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_survives_being_written_down() {
        let print = Fingerprint::of(&mut b"what is in it".as_slice()).unwrap();
        let text = print.to_string();
        let (size, sum) = text.split_once(' ').unwrap();
        assert_eq!(Fingerprint::parse(size, sum), Some(print));
    }

    #[test]
    fn other_bytes_have_another_fingerprint() {
        let of = |text: &str| Fingerprint::of(&mut text.as_bytes()).unwrap();
        let prints = ["", "\0", "a", "b", "ab", "ba", "abcdefgh", "abcdefgh\0"].map(of);
        for (at, print) in prints.iter().enumerate() {
            assert_eq!(prints.iter().position(|other| other == print), Some(at));
        }
    }
}
