//! Reads defer and bounce logs: why recipients are still waiting. Observed with
//! Postfix 3.7.11.
//!
//! A log is text that remote systems can influence. Memory use is bounded: one
//! entry is held at a time, and no more than `SHORT_TEXT_MAX` bytes of a line
//! unless the caller asks for more.

use std::fs::File;
use std::io;
use std::io::{BufRead, Read};
use std::ops::Range;

use bstr::ByteSlice;

use super::log_entry::Reason;
use crate::sys::source::{FileSource, Source};
use crate::text::{Charset, SHORT_TEXT_MAX, make_printable};

/// The largest number of bytes that are read of a log at a time.
const READ_SIZE: usize = 4096;

/// Receives events while a log is read.
pub trait Observer {
    /// Called for a line that cannot be parsed, with the warning text that
    /// follows `FILE: `.
    fn malformed(&mut self, text: Vec<u8>);
    /// Returns the number of bytes to keep of a line that is longer than
    /// `SHORT_TEXT_MAX`.
    fn long_line_max(&self) -> usize {
        SHORT_TEXT_MAX
    }
}

impl<F: FnMut(Vec<u8>)> Observer for F {
    fn malformed(&mut self, text: Vec<u8>) {
        self(text);
    }
}

/// Memory for the reader of a log, to be reused from one log to the next.
#[derive(Debug, Default)]
pub struct LogBuffers {
    part: Vec<u8>,
    text: EntryBuffers,
}

/// Memory for one line and one entry, to be reused.
#[derive(Debug, Default)]
pub struct EntryBuffers {
    line: Vec<u8>,
    entry: Reason,
}

impl LogBuffers {
    /// Frees memory that a long line or text has taken.
    pub fn shrink(&mut self) {
        let EntryBuffers { line, entry } = &mut self.text;
        for text in [line, &mut entry.recipient, &mut entry.reason] {
            text.shrink_to(SHORT_TEXT_MAX);
        }
        let Reason {
            original_recipient,
            status,
            remote_host,
            ..
        } = entry;
        for text in [original_recipient, status, remote_host] {
            text.shrink_to(SHORT_TEXT_MAX);
        }
    }
}

/// Reads the entries of a log one at a time.
#[derive(Debug)]
pub struct ReasonReader<'b, R> {
    input: R,
    charset: Charset,
    line: &'b mut Vec<u8>,
    entry: &'b mut Reason,
}

impl<'b> ReasonReader<'b, LogFile<'b>> {
    /// Creates a reader for the first `size` bytes of an open log file. Because
    /// the size is known, no extra read is needed to find the end of the file.
    pub fn open(file: File, size: u64, charset: Charset, buffers: &'b mut LogBuffers) -> Self {
        let LogBuffers { part, text } = buffers;
        part.resize(READ_SIZE, 0);
        let log = LogFile {
            source: FileSource { file, size },
            position: 0,
            part,
            unread: 0..0,
        };
        Self::new(log, charset, text)
    }
}

/// A log file, read up to a given size. The text after a NUL in a line is
/// ignored, so a hole in the file can be skipped, however large it is.
#[derive(Debug)]
pub struct LogFile<'b> {
    source: FileSource<File>,
    /// The file offset after `part`.
    position: u64,
    /// The bytes that were read last.
    part: &'b mut [u8],
    /// Those of them that were not consumed.
    unread: Range<usize>,
}

impl LogFile<'_> {
    /// Reads the next bytes into `part`; none at the end.
    fn read_part(&mut self) -> io::Result<()> {
        let last = self.unread.end.checked_sub(1);
        if last.and_then(|last| self.part.get(last)) == Some(&0) {
            self.position = self.source.data_from(self.position);
        }
        let left = self.source.size.saturating_sub(self.position);
        let length = usize::try_from(left).unwrap_or(usize::MAX);
        let length = length.min(self.part.len());
        let part = self.part.get_mut(..length).unwrap_or_default();
        self.unread = 0..0;
        if !part.is_empty() {
            self.unread.end = self.source.read_at(part, self.position)?;
        }
        self.position = self.position.saturating_add(self.unread.end as u64);
        Ok(())
    }
}

impl BufRead for LogFile<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            self.read_part()?;
        }
        Ok(self.part.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        let start = self.unread.start.saturating_add(count);
        self.unread.start = start.min(self.unread.end);
    }
}

impl Read for LogFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<'b, R: BufRead> ReasonReader<'b, R> {
    /// Creates a reader for log text.
    pub fn new(input: R, charset: Charset, buffers: &'b mut EntryBuffers) -> Self {
        let EntryBuffers { line, entry } = buffers;
        Self {
            input,
            charset,
            line,
            entry,
        }
    }

    /// Returns the next complete entry; `None` at the end. Calls `warn` for
    /// each line that cannot be parsed, with the text that follows `FILE: `.
    ///
    /// An entry without the blank line that ends it is still being written and
    /// is ignored.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn next(&mut self, mut warn: impl FnMut(Vec<u8>)) -> io::Result<Option<&Reason>> {
        self.next_observed(&mut warn)
    }

    /// Like [`ReasonReader::next`], with an observer.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn next_observed(&mut self, observer: &mut impl Observer) -> io::Result<Option<&Reason>> {
        while self.read_line(observer)? {
            if !self.line.is_empty() {
                return Ok(self.read_entry(observer)?.then_some(&*self.entry));
            }
        }
        Ok(None)
    }

    /// Reads the rest of an entry whose first line has been read, up to its
    /// blank line. Returns false if there is no blank line.
    fn read_entry(&mut self, observer: &mut impl Observer) -> io::Result<bool> {
        self.entry.reset();
        loop {
            if self.line.is_empty() {
                return Ok(true);
            }
            if let Err(problem) = self.entry.add_line(self.line) {
                observer.malformed(problem);
            }
            if !self.read_line(observer)? {
                return Ok(false);
            }
        }
    }

    /// Reads a line, removes its newline and makes it printable. Returns false
    /// at the end.
    fn read_line(&mut self, observer: &impl Observer) -> io::Result<bool> {
        self.line.clear();
        if !read_bounded_line(&mut self.input, self.line, observer)? {
            return Ok(false);
        }
        if let Some(nul) = self.line.find_byte(0) {
            self.line.truncate(nul);
        }
        make_printable(self.line, self.charset);
        Ok(true)
    }
}

