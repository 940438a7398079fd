//! The members of the object that `json` writes, and the records whose values they
//! have.

use std::borrow::Cow;

use serde::Serialize;

use super::super::records::{Record, RecordReader, RecordType};
use crate::sys::source::Source;
use crate::text::number_or_zero;

/// The members that a message has once.
#[derive(Default)]
pub(super) struct MessageSummary {
    /// In the order of the file.
    pub(super) scalars: Vec<(&'static str, Scalar)>,
    pub(super) offsets: Offsets,
}

/// The value of a member that a message has once.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(i64),
    Text(String),
}

/// The offsets at which the segments of a message begin, in bytes.
#[derive(Default, Serialize)]
pub(super) struct Offsets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extracted: Option<u64>,
}

/// An attribute, or a header.
#[derive(Serialize)]
pub(super) struct NamedText<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
}

/// A recipient.
#[derive(Serialize)]
pub(super) struct RecipientMembers<'a> {
    pub(super) address: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dsn_notify_flags: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dsn_original_recipient: Option<String>,
    /// Of its record, in bytes.
    pub(super) offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) original_address: Option<String>,
    pub(super) status: &'static str,
}

/// The values in the records that precede a recipient's.
#[derive(Default)]
pub(super) struct RecipientFields {
    pub(super) dsn_notify_flags: Option<i64>,
    pub(super) dsn_original_recipient: Option<String>,
    pub(super) original_address: Option<String>,
}

/// Stores a record of the envelope that a message has once.
pub(super) fn note<S: Source>(
    record: &Record,
    reader: &mut RecordReader<'_, S>,
    found: &mut Vec<(&'static str, Scalar)>,
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
            Scalar::Number(number_or_zero(bytes))
        }
        _ => Scalar::Text(text(bytes).into_owned()),
    };
    found.push((key, value));
}

/// Stores a record that belongs to the next recipient.
pub(super) fn note_recipient<S: Source>(
    record: &Record,
    reader: &mut RecordReader<'_, S>,
    before: &mut RecipientFields,
) {
    let field = match record.kind {
        RecordType::ORIGINAL_RECIPIENT => &mut before.original_address,
        RecordType::DSN_ORIGINAL_RECIPIENT => &mut before.dsn_original_recipient,
        RecordType::DSN_NOTIFY => {
            before.dsn_notify_flags = Some(number_or_zero(reader.text(record)));
            return;
        }
        _ => return,
    };
    *field = Some(text(reader.text(record)).into_owned());
}

/// Bytes as text; those that are not UTF-8 become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
