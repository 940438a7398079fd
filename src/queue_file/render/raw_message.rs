//! Writes only the message, as it would be sent, or as an entry of an mbox file
//! (extensions: `--raw-message`, `--mbox`).
//!
//! Lines can have any length; only the state at their beginning is kept in memory.

use std::io;

use super::super::records::{Record, RecordReader, RecordType};
use super::error::ContentsError;
use super::output::{OutputSink, TextBuffer};
use super::print::ctime;
use super::segments::{SegmentPart, SegmentWalk, walk};
use crate::sys::source::Source;
use crate::text::{Charset, make_printable};

/// The format in which a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawFormat {
    /// Header and body, with lines terminated by LF.
    Plain,
    /// The same after a From_ line, with `>` before lines that look like one.
    Mbox,
}

/// Writes the message in a file, with `reader` at its start. `modified` is used if
/// the file has no arrival time.
///
/// # Errors
///
/// The file cannot be read to its end, or the output cannot be written.
pub fn raw_message<S: Source, K: OutputSink>(
    reader: &mut RecordReader<'_, S>,
    name: &[u8],
    form: RawFormat,
    modified: i64,
    output: &mut TextBuffer<K>,
) -> Result<(), ContentsError> {
    let mut writer = RawWriter {
        form,
        sender: Vec::new(),
        arrival: modified.to_string().into_bytes(),
        state: RawState::Before,
        line: LineState::default(),
    };
    walk(reader, name, output, |part, record, reader, output| {
        Ok(writer.record(part, record, reader, output)?)
    })?;
    writer.finish(output)?;
    if writer.state == RawState::Before {
        output.warning(&[name, b": no message content"].concat())?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RawState {
    Before,
    Within,
    After,
}

struct RawWriter {
    form: RawFormat,
    sender: Vec<u8>,
    arrival: Vec<u8>,
    state: RawState,
    line: LineState,
}

impl RawWriter {
    fn record<S: Source, K: OutputSink>(
        &mut self,
        part: SegmentPart,
        record: &Record,
        reader: &mut RecordReader<'_, S>,
        output: &mut TextBuffer<K>,
    ) -> io::Result<SegmentWalk> {
        match (part, record.kind) {
            (SegmentPart::Envelope, RecordType::SENDER) => {
                self.sender = reader.text(record).to_vec()
            }
            (SegmentPart::Envelope, RecordType::TIME) => {
                self.arrival = reader.text(record).to_vec()
            }
            (SegmentPart::Content, RecordType::CONTENT) if self.state == RawState::Before => {
                self.state = RawState::Within;
                self.put_from_line(output)?;
            }
            (SegmentPart::Content, RecordType::TEXT | RecordType::UNTERMINATED_TEXT) => {
                self.text(record, reader, output)?;
            }
            (_, RecordType::EXTRACTED | RecordType::END) if self.state == RawState::Within => {
                self.finish(output)?;
                return Ok(SegmentWalk::Stop);
            }
            _ => {}
        }
        Ok(SegmentWalk::On)
    }

    /// Writes `From sender  date`, as local(8) does. The sender is made one word of
    /// printable characters.
    fn put_from_line<K: OutputSink>(&self, output: &mut TextBuffer<K>) -> io::Result<()> {
        if self.form == RawFormat::Plain {
            return Ok(());
        }
        let mut sender = self.sender.clone();
        make_printable(&mut sender, Charset::Safe);
        for blank in sender.iter_mut().filter(|b| **b == b' ') {
            *blank = b'_';
        }
        if sender.is_empty() {
            sender = b"MAILER-DAEMON".to_vec();
        }
        let date = ctime(&self.arrival);
        output.put(&[b"From ", &sender[..], b"  ", &date, b"\n"].concat())
    }

    fn text<S: Source, K: OutputSink>(
        &mut self,
        record: &Record,
        reader: &mut RecordReader<'_, S>,
        output: &mut TextBuffer<K>,
    ) -> io::Result<()> {
        let mut done = 0u64;
        loop {
            let chunk = reader.chunk(record, done);
            if chunk.is_empty() {
                break;
            }
            done = done.saturating_add(chunk.len() as u64);
            match self.form {
                RawFormat::Plain => {
                    self.line = LineState::Middle;
                    output.put(chunk)?;
                }
                RawFormat::Mbox => self.line.put(chunk, output)?,
            }
        }
        if record.kind == RecordType::TEXT {
            self.line.end(output)?;
        }
        Ok(())
    }

    /// Terminates the last line and, in an mbox, the entry.
    fn finish<K: OutputSink>(&mut self, output: &mut TextBuffer<K>) -> io::Result<()> {
        if self.state != RawState::Within {
            return Ok(());
        }
        self.state = RawState::After;
        if self.line != LineState::default() {
            self.line.end(output)?;
        }
        match self.form {
            RawFormat::Plain => Ok(()),
            RawFormat::Mbox => output.put(b"\n"),
        }
    }
}

/// The beginning of a From_ line; it is also quoted after any number of `>`.
const FROM: &[u8] = b"From ";

/// The state at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineState {
    /// This many `>` and bytes of `From ` have been read, but not written.
    Start { quotes: u64, matched: usize },
    /// The beginning of the line has been written.
    Middle,
}

impl Default for LineState {
    fn default() -> Self {
        LineState::Start {
            quotes: 0,
            matched: 0,
        }
    }
}

impl LineState {
    /// Writes a piece of a line.
    fn put<K: OutputSink>(&mut self, piece: &[u8], output: &mut TextBuffer<K>) -> io::Result<()> {
        let mut rest = piece;
        while let (LineState::Start { quotes, matched }, Some((byte, tail))) =
            (*self, rest.split_first())
        {
            if *byte == b'>' && matched == 0 {
                let quotes = quotes.saturating_add(1);
                *self = LineState::Start { quotes, matched };
                rest = tail;
            } else if FROM.get(matched) == Some(byte) {
                let matched = matched.saturating_add(1);
                *self = LineState::Start { quotes, matched };
                rest = tail;
                if matched == FROM.len() {
                    output.put(b">")?;
                    self.write_start(output)?;
                }
            } else {
                self.write_start(output)?;
            }
        }
        output.put(rest)
    }

    /// Writes the beginning of the line that was held back.
    fn write_start<K: OutputSink>(&mut self, output: &mut TextBuffer<K>) -> io::Result<()> {
        if let LineState::Start { quotes, matched } = *self {
            for _ in 0..quotes {
                output.put(b">")?;
            }
            output.put(FROM.get(..matched).unwrap_or_default())?;
        }
        *self = LineState::Middle;
        Ok(())
    }

    fn end<K: OutputSink>(&mut self, output: &mut TextBuffer<K>) -> io::Result<()> {
        self.write_start(output)?;
        *self = LineState::default();
        output.put(b"\n")
    }
}