/// Appends the next line to `line`, no more bytes of it than the observer
/// allows, and consumes the whole line with its newline. Returns false at the
/// end.
fn read_bounded_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    observer: &impl Observer,
) -> io::Result<bool> {
    let mut any = false;
    let mut most = SHORT_TEXT_MAX;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            // Observed with Postfix 3.7.11: Postfix takes a final byte 0xFF
            // without a newline for the end of the file.
            return Ok(any && line.last() != Some(&0xff));
        }
        any = true;
        let newline = available.find_byte(b'\n');
        let text = newline.map_or(available, |at| available.get(..at).unwrap_or_default());
        if most == SHORT_TEXT_MAX && line.len().saturating_add(text.len()) > most {
            most = observer.long_line_max();
        }
        let room = most.saturating_sub(line.len());
        line.extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
        let used = newline.map_or(available.len(), |at| at.saturating_add(1));
        input.consume(used);
        if newline.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the entries as (recipient, reason), and the warnings.
    fn read(log: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut buffers = EntryBuffers::default();
        let mut reader = ReasonReader::new(log.as_bytes(), Charset::LooseUtf8, &mut buffers);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (mut entries, mut warnings) = (Vec::new(), Vec::new());
        while let Some(entry) = reader.next(|w| warnings.push(text(&w))).unwrap() {
            entries.push((text(&entry.recipient), text(&entry.reason)));
        }
        (entries, warnings)
    }

    // Observed with Postfix 3.7.11.
    #[test]
    fn entries_are_read_as_postfix_reads_them() {
        for (log, recipient, reason) in [
            (
                "recipient=c@d\noffset=5\nreason=because\n\n",
                "c@d",
                "because",
            ),
            ("<c@d>: because\n\n", "c@d", "because"),
            ("<c@d>: old\nrecipient=c@d\nreason=new\n\n", "c@d", "new"),
            ("reason=new\n\n", "(recipient address unavailable)", "new"),
            ("recipient=c@d\n\n", "c@d", "(description unavailable)"),
            ("recipient=\nreason=x\n\n", "(MAILER-DAEMON)", "x"),
            ("<c@d>: x\nreason= \n\n", "c@d", "(description unavailable)"),
            ("<>:  x\n\n", "(MAILER-DAEMON)", "x"),
            (
                "recipient=c@d\nreason=\n\n",
                "c@d",
                "(description unavailable)",
            ),
            ("<a>b>: x\n\n", "a>b", "x"),
            ("<a>: b>: x\n\n", "a", "b>: x"),
            ("<a >: x \n\n", "a ", "x "),
            ("recipient   =   c@d  \nreason = a  b  \n\n", "c@d", "a  b"),
            ("recipient=c@d\0zz\nreason=a\0b\n\n", "c@d", "a"),
            (
                "\n\n\nrecipient=c@d\nreason=a\tb\x1b[0m\n\n",
                "c@d",
                "a?b?[0m",
            ),
            ("recipient=c@d\r\nreason=x\n\n", "c@d?", "x"),
        ] {
            let (entries, warnings) = read(log);
            assert_eq!(entries, [(recipient.into(), reason.into())], "{log:?}");
            assert_eq!(warnings, [""; 0], "{log:?}");
        }
    }

    #[test]
    fn an_unfinished_entry_is_ignored() {
        assert_eq!(read("recipient=c@d\nreason=new\n").0, []);
        assert_eq!(read("").0, []);
        let mut buffers = EntryBuffers::default();
        let mut reader = ReasonReader::new(&b"garbage\xff"[..], Charset::LooseUtf8, &mut buffers);
        assert_eq!(reader.next(|_| panic!("a warning")).unwrap(), None);
    }

    #[test]
    fn malformed_lines_are_reported() {
        for (line, warning) in [
            ("foo=1", "unknown attribute name: foo, ignored"),
            (
                "dsn_notify=1",
                "unknown attribute name: dsn_notify, ignored",
            ),
            ("foo", "malformed record: missing '=' after attribute name"),
            (
                "foo bar=x",
                "malformed record: missing '=' after attribute name",
            ),
            ("=x", "malformed record: =x..."),
            ("<a>:x", "malformed record: <a>:x..."),
            ("\trecipient=q", "malformed record: ?recipient=q..."),
            (
                "-123456789012345678901234567890",
                "malformed record: -12345678901234567890123456789...",
            ),
        ] {
            assert_eq!(read(&format!("{line}\n\n")).1, [warning]);
        }
    }

    #[test]
    fn an_overlong_line_is_truncated() {
        let log = [
            b"reason=".to_vec(),
            vec![b'x'; SHORT_TEXT_MAX + 10],
            b"\n\n".to_vec(),
        ]
        .concat();
        let mut buffers = EntryBuffers::default();
        let mut reader = ReasonReader::new(&log[..], Charset::Ascii, &mut buffers);
        let entry = reader.next(|_| ()).unwrap().unwrap();
        assert_eq!(entry.reason.len(), SHORT_TEXT_MAX - "reason=".len());
    }
}
