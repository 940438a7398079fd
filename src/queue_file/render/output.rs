//! Text on its way out, in large pieces.
//!
//! Owns what of it an observer has seen when a warning follows: text that was
//! put is out before the next warning; text that is held waits until it is
//! released or more is put, and is never seen if that does not happen.
//! Postfix's headings and prefixes behave so.

use std::io;

/// Bytes gathered before they are written.
const PIECE: usize = 64 * 1024;

/// Where text and warnings go.
pub trait OutputSink {
    /// Writes all of it to standard output.
    fn write(&mut self, piece: &[u8]) -> io::Result<()>;

    /// Warns, with the text after `PROG: warning: `.
    fn warning(&mut self, text: &[u8]);
}

/// Gathers text for a sink.
#[derive(Debug)]
pub struct TextBuffer<S> {
    sink: S,
    partial: Vec<u8>,
    /// Bytes of it that count as written.
    put: usize,
}

impl<S: OutputSink> TextBuffer<S> {
    /// An output with nothing written.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            partial: Vec::with_capacity(PIECE),
            put: 0,
        }
    }

    /// Text that waits until it is released, or until text is put.
    pub fn hold(&mut self, text: &[u8]) -> io::Result<()> {
        if self.partial.len().saturating_add(text.len()) > PIECE {
            self.put = self.partial.len();
            self.flush()?;
        }
        self.partial.extend_from_slice(text);
        Ok(())
    }

    /// Text that counts as written from now on, and all that was held.
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

    /// All that was held counts as written from now on.
    pub fn release(&mut self) -> io::Result<()> {
        self.put(b"")
    }

    /// Writes what counts as written.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(piece) = self.partial.get(..self.put).filter(|p| !p.is_empty()) else {
            return Ok(());
        };
        self.sink.write(piece)?;
        self.partial.drain(..self.put);
        self.put = 0;
        Ok(())
    }

    /// Warns, after all text that was put.
    pub fn warning(&mut self, text: &[u8]) -> io::Result<()> {
        self.flush()?;
        self.sink.warning(text);
        Ok(())
    }

    /// The sink, for other messages: flush first.
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
    fn held_text_waits_for_text_that_is_put() {
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
    fn large_text_keeps_its_place() {
        let mut output = TextBuffer::new(Vec::new());
        let large = vec![b'x'; PIECE + 1];
        output.hold(b"a").unwrap();
        output.put(&large).unwrap();
        output.put(b"b").unwrap();
        output.flush().unwrap();
        assert_eq!(*output.sink(), [b"a", &large[..], b"b"].concat());
    }
}
