//! Renders a message as one JSON object (extension: `--json`).
//!
//! Reads the file once for each list in the object, so that no list is held in
//! memory. Bytes that are not UTF-8 become U+FFFD. The object is always complete
//! JSON; if the file cannot be read to its end, its member `error` says so.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::super::records::header::line_could_be_header;
use super::super::records::{Record, RecordReader, RecordType};
use super::attribute;
use super::error::ContentsError;
use super::output::{OutputSink, TextBuffer};
use super::segments::{SegmentPart, SegmentWalk, walk};
use crate::sys::source::Source;
use crate::text::{leading_number, without_controls};

/// Largest number of bytes of one header that are shown.
const HEADER_MAX: usize = 1024 * 1024;

/// Writes the message in a file as a JSON object and a newline. The object begins
/// with `members`.
pub fn json<S: Source, K: OutputSink>(
    reader: &mut RecordReader<'_, S>,
    name: &[u8],
    members: Vec<(&'static str, Value)>,
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
    let offsets = ("offsets", Value::Object(found.offsets));
    let scalars = found.scalars.into_iter().chain([offsets]);
    for (key, value) in members.into_iter().chain(scalars) {
        form.put(&format!("\"{key}\": {}, ", spaced(&value)))?;
    }
    form.put("\"attributes\": [")?;
    damage.read(|| form.attributes())?;
    form.put("], \"recipients\": [")?;
    damage.read(|| form.recipients())?;
    form.put("], \"headers\": [")?;
    damage.read(|| form.headers())?;
    form.put("]")?;
    if let Some(error) = &damage.0 {
        let error = Value::String(error.to_string());
        form.put(&format!(", \"error\": {}", spaced(&error)))?;
    }
    form.put("}\n")?;
    damage.0.map_or(Ok(()), Err)
}

/// The members that a message has once.
#[derive(Default)]
struct MessageSummary {
    scalars: Vec<(&'static str, Value)>,
    /// The offsets of its segments.
    offsets: Map<String, Value>,
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
        value: &Value,
        output: &mut TextBuffer<K>,
    ) -> Result<(), ContentsError> {
        if self.count > 0 {
            output.put(b", ")?;
        }
        self.count = self.count.saturating_add(1);
        Ok(output.put(spaced(value).as_bytes())?)
    }
}

impl<S: Source, K: OutputSink> Json<'_, '_, S, K> {
    fn put(&mut self, text: &str) -> Result<(), ContentsError> {
        Ok(self.output.put(text.as_bytes())?)
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
            let place = match record.kind {
                RecordType::CONTENT => "content",
                RecordType::EXTRACTED => "extracted",
                RecordType::END => "end",
                _ => {
                    if part == SegmentPart::Envelope {
                        note(record, reader, scalars);
                    }
                    return Ok(SegmentWalk::On);
                }
            };
            offsets.insert(place.to_owned(), record.offset.into());
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
                list.put(&json!({"name": name, "value": value}), output)?;
            }
            Ok(SegmentWalk::On)
        })
    }

    fn recipients(&mut self) -> Result<(), ContentsError> {
        let mut list = JsonArray::default();
        let mut before = Map::new();
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
            let mut recipient = Map::new();
            recipient.insert("address".into(), text(reader.text(record)).into());
            recipient.insert("status".into(), status.into());
            recipient.insert("offset".into(), record.offset.into());
            recipient.append(&mut before);
            list.put(&Value::Object(recipient), output)?;
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
        let Some(colon) = header.iter().position(|&b| b == b':') else {
            return Ok(());
        };
        let (name, value) = header.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        let (name, value) = (name.trim_ascii_end(), value.trim_ascii_start());
        let header = json!({"name": text(name), "value": text(value)});
        self.list.put(&header, output)
    }
}

/// Stores a record of the envelope that a message has once.
fn note<S: Source>(
    record: &Record,
    reader: &mut RecordReader<'_, S>,
    found: &mut Vec<(&'static str, Value)>,
) {
    let key = match record.kind {
        RecordType::SIZE => "size",
        RecordType::TIME => "arrival_time",
        RecordType::SENDER => "sender",
        RecordType::FULL_NAME => "sender_fullname",
        RecordType::FILTER => "content_filter",
        RecordType::INSPECTOR => "content_inspector",
        RecordType::VERP => "verp_delimiters",
        RecordType::DSN_RETURN => "dsn_return_flags",
        RecordType::DSN_ENVELOPE_ID => "dsn_envelope_id",
        RecordType::WARNING_TIME => "warning_message_time",
        RecordType::REDIRECT => "redirect_to",
        _ => return,
    };
    if found.iter().any(|(known, _)| *known == key) {
        return;
    }
    let bytes = reader.text(record);
    let value = match record.kind {
        RecordType::SIZE | RecordType::TIME | RecordType::WARNING_TIME | RecordType::DSN_RETURN => {
            leading_number(bytes).map_or(0, |(number, _)| number).into()
        }
        _ => text(bytes).into(),
    };
    found.push((key, value));
}

/// Stores a record that belongs to the next recipient.
fn note_recipient<S: Source>(
    record: &Record,
    reader: &mut RecordReader<'_, S>,
    before: &mut Map<String, Value>,
) {
    let key = match record.kind {
        RecordType::ORIGINAL_RECIPIENT => "original_address",
        RecordType::DSN_ORIGINAL_RECIPIENT => "dsn_original_recipient",
        RecordType::DSN_NOTIFY => "dsn_notify_flags",
        _ => return,
    };
    let bytes = reader.text(record);
    let value = match record.kind {
        RecordType::DSN_NOTIFY => leading_number(bytes).map_or(0, |(number, _)| number).into(),
        _ => text(bytes).into(),
    };
    before.insert(key.into(), value);
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Formats JSON with a blank after each comma and colon, as in a listing.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members = map.iter();
            let members = members.map(|(key, value)| format!("\"{key}\": {}", spaced(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        other => without_controls(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let text = "a\u{1b}\u{7f}\u{9b}31m\u{a0}\u{fc}";
        let value = json!({"name": text});
        let shown = spaced(&value);
        assert_eq!(
            shown,
            "{\"name\": \"a\\u001b\\u007f\\u009b31m\u{a0}\u{fc}\"}"
        );
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }
}
