//! Renders a message as one JSON object (extension: `--json`).
//!
//! Reads the file once for each list in the object, so that no list is held in
//! memory: serde writes the elements, and this file the text between them;
//! `json_members` has the members of the object and of its elements. Bytes
//! that are not UTF-8 become U+FFFD. The object is always complete JSON; if the
//! file cannot be read to its end, its member `error` says so.

use bstr::ByteSlice;
use serde::Serialize;

use super::super::records::header::line_could_be_header;
use super::super::records::{Record, RecordReader, RecordType};
use super::attribute;
use super::error::ContentsError;
use super::json_members::{
    MessageSummary, NamedText, RecipientFields, RecipientMembers, note, note_recipient, text,
};
use super::output::{OutputSink, TextBuffer};
use super::segments::{SegmentPart, SegmentWalk, walk};
use crate::sys::source::Source;
use crate::text::write_json;

/// Largest number of bytes of one header that are shown.
const HEADER_MAX: usize = 1024 * 1024;

/// Writes the message in the file called `name` as a JSON object and a newline,
/// with the name of the instance if it is given.
///
/// # Errors
///
/// The file cannot be read to its end, which the object also says; or the output
/// cannot be written.
pub fn json<S: Source, K: OutputSink>(
    reader: &mut RecordReader<'_, S>,
    (name, instance): (&[u8], Option<&str>),
    output: &mut TextBuffer<K>,
) -> Result<(), ContentsError> {
    let mut form = Json {
        reader,
        name,
        output,
    };
    let mut found = MessageSummary::default();
    let mut damage = Damage::default();
    damage.note(form.scalars(&mut found))?;
    form.put("{")?;
    form.member("file", &text(name))?;
    for (key, value) in found.scalars {
        form.put(", ")?;
        form.member(key, &value)?;
    }
    form.put(", ")?;
    form.member("offsets", &found.offsets)?;
    form.put(", \"attributes\": [")?;
    damage.read(|| form.attributes())?;
    form.put("], \"recipients\": [")?;
    damage.read(|| form.recipients())?;
    form.put("], \"headers\": [")?;
    damage.read(|| form.headers())?;
    form.put("]")?;
    if let Some(instance) = instance {
        form.put(", ")?;
        form.member("instance", &instance)?;
    }
    if let Some(error) = &damage.0 {
        form.put(", ")?;
        form.member("error", &error.to_string())?;
    }
    form.put("}\n")?;
    damage.0.map_or(Ok(()), Err)
}

/// The first error in the file. Its warning has already been written, and the lists
/// after it in the object are empty.
#[derive(Default)]
struct Damage(Option<ContentsError>);

impl Damage {
    fn read(
        &mut self,
        read: impl FnOnce() -> Result<(), ContentsError>,
    ) -> Result<(), ContentsError> {
        match self.0 {
            Some(_) => Ok(()),
            None => self.note(read()),
        }
    }

    fn note(&mut self, result: Result<(), ContentsError>) -> Result<(), ContentsError> {
        match result {
            Err(error) if error.is_of_file() => {
                self.0 = Some(error);
                Ok(())
            }
            result => result,
        }
    }
}

struct Json<'a, 'b, S, K> {
    reader: &'a mut RecordReader<'b, S>,
    name: &'a [u8],
    output: &'a mut TextBuffer<K>,
}

/// Writes the elements of a list.
#[derive(Default)]
struct JsonArray {
    count: u64,
}

impl JsonArray {
    fn put<K: OutputSink>(
        &mut self,
        value: &impl Serialize,
        output: &mut TextBuffer<K>,
    ) -> Result<(), ContentsError> {
        if self.count > 0 {
            output.put(b", ")?;
        }
        self.count = self.count.saturating_add(1);
        put_value(value, output)
    }
}

fn put_value<K: OutputSink>(
    value: &impl Serialize,
    output: &mut TextBuffer<K>,
) -> Result<(), ContentsError> {
    let mut json = Vec::new();
    write_json(value, &mut json)?;
    Ok(output.put(&json)?)
}

impl<S: Source, K: OutputSink> Json<'_, '_, S, K> {
    fn put(&mut self, text: &str) -> Result<(), ContentsError> {
        Ok(self.output.put(text.as_bytes())?)
    }

    fn member(&mut self, name: &str, value: &impl Serialize) -> Result<(), ContentsError> {
        self.put(&format!("\"{name}\": "))?;
        put_value(value, self.output)
    }

    /// Visits the records from the start of the file.
    fn walk(
        &mut self,
        visit: impl FnMut(
            SegmentPart,
            &Record,
            &mut RecordReader<'_, S>,
            &mut TextBuffer<K>,
        ) -> Result<SegmentWalk, ContentsError>,
    ) -> Result<(), ContentsError> {
        self.reader.start_at(0).map_err(ContentsError::Seek)?;
        walk(self.reader, self.name, self.output, visit)
    }

