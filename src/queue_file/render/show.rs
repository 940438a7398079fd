//! The state machine: one file, record by record.
//!
//! Owns the order of the segments, what each record looks like, and where
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

/// How often the content may be skipped backwards. A size record can lead back
/// to before the content record; Postfix would go round for ever.
const SKIPS_MAX: u32 = 10_000;

/// How the names of files begin whose size record may be preliminary.
const MAILDROP: &[u8] = b"maildrop/";

/// Where in a file the showing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartPosition {
    /// At its start: the envelope gets its heading.
    AtStart,
    /// Where the user said.
    Within,
}

/// Shows the records of a file from the position of `reader`. `name` is what
/// headings and warnings call the file. `postfix` is the release that it is
/// shown as.
///
/// # Errors
///
/// A record cannot be read, a place in the file not be reached, a size record
/// be used (before Postfix 3.7), or the output not be written.
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
    /// What asks for this part.
    fn flag(self) -> Flag {
        match self {
            FilePart::Envelope => Flag::Envelope,
            FilePart::Header => Flag::Header,
            FilePart::Body => Flag::Body,
        }
    }
}

/// Whether the file has been shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Done,
}

/// The line that was printed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrintedLine {
    Complete,
    /// The next text continues it.
    Open,
}

pub(super) struct Show<'a, 'b, S, K> {
    pub(super) reader: &'a mut RecordReader<'b, S>,
    pub(super) name: &'a [u8],
    pub(super) plan: Plan,
    pub(super) output: &'a mut TextBuffer<K>,
    pub(super) segment: FilePart,
    /// Where the reading of the record began: before the pointers and the
    /// padding in front of it.
    pub(super) offset: u64,
    /// Whether what was printed last has an end.
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

    /// The next record, read as the plan says.
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

    /// The content record: the message begins.
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

    /// The extracted record: the message ends, the envelope goes on.
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

    /// The size record says where the content is; without the envelope that
    /// is where to go on.
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

    /// A pointer record as such, which only a raw reader sees.
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

    /// The body begins. If it is not requested, it is skipped.
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
        // Of a message that is still being received all numbers are zero.
        // Postfix 3.7 and 3.8 go round for ever then.
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

    /// Goes on at an offset; a negative one is an error to the system too.
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
