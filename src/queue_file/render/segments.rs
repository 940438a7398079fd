//! A walk over the records of a message as a reader of mail sees them: for
//! the extensions, which want the message rather than the file.

use super::super::records::{Record, RecordReader, RecordType};
use super::error::ContentsError;
use super::output::{OutputSink, TextBuffer};
use super::sizes::Sizes;
use crate::sys::source::Source;

/// Where in the message a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentPart {
    /// Before the content or after it.
    Envelope,
    /// Header and body.
    Content,
}

/// Whether the walk shall go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentWalk {
    On,
    /// Over the content, which is of no interest.
    OverContent,
    Stop,
}

/// Calls `visit` for every record from the start of the file up to the end
/// record, pointers followed. What cannot be read is warned of.
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
            // What is wrong with it, the plain form says.
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

/// Goes to the extracted segment if that is ahead.
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
