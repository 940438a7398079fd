//! Attribute lists as Postfix's daemons send them: `name NUL value NUL` until
//! an empty name (spec page 05, "The showq protocol").

use std::io::{self, BufRead};

use thiserror::Error;

/// Bytes of a name or value at most. No daemon sends more; a stranger who took
/// its place could send without end.
const TEXT_MAX: usize = 64 * 1024 * 1024;

/// An attribute list that cannot be read on.
#[derive(Debug, Error)]
pub enum AttributeError {
    /// Not what the protocol says.
    #[error("malformed response")]
    Malformed,
    /// The connection failed or was silent for too long.
    #[error("connection failed")]
    Connection(#[source] io::Error),
}

impl From<io::Error> for AttributeError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// Reads attributes one after the other.
#[derive(Debug)]
pub struct AttributeReader<R> {
    input: R,
}

impl<R: BufRead> AttributeReader<R> {
    /// A reader of what a daemon sends.
    pub fn new(input: R) -> Self {
        Self { input }
    }

    /// Puts the next attribute's name into `name`. False at the end of the
    /// list, of which the NUL is consumed.
    pub fn name(&mut self, name: &mut Vec<u8>) -> Result<bool, AttributeError> {
        self.text(name)?;
        Ok(!name.is_empty())
    }

    /// Puts the value that belongs to the name just read into `value`.
    pub fn text(&mut self, value: &mut Vec<u8>) -> Result<(), AttributeError> {
        value.clear();
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if available.is_empty() || value.len() > TEXT_MAX {
                return Err(AttributeError::Malformed);
            }
            let end = available.iter().position(|&b| b == 0);
            let part = end.map_or(available, |at| available.get(..at).unwrap_or_default());
            value.extend_from_slice(part);
            let used = end.map_or(available.len(), |at| at.saturating_add(1));
            self.input.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// Whether bytes are at hand without waiting for the daemon.
    pub fn has_more(&mut self) -> bool
    where
        R: Buffered,
    {
        self.input.has_buffered()
    }
}

/// A reader that knows whether it would have to wait.
pub trait Buffered {
    /// Whether the next byte is here already.
    fn has_buffered(&self) -> bool;
}

impl<R: io::Read> Buffered for io::BufReader<R> {
    fn has_buffered(&self) -> bool {
        !self.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_at_the_empty_name() {
        let mut reader = AttributeReader::new(&b"a\0one\0b\0\0\0"[..]);
        let (mut name, mut value) = (Vec::new(), Vec::new());
        let mut seen = Vec::new();
        while reader.name(&mut name).unwrap() {
            reader.text(&mut value).unwrap();
            seen.push((name.clone(), value.clone()));
        }
        assert_eq!(
            seen,
            [
                (b"a".to_vec(), b"one".to_vec()),
                (b"b".to_vec(), Vec::new())
            ]
        );
    }

    #[test]
    fn a_list_that_breaks_off_is_malformed() {
        let mut reader = AttributeReader::new(&b"a\0on"[..]);
        let mut text = Vec::new();
        reader.text(&mut text).unwrap();
        assert!(matches!(
            reader.text(&mut text),
            Err(AttributeError::Malformed)
        ));
    }
}
