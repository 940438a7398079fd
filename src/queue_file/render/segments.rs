//! Visits the records of a message, for the extensions that show the message rather
//! than the file.

use super::super::records::{Record, RecordReader, RecordType};
use super::error::ContentsError;
use super::output::{OutputSink, TextBuffer};
use super::sizes::Sizes;
use crate::sys::source::Source;

/// The part of the message that a record is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentPart {
    /// The envelope, before or after the content.
    Envelope,
    /// Header and body.
    Content,
}

/// How the visit continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentWalk {
    On,
    /// Skips the content.
    OverContent,
    Stop,
}

/// Calls `visit` for every record from the position of the reader up to the end
/// record, following pointers. A record that cannot be read is reported as a
/// warning.
///
/// # Errors
///
/// A record cannot be read, an offset cannot be reached, or `visit` failed.
pub(super) fn walk<S: Source, K: OutputSink>(
    reader: &mut RecordReader<'_, S>,
    name: &[u8],
    output: &mut TextBuffer<K>,
    mut visit: impl FnMut(
        SegmentPart,
        &Record,
        &mut RecordReader<'_, S>,
        &mut TextBuffer<K>,
    ) -> Result<SegmentWalk, ContentsError>,
) -> Result<(), ContentsError> {
    let mut part = SegmentPart::Envelope;
    let mut sizes = Sizes::default();
    loop {
        let next = reader.next_cooked();
        let record = match next {
            Ok(None) => return Ok(()),
            Ok(Some(record)) => record,
            Err(error) => {
                output.warning(&[name, b": ", &error.message()].concat())?;
                return Err(ContentsError::Record);
            }
        };
        match record.kind {
            RecordType::CONTENT => part = SegmentPart::Content,
            RecordType::EXTRACTED => part = SegmentPart::Envelope,
            // An invalid size record is reported only by the plain format.
            RecordType::SIZE => drop(sizes.note(reader.text(&record))),
            _ => {}
        }
        match visit(part, &record, reader, output)? {
            SegmentWalk::On => {}
            SegmentWalk::Stop => return Ok(()),
            SegmentWalk::OverContent => over_content(reader, sizes)?,
        }
        if record.kind == RecordType::END {
            return Ok(());
        }
    }
}

/// Continues at the extracted segment if its offset is known and lies ahead.
fn over_content<S: Source>(
    reader: &mut RecordReader<'_, S>,
    sizes: Sizes,
) -> Result<(), ContentsError> {
    let extracted = sizes.extracted().and_then(|at| u64::try_from(at).ok());
    match extracted.filter(|at| *at > reader.position()) {
        Some(at) => reader.seek(at).map_err(ContentsError::Seek),
        None => Ok(()),
    }
}
