//! Holds text that has to wait and is too large for memory in an unnamed temporary
//! file.
//!
//! The file is created when it is first needed, in a world-writable directory that
//! does not depend on the environment, and disappears with the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use super::ListingError;
use super::piece::{Ending, PIECE_SIZE};

/// The directories in which to create the file, in the order in which they are
/// tried.
const DIRECTORIES: [&str; 2] = ["/var/tmp", "/tmp"];

/// Creates a file without a name.
///
/// # Errors
///
/// No directory for temporary files can be used.
pub fn nameless_file() -> io::Result<File> {
    let mut made = Err(io::ErrorKind::NotFound.into());
    for directory in DIRECTORIES {
        made = made.or_else(|_| tempfile::tempfile_in(directory));
    }
    made
}

/// Keeps texts in a file. Shared by all threads of a listing.
#[derive(Debug, Default)]
pub struct Spill(Mutex<SpillState>);

#[derive(Debug, Default)]
struct SpillState {
    file: Option<Arc<File>>,
    end: u64,
}

/// Refers to a text in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpilledText {
    /// Offset of the text in the file.
    pub(super) start: u64,
    /// Length of the text in bytes.
    pub(super) length: u64,
}

impl Spill {
    /// Writes a text to the file.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be made or written.
    pub fn keep(&self, text: &[u8]) -> io::Result<SpilledText> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &state.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(state.file.insert(Arc::new(nameless_file()?))),
        };
        let (start, length) = (state.end, text.len() as u64);
        state.end = start.saturating_add(length);
        drop(state);
        file.write_all_at(text, start)?;
        Ok(SpilledText { start, length })
    }

    /// Discards all texts, and frees the disk space.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = SpillState::default();
    }

    /// Passes a text to `write`, piece by piece, as long as that returns
    /// [`Ending::Complete`].
    ///
    /// # Errors
    ///
    /// The text cannot be read, or what `write` fails with.
    pub fn read(
        &self,
        kept: SpilledText,
        mut write: impl FnMut(&[u8]) -> Result<Ending, ListingError>,
    ) -> Result<Ending, ListingError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = state.file.as_ref().map(Arc::clone);
        drop(state);
        let (mut at, mut left) = (kept.start, kept.length);
        let mut buffer = vec![0; PIECE_SIZE.min(usize::try_from(left).unwrap_or(PIECE_SIZE))];
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(PIECE_SIZE).min(PIECE_SIZE);
            let piece = buffer.get_mut(..size).unwrap_or_default();
            match &file {
                Some(file) => file.read_exact_at(piece, at),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            }
            .map_err(ListingError::Sort)?;
            match write(piece)? {
                Ending::Complete => {}
                ended => return Ok(ended),
            }
            at = at.saturating_add(size as u64);
            left = left.saturating_sub(size as u64);
        }
        Ok(Ending::Complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_in_pieces() {
        let spill = Spill::default();
        let texts = [vec![b'a'; 3 * PIECE_SIZE + 5], b"b".to_vec(), Vec::new()];
        let kept: Vec<SpilledText> = texts.iter().map(|t| spill.keep(t).expect("room")).collect();
        for (text, kept) in texts.iter().zip(kept) {
            let mut read = Vec::new();
            let ended = spill.read(kept, |piece| {
                assert!(piece.len() <= PIECE_SIZE);
                read.extend_from_slice(piece);
                Ok(Ending::Complete)
            });
            assert_eq!(ended.expect("a file"), Ending::Complete);
            assert_eq!(read, *text);
        }
    }
}