    /// Collects the members that a message has once, and the offsets of its
    /// segments.
    fn scalars(&mut self, found: &mut MessageSummary) -> Result<(), ContentsError> {
        let MessageSummary { scalars, offsets } = found;
        self.walk(|part, record, reader, _| {
            let offset = match record.kind {
                RecordType::CONTENT => &mut offsets.content,
                RecordType::EXTRACTED => &mut offsets.extracted,
                RecordType::END => &mut offsets.end,
                _ => {
                    if part == SegmentPart::Envelope {
                        note(record, reader, scalars);
                    }
                    return Ok(SegmentWalk::On);
                }
            };
            *offset = Some(record.offset);
            Ok(match record.kind {
                RecordType::CONTENT => SegmentWalk::OverContent,
                _ => SegmentWalk::On,
            })
        })
    }

    fn attributes(&mut self) -> Result<(), ContentsError> {
        let mut list = JsonArray::default();
        self.walk(|part, record, reader, output| {
            if record.kind == RecordType::CONTENT {
                return Ok(SegmentWalk::OverContent);
            }
            if part == SegmentPart::Content || record.kind != RecordType::ATTRIBUTE {
                return Ok(SegmentWalk::On);
            }
            if let Ok(attribute) = attribute::split(reader.text(record)) {
                let (name, value) = (text(attribute.name), text(attribute.value));
                list.put(&NamedText { name, value }, output)?;
            }
            Ok(SegmentWalk::On)
        })
    }

    fn recipients(&mut self) -> Result<(), ContentsError> {
        let mut list = JsonArray::default();
        let mut before = RecipientFields::default();
        self.walk(|part, record, reader, output| {
            let status = match record.kind {
                RecordType::CONTENT => return Ok(SegmentWalk::OverContent),
                _ if part == SegmentPart::Content => return Ok(SegmentWalk::On),
                RecordType::RECIPIENT => "pending",
                RecordType::DONE_RECIPIENT => "done",
                RecordType::CANCELED_RECIPIENT => "canceled",
                _ => {
                    note_recipient(record, reader, &mut before);
                    return Ok(SegmentWalk::On);
                }
            };
            let fields = std::mem::take(&mut before);
            let recipient = RecipientMembers {
                address: text(reader.text(record)),
                dsn_notify_flags: fields.dsn_notify_flags,
                dsn_original_recipient: fields.dsn_original_recipient,
                offset: record.offset,
                original_address: fields.original_address,
                status,
            };
            list.put(&recipient, output)?;
            Ok(SegmentWalk::On)
        })
    }

    fn headers(&mut self) -> Result<(), ContentsError> {
        let mut headers = Headers::default();
        self.walk(|part, record, reader, output| match (part, record.kind) {
            (SegmentPart::Content, RecordType::TEXT | RecordType::UNTERMINATED_TEXT) => {
                headers.text(record, reader, output)
            }
            (SegmentPart::Envelope, RecordType::EXTRACTED) => Ok(SegmentWalk::Stop),
            _ => Ok(SegmentWalk::On),
        })?;
        headers.write(self.output)
    }
}

/// Collects the lines of one header after the other.
#[derive(Default)]
struct Headers {
    list: JsonArray,
    /// The header so far, with its lines joined.
    header: Vec<u8>,
    /// The line so far.
    line: Vec<u8>,
}

impl Headers {
    fn text<S: Source, K: OutputSink>(
        &mut self,
        record: &Record,
        reader: &mut RecordReader<'_, S>,
        output: &mut TextBuffer<K>,
    ) -> Result<SegmentWalk, ContentsError> {
        let mut done = 0u64;
        loop {
            let chunk = reader.chunk(record, done);
            if chunk.is_empty() || self.line.len() >= HEADER_MAX {
                break;
            }
            done = done.saturating_add(chunk.len() as u64);
            self.line.extend_from_slice(chunk);
        }
        self.line.truncate(HEADER_MAX);
        if record.kind == RecordType::UNTERMINATED_TEXT {
            return Ok(SegmentWalk::On);
        }
        let line = std::mem::take(&mut self.line);
        if matches!(line.first(), Some(b' ' | b'\t')) && !self.header.is_empty() {
            self.header.extend_from_slice(&line);
            self.header.truncate(HEADER_MAX);
            return Ok(SegmentWalk::On);
        }
        self.write(output)?;
        if !line_could_be_header(&line) {
            return Ok(SegmentWalk::Stop);
        }
        self.header = line;
        Ok(SegmentWalk::On)
    }

    /// Writes the header that is complete, if there is one.
    fn write<K: OutputSink>(&mut self, output: &mut TextBuffer<K>) -> Result<(), ContentsError> {
        let header = std::mem::take(&mut self.header);
        let Some((name, value)) = header.split_once_str(":") else {
            return Ok(());
        };
        let name = text(name.trim_ascii_end());
        let value = text(value.trim_ascii_start());
        self.list.put(&NamedText { name, value }, output)
    }
}
