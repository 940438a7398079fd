//! Buffers output text, and keeps it in order with warnings as in Postfix.
//!
//! Text that was put is written before the next warning. Text that is held, such as
//! headings and prefixes, is written only when it is released or more text is put,
//! and is discarded otherwise.

use std::io;

/// Bytes that are buffered before they are written.
const PIECE: usize = 64 * 1024;

/// Receives text and warnings.
pub trait OutputSink {
    /// Writes all of the text to standard output.
    fn write(&mut self, piece: &[u8]) -> io::Result<()>;

    /// Writes a warning; `text` follows `PROG: warning: `.
    fn warning(&mut self, text: &[u8]);
}

/// Buffers text for a sink.
#[derive(Debug)]
pub struct TextBuffer<S> {
    sink: S,
    partial: Vec<u8>,
    /// Number of bytes in `partial` that are to be written.
    put: usize,
}

impl<S: OutputSink> TextBuffer<S> {
    /// Creates a buffer without text.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            partial: Vec::with_capacity(PIECE),
            put: 0,
        }
    }

    /// Appends text that waits until it is released or more text is put.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn hold(&mut self, text: &[u8]) -> io::Result<()> {
        if self.partial.len().saturating_add(text.len()) > PIECE {
            self.put = self.partial.len();
            self.flush()?;
        }
        self.partial.extend_from_slice(text);
        Ok(())
    }

    /// Appends text that is to be written, and releases the text that was held.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn put(&mut self, text: &[u8]) -> io::Result<()> {
        if self.partial.len().saturating_add(text.len()) > PIECE {
            self.put = self.partial.len();
            self.flush()?;
            if text.len() >= PIECE {
                return self.sink.write(text);
            }
        }
        self.partial.extend_from_slice(text);
        self.put = self.partial.len();
        Ok(())
    }

    /// Releases the text that was held.
    ///
    /// # Errors
    ///
    /// The text cannot be written.
    pub fn release(&mut self) -> io::Result<()> {
        self.put(b"")
    }

    /// Writes all text except the text that is held.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(piece) = self.partial.get(..self.put).filter(|p| !p.is_empty()) else {
            return Ok(());
        };
        self.sink.write(piece)?;
        self.partial.drain(..self.put);
        self.put = 0;
        Ok(())
    }

    /// Writes a warning, after all text that was put.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn warning(&mut self, text: &[u8]) -> io::Result<()> {
        self.flush()?;
        self.sink.warning(text);
        Ok(())
    }

    /// The sink, for other messages. Call [`TextBuffer::flush`] first.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl OutputSink for Vec<u8> {
        fn write(&mut self, piece: &[u8]) -> io::Result<()> {
            self.extend_from_slice(piece);
            Ok(())
        }

        fn warning(&mut self, text: &[u8]) {
            self.extend_from_slice(&[b"<", text, b">"].concat());
        }
    }

    #[test]
    fn held_text_waits_until_text_is_put() {
        let mut output = TextBuffer::new(Vec::new());
        output.put(b"a").unwrap();
        output.hold(b"b").unwrap();
        output.warning(b"w").unwrap();
        assert_eq!(output.sink(), b"a<w>");
        output.put(b"c").unwrap();
        output.hold(b"d").unwrap();
        output.flush().unwrap();
        assert_eq!(output.sink(), b"a<w>bc");
    }

    #[test]
    fn large_text_stays_in_order() {
        let mut output = TextBuffer::new(Vec::new());
        let large = vec![b'x'; PIECE + 1];
        output.hold(b"a").unwrap();
        output.put(&large).unwrap();
        output.put(b"b").unwrap();
        output.flush().unwrap();
        assert_eq!(*output.sink(), [b"a", &large[..], b"b"].concat());
    }
}
