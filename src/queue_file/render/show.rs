//! The state machine that shows one file record by record.
//!
//! Decides the order of the segments, what is shown of each record, and where
//! reading continues when a part is not requested.

use std::io;

use super::super::records::header::could_be_header;
use super::super::records::{Record, RecordError, RecordReader, RecordType};
use super::error::ContentsError;
use super::output::{OutputSink, TextBuffer};
use super::plan::{Flag, Plan};
use super::sizes::{SizeFault, Sizes};
use crate::release::{Feature, Installed};
use crate::sys::source::Source;
use crate::text::first_hundred;

/// How often the content may be skipped backward. A size record can lead to an
/// offset before the content record; Postfix would loop forever.
const SKIPS_MAX: u32 = 10_000;

/// Beginning of the names of files whose size record may be preliminary.
const MAILDROP: &[u8] = b"maildrop/";

/// Where the output begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartPosition {
    /// At the start of the file; the envelope gets its heading.
    AtStart,
    /// At an offset that the user requested.
    Within,
}

/// Shows the records of a file from the position of `reader`. `name` represents the
/// file in headings and warnings. `postfix` is the release whose output is
/// reproduced.
///
/// # Errors
///
/// A record cannot be read, an offset cannot be reached, a size record is invalid
/// (before Postfix 3.7), or the output cannot be written.
pub fn show<S: Source, K: OutputSink>(
    reader: &mut RecordReader<'_, S>,
    name: &[u8],
    plan: Plan,
    begin: StartPosition,
    postfix: &Installed,
    output: &mut TextBuffer<K>,
) -> Result<(), ContentsError> {
    let mut show = Show {
        reader,
        name,
        plan,
        output,
        segment: FilePart::Envelope,
        offset: 0,
        line: PrintedLine::Complete,
        sizes: Sizes::default(),
        skips: 0,
        postfix,
    };
    if begin == StartPosition::AtStart && plan.has(Flag::Envelope) {
        let heading = show.marker("ENVELOPE RECORDS");
        show.output.hold(&heading)?;
    }
    show.run()
}

/// The part of the file that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilePart {
    Envelope,
    Header,
    Body,
}

impl FilePart {
    /// The flag that requests this part.
    fn flag(self) -> Flag {
        match self {
            FilePart::Envelope => Flag::Envelope,
            FilePart::Header => Flag::Header,
            FilePart::Body => Flag::Body,
        }
    }
}

/// Whether to continue with the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Done,
}

/// The state of the last line of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrintedLine {
    Complete,
    /// The next text continues the line.
    Open,
}

pub(super) struct Show<'a, 'b, S, K> {
    pub(super) reader: &'a mut RecordReader<'b, S>,
    pub(super) name: &'a [u8],
    pub(super) plan: Plan,
    pub(super) output: &'a mut TextBuffer<K>,
    pub(super) segment: FilePart,
    /// Offset at which the reading of the record began: before the pointers and the
    /// padding that precede it.
    pub(super) offset: u64,
    /// Whether the last line of output is terminated.
    pub(super) line: PrintedLine,
    sizes: Sizes,
    skips: u32,
    pub(super) postfix: &'a Installed,
}

impl<S: Source, K: OutputSink> Show<'_, '_, S, K> {
    fn run(&mut self) -> Result<(), ContentsError> {
        while let Some(record) = self.next()? {
            if self.step(&record)? == Flow::Done {
                break;
            }
        }
        Ok(())
    }

    /// Returns the next record, read as the plan requires.
    fn next(&mut self) -> Result<Option<Record>, ContentsError> {
        if self.reader.may_wait() {
            self.output.flush()?;
        }
        self.offset = self.reader.offset().unwrap_or(u64::MAX);
        let next = if self.plan.has(Flag::Raw) {
            self.reader.next_raw()
        } else {
            self.reader.next_cooked()
        };
        match next {
            Ok(record) => Ok(record),
            Err(error) => {
                self.warn_of(&error)?;
                Err(ContentsError::Record)
            }
        }
    }

    fn step(&mut self, record: &Record) -> Result<Flow, ContentsError> {
        match record.kind {
            RecordType::CONTENT => return self.content(record),
            RecordType::EXTRACTED => return self.extracted(record),
            RecordType::END => return self.end(record),
            RecordType::SIZE => self.size(record)?,
            RecordType::POINTER => self.pointer(record)?,
            RecordType::TEXT | RecordType::UNTERMINATED_TEXT => {
                if self.starts_body(record) && self.body()? == Flow::Done {
                    return Ok(Flow::Done);
                }
                if self.is_shown() {
                    self.text(record)?;
                }
            }
            RecordType::TIME | RecordType::WARNING_TIME if self.is_shown() => self.time(record)?,
            RecordType::ATTRIBUTE if self.is_shown() => self.attribute(record)?,
            _ if self.is_shown() => self.named(record)?,
            _ => {}
        }
        Ok(Flow::Next)
    }

    fn is_shown(&self) -> bool {
        self.plan.has(self.segment.flag())
    }

