//! Formats each record: its prefix, its name, its text.
//!
//! Data of any length is copied from the reader to the output in pieces.

use std::io;
use std::io::Write;

use bstr::ByteSlice;

use super::super::records::{Record, RecordType};
use super::attribute;
use super::output::OutputSink;
use super::plan::Flag;
use super::show::{FilePart, PrintedLine, Show};
use crate::sys::source::Source;
use crate::sys::time::LocalTime;
use crate::text::leading_number;

impl<S: Source, K: OutputSink> Show<'_, '_, S, K> {
    /// Writes a line of text, or a part of one.
    pub(super) fn text(&mut self, record: &Record) -> io::Result<()> {
        let is_open = record.kind == RecordType::UNTERMINATED_TEXT;
        let is_filter = is_open && self.segment == FilePart::Envelope;
        self.prefix(record)?;
        if is_filter {
            self.output.hold(b"content_filter: ")?;
        } else if self.plan.has(Flag::Raw) {
            let name: &[u8] = if is_open {
                b"unterminated_text: "
            } else {
                b"regular_text: "
            };
            self.output.hold(name)?;
        }
        self.put_data(record)?;
        if is_open && !is_filter && !self.ends_every_line() {
            self.line = PrintedLine::Open;
            return Ok(());
        }
        self.line = PrintedLine::Complete;
        self.output.put(b"\n")
    }

    /// Whether unterminated lines are terminated too.
    fn ends_every_line(&self) -> bool {
        self.plan.has(Flag::Raw) || self.plan.has(Flag::Offset)
    }

    pub(super) fn time(&mut self, record: &Record) -> io::Result<()> {
        self.prefix(record)?;
        let text = self.reader.text(record);
        let date = ctime(text);
        self.line = PrintedLine::Complete;
        self.put_named(record.kind.name(), &date)
    }

    pub(super) fn attribute(&mut self, record: &Record) -> io::Result<()> {
        self.prefix(record)?;
        self.line = PrintedLine::Complete;
        let attribute = match attribute::split_as_by(self.reader.text(record), self.postfix) {
            Ok(attribute) => attribute,
            Err(malformed) => {
                let warning = [self.name, b": ", &malformed.message()].concat();
                self.output.warning(&warning)?;
                return self.output.release();
            }
        };
        let output = &mut *self.output;
        if attribute.name == b"create_time" {
            output.put(b"create_time: ")?;
            output.put(&ctime(attribute.value))?;
        } else {
            output.put(b"named_attribute: ")?;
            output.put(attribute.name)?;
            output.put(b"=")?;
            output.put(attribute.value)?;
        }
        output.put(b"\n")
    }

    /// Writes the name and the text of any other record.
    pub(super) fn named(&mut self, record: &Record) -> io::Result<()> {
        self.prefix(record)?;
        self.output.hold(record.kind.name().as_bytes())?;
        self.output.hold(b": ")?;
        match record.kind {
            RecordType::PADDING => self.put_data(record)?,
            _ => self.put_text(record)?,
        }
        self.line = PrintedLine::Complete;
        self.output.put(b"\n")
    }

    fn put_named(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        self.output.put(name.as_bytes())?;
        self.output.put(b": ")?;
        self.output.put(value)?;
        self.output.put(b"\n")
    }

    /// Writes all data of a record, including NULs.
    fn put_data(&mut self, record: &Record) -> io::Result<()> {
        let mut done = 0u64;
        loop {
            let chunk = self.reader.chunk(record, done);
            self.output.put(chunk)?;
            match chunk.len() {
                0 => return Ok(()),
                count => done = done.saturating_add(count as u64),
            }
        }
    }

    /// Writes the data of a record up to its first NUL.
    fn put_text(&mut self, record: &Record) -> io::Result<()> {
        let mut done = 0u64;
        loop {
            let chunk = self.reader.chunk(record, done);
            let end = chunk.find_byte(0);
            let text = chunk.get(..end.unwrap_or(chunk.len()));
            self.output.put(text.unwrap_or_default())?;
            match chunk.len() {
                count if count > 0 && end.is_none() => {
                    done = done.saturating_add(count as u64);
                }
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn put_marker(&mut self, record: &Record, what: &str) -> io::Result<()> {
        self.prefix(record)?;
        let marker = self.marker(what);
        self.line = PrintedLine::Complete;
        self.output.put(&marker)
    }

    pub(super) fn marker(&self, what: &str) -> Vec<u8> {
        [b"*** ", what.as_bytes(), b" ", self.name, b" ***\n"].concat()
    }

    /// Writes the prefix of a record.
    fn prefix(&mut self, record: &Record) -> io::Result<()> {
        if self.plan.has(Flag::FileName) {
            self.output.hold(self.name)?;
            self.output.hold(b": ")?;
        }
        let mut text = [0; 32];
        if self.plan.has(Flag::Offset) {
            let text = formatted(&mut text, format_args!("{:9} ", self.offset));
            self.output.hold(text)?;
        }
        if self.plan.has(Flag::Type) {
            let text = formatted(&mut text, format_args!("{:3} ", record.kind.0));
            self.output.hold(text)?;
        }
        Ok(())
    }
}

/// Formats into `buffer`, to avoid an allocation for each record.
fn formatted<'b>(buffer: &'b mut [u8], text: std::fmt::Arguments<'_>) -> &'b [u8] {
    let mut rest = &mut *buffer;
    // The buffer is large enough for the widest number.
    let _ = rest.write_fmt(text);
    let unused = rest.len();
    let used = buffer.len().saturating_sub(unused);
    buffer.get(..used).unwrap_or_default()
}

/// Formats the number at the beginning of `text` as ctime(3) does. If the year does
/// not fit in an int, ctime(3) fails and Postfix crashes; here the number itself is
/// returned.
pub(super) fn ctime(text: &[u8]) -> Vec<u8> {
    let seconds = leading_number(text).map_or(0, |(seconds, _)| seconds);
    let mut date = String::new();
    match LocalTime::at(seconds) {
        Some(time) => time.write_date_with_year(&mut date),
        None => date = seconds.to_string(),
    }
    date.into_bytes()
}