    /// Handles the content record, with which the message begins.
    fn content(&mut self, record: &Record) -> Result<Flow, ContentsError> {
        if self.segment != FilePart::Envelope {
            self.warn_order("message content marker")?;
        }
        self.segment = FilePart::Header;
        if self.plan.has(Flag::Envelope) {
            self.put_marker(record, "MESSAGE CONTENTS")?;
            if !self.plan.has(Flag::Header) && !self.plan.has(Flag::Body) {
                self.skip_to_extracted()?;
            }
        }
        Ok(Flow::Next)
    }

    /// Handles the extracted record, which ends the message and continues the
    /// envelope.
    fn extracted(&mut self, record: &Record) -> Result<Flow, ContentsError> {
        if self.segment == FilePart::Envelope {
            self.warn_order("extracted segment marker")?;
        }
        self.segment = FilePart::Envelope;
        if self.line == PrintedLine::Open {
            self.output.hold(b"\n")?;
        }
        if !self.plan.has(Flag::Envelope) {
            return Ok(Flow::Done);
        }
        self.put_marker(record, "HEADER EXTRACTED")?;
        Ok(Flow::Next)
    }

    fn end(&mut self, record: &Record) -> Result<Flow, ContentsError> {
        if self.segment != FilePart::Envelope {
            self.warn_order("message end marker")?;
        }
        if self.plan.has(Flag::Envelope) {
            self.put_marker(record, "MESSAGE FILE END")?;
        }
        if self.plan.has(Flag::FileOrder) {
            Ok(Flow::Next)
        } else {
            Ok(Flow::Done)
        }
    }

    /// Handles the size record, which contains the offset of the content. Reading
    /// continues there if the envelope is not requested.
    fn size(&mut self, record: &Record) -> Result<(), ContentsError> {
        if self.is_shown() {
            self.named(record)?;
        }
        if self.name.starts_with(MAILDROP) && self.postfix.has(Feature::PreliminarySize) {
            return Ok(());
        }
        let text = self.reader.text(record);
        match self.sizes.note(text) {
            Ok(()) => {}
            Err(SizeFault::Repeated) => {
                let warning = b"file contains multiple size records";
                return Ok(self.output.warning(warning)?);
            }
            Err(SizeFault::Invalid) if !self.postfix.has(Feature::InvalidSizeIsWarning) => {
                return Err(ContentsError::InvalidSize(first_hundred(text).to_vec()));
            }
            Err(SizeFault::Invalid) => {
                let warning = [b"invalid size record: ", first_hundred(text)].concat();
                self.output.warning(&warning)?;
            }
        }
        if self.plan.has(Flag::Envelope) {
            return Ok(());
        }
        self.segment = FilePart::Header;
        self.seek(self.sizes.content())
    }

    /// Handles a pointer record, which is returned only if records are read as they
    /// are.
    fn pointer(&mut self, record: &Record) -> Result<(), ContentsError> {
        if self.is_shown() {
            self.named(record)?;
        }
        if self.plan.has(Flag::FileOrder) {
            return Ok(());
        }
        let followed = self.reader.follow(record);
        followed.or_else(|error| {
            self.warn_of(&error)?;
            Err(ContentsError::Pointer)
        })
    }

    /// Whether the header ends with this line.
    fn starts_body(&mut self, record: &Record) -> bool {
        self.segment == FilePart::Header
            && (self.plan.has(Flag::Header) || self.plan.has(Flag::Body))
            && self.line == PrintedLine::Complete
            && !could_be_header(self.reader, record)
    }

    /// Starts the body, or skips it if it is not requested.
    fn body(&mut self) -> Result<Flow, ContentsError> {
        self.segment = FilePart::Body;
        if self.plan.has(Flag::Body) {
            return Ok(Flow::Next);
        }
        if !self.plan.has(Flag::Envelope) {
            return Ok(Flow::Done);
        }
        self.skip_to_extracted().map(|()| Flow::Next)
    }

    fn skip_to_extracted(&mut self) -> Result<(), ContentsError> {
        // In a message that is still being received all numbers are zero. Postfix
        // 3.7 and 3.8 loop forever then.
        let needs_offset = self.postfix.has(Feature::ExtractedSegmentNeedsOffset);
        if needs_offset && self.sizes.content() <= 0 {
            return Ok(());
        }
        let Some(offset) = self.sizes.extracted().filter(|offset| *offset != 0) else {
            return Ok(());
        };
        if u64::try_from(offset).is_ok_and(|offset| offset <= self.reader.position()) {
            self.skips = self.skips.saturating_add(1);
        }
        if self.skips > SKIPS_MAX {
            self.warn_of(&RecordError::ReverseJumps)?;
            return Err(ContentsError::Record);
        }
        self.seek(offset)
    }

    /// Continues at an offset. A negative one is an error, as it is in lseek(2).
    fn seek(&mut self, offset: i64) -> Result<(), ContentsError> {
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        self.reader.seek(offset).map_err(ContentsError::Seek)
    }

    fn warn_order(&mut self, what: &str) -> io::Result<()> {
        let text = [self.name, b": out-of-order ", what.as_bytes()].concat();
        self.output.warning(&text)
    }

    fn warn_of(&mut self, error: &RecordError) -> io::Result<()> {
        let text = [self.name, b": ", &error.message()].concat();
        self.output.warning(&text)
    }
}
