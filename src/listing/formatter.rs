//! Turns messages into text in one of the styles, into entries to be sorted, or
//! into counts, and adds up the totals for the end of the text format.
//!
//! Limits how much of a message is held in memory until it is complete.

use std::io;

use super::counts::MessageCounter;
use super::format::column::RequiredParts;
use super::format::json::JsonFormat;
use super::format::lines::LineFormat;
use super::format::text::TextFormat;
use super::message_info::{FileFacts, MessageInfo};
use super::partial::PartialResult;
use super::piece::PIECE_SIZE;
use super::sort_entry::SortEntry;
use super::sort_spec::SortSpec;
use super::spill::{Spill, SpilledText};
use super::style::{OutputOptions, Style};
use super::totals::Totals;
use crate::queue_file::message_visitor::{MessageHead, MessageVisitor, ReadLevel, Recipient};
use crate::queue_file::records::TEXT_MAX;
use crate::text::SHORT_TEXT_MAX;

/// Formats messages according to [`OutputOptions`].
#[derive(Debug)]
pub struct Formatter<'a> {
    style: StyledFormatter<'a>,
    sort_spec: Option<&'a SortSpec>,
    depth: RequiredParts,
    keeping: Keeping,
    has_head: bool,
    known: MessageInfo,
    size: u64,
    totals: Totals,
    entries: Vec<SortEntry>,
    /// Approximate memory used by the entries, in bytes.
    entries_cost: usize,
    spill: Option<&'a Spill>,
    /// Parts of the current message that are in the spill.
    kept: Vec<SpilledText>,
    decision: ListDecision,
    /// The error if text could not be written to the spill.
    failure: Option<io::Error>,
}

/// Largest number of bytes of a long text that Postfix's own formats show.
const WHOLE_TEXT_MAX: usize = TEXT_MAX / 8;

/// Whether the current message is known to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListDecision {
    Listed,
    Open,
}

/// Which information about a message is kept in [`MessageInfo`] until it is
/// complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Nothing,
    Envelope,
    Headers,
}

#[derive(Debug)]
enum StyledFormatter<'a> {
    Text(TextFormat),
    Json(JsonFormat<'a>),
    Lines(LineFormat<'a>),
    Counts(MessageCounter<'a>, Vec<u8>),
}

impl<'a> Formatter<'a> {
    /// Creates a formatter with empty output.
    pub fn new(look: OutputOptions<'a>) -> Self {
        let keeps = look.style.needs_message_info() || look.sort_spec.is_some();
        let mut known = MessageInfo::default();
        known.file.request_headers(look.style.headers());
        known.file.text_form = look.text_form;
        Self {
            keeping: match (look.style.needs_headers(), keeps) {
                (true, _) => Keeping::Headers,
                (false, true) => Keeping::Envelope,
                (false, false) => Keeping::Nothing,
            },
            style: match look.style {
                Style::Text(columns, clock) => {
                    StyledFormatter::Text(TextFormat::new(columns, clock))
                }
                Style::Json(members) => StyledFormatter::Json(JsonFormat::new(members)),
                Style::Lines(template) => StyledFormatter::Lines(LineFormat::new(template)),
                Style::Counts(plan) => {
                    StyledFormatter::Counts(MessageCounter::new(plan), Vec::new())
                }
            },
            sort_spec: look.sort_spec,
            depth: look.depth(),
            has_head: false,
            known,
            size: 0,
            totals: Totals::default(),
            entries: Vec::new(),
            entries_cost: 0,
            spill: look.spill,
            kept: Vec::new(),
            decision: ListDecision::Listed,
            failure: None,
        }
    }

    /// Records that it is not yet known whether the message that begins is listed.
    pub fn hold_back(&mut self) {
        self.decision = ListDecision::Open;
    }

    /// Records that the message is listed.
    pub fn release(&mut self) {
        self.decision = ListDecision::Listed;
    }

    /// Drops the spilled text of a message that is not listed. The caller has to
    /// remove the rest of its text from [`Formatter::out`].
    pub fn drop_message(&mut self) {
        self.kept.clear();
    }

    /// Returns the error if text could not be written to the spill. The listing is
    /// incomplete then.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Largest number of bytes that are shown of a text of any length.
    pub fn long_text_max(&self) -> usize {
        match self.style {
            StyledFormatter::Text(_) | StyledFormatter::Json(_) => WHOLE_TEXT_MAX,
            StyledFormatter::Lines(_) | StyledFormatter::Counts(..) => SHORT_TEXT_MAX,
        }
    }

    /// Moves the text of an incomplete message out of memory if there is much of it
    /// and the caller does not take it, see [`Formatter::is_continuous`].
    fn spill_if_large(&mut self) {
        let Some(sort_spec) = self.sort_spec else {
            return;
        };
        if self.out().len() <= PIECE_SIZE {
            return;
        }
        if sort_spec.keys.is_empty()
            && self.decision == ListDecision::Listed
            && self.kept.is_empty()
        {
            let text = std::mem::take(self.out());
            return self.push(SortEntry::part(text));
        }
        if let Some(spill) = self.spill {
            match spill.keep(self.out()) {
                Ok(kept) => self.kept.push(kept),
                Err(error) => self.failure = Some(error),
            }
            self.out().clear();
        }
    }

    fn push(&mut self, entry: SortEntry) {
        self.entries_cost = self.entries_cost.saturating_add(entry.cost());
        self.entries.push(entry);
    }

    /// The text that was written since it was last taken or cleared.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match &mut self.style {
            StyledFormatter::Text(form) => &mut form.out,
            StyledFormatter::Json(form) => &mut form.out,
            StyledFormatter::Lines(form) => &mut form.out,
            StyledFormatter::Counts(_, nothing) => nothing,
        }
    }

    /// Whether text may be passed on before a message is complete.
    pub fn is_continuous(&self) -> bool {
        self.sort_spec.is_none()
    }

    /// Where to store information about the next message's file; `None` if it is
    /// not shown.
    pub fn file_facts(&mut self) -> Option<&mut FileFacts> {
        (self.keeping != Keeping::Nothing).then_some(&mut self.known.file)
    }

    /// Whether the message header has to be read.
    pub fn needs_headers(&self) -> bool {
        self.keeping == Keeping::Headers
    }

    /// Returns the totals since the last call.
    pub fn take_totals(&mut self) -> Totals {
        std::mem::take(&mut self.totals)
    }

    /// Approximate size in bytes of what [`Formatter::take_partial`] would return.
    pub fn partial_size(&self) -> usize {
        match &self.style {
            StyledFormatter::Counts(counter, _) => counter.cost(),
            _ => self.entries_cost,
        }
    }

    /// Returns the entries or counts that were collected since the last call.
    pub fn take_partial(&mut self) -> Option<PartialResult> {
        if !self.entries.is_empty() {
            self.entries_cost = 0;
            return Some(PartialResult::Entries(std::mem::take(&mut self.entries)));
        }
        match &mut self.style {
            StyledFormatter::Counts(counter, _) => counter.take().map(PartialResult::Counts),
            _ => None,
        }
    }
}

impl MessageVisitor for Formatter<'_> {
    fn begin(&mut self) {
        self.has_head = false;
        self.decision = ListDecision::Listed;
        self.kept.clear();
        if self.keeping != Keeping::Nothing {
            self.known.begin();
        }
    }

    fn long_text_max(&self) -> usize {
        Formatter::long_text_max(self)
    }

    fn wants_attributes(&self) -> bool {
        self.keeping != Keeping::Nothing
    }

    fn attribute(&mut self, text: &[u8]) {
        self.known.origin.note(text);
    }

    fn done_recipient(&mut self) {
        self.known.done_recipients = self.known.done_recipients.saturating_add(1);
    }

    fn wanted(&self) -> ReadLevel {
        match self.depth {
            RequiredParts::Everything => ReadLevel::Everything,
            RequiredParts::Head if self.has_head => ReadLevel::Nothing,
            RequiredParts::Head | RequiredParts::QueueFile => ReadLevel::QueueFile,
        }
    }

    fn message(&mut self, head: &MessageHead<'_>) {
        self.has_head = true;
        self.size = head.size.cast_unsigned();
        if self.keeping != Keeping::Nothing {
            self.known.note(head);
        }
        match &mut self.style {
            StyledFormatter::Text(form) => form.message(head),
            StyledFormatter::Json(form) => form.message(head),
            StyledFormatter::Lines(form) => form.begin(),
            StyledFormatter::Counts(counter, _) => counter.begin(),
        }
        self.spill_if_large();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.known.recipients = self.known.recipients.saturating_add(1);
        match &mut self.style {
            StyledFormatter::Text(form) => form.recipient(recipient),
            StyledFormatter::Json(form) => form.recipient(recipient),
            StyledFormatter::Lines(form) => form.recipient(recipient),
            StyledFormatter::Counts(counter, _) => {
                counter.recipient(recipient);
                if self.decision == ListDecision::Listed {
                    counter.add_up(&self.known);
                }
            }
        }
        self.spill_if_large();
    }

    fn end(&mut self) {
        match &mut self.style {
            StyledFormatter::Text(_) => {}
            StyledFormatter::Json(form) => form.end(&self.known),
            StyledFormatter::Lines(form) => form.end(&self.known),
            StyledFormatter::Counts(counter, _) => counter.end(&self.known),
        }
        let totals = Totals {
            messages: 1,
            bytes: self.size,
        };
        match self.sort_spec {
            None => self.totals.add(totals),
            Some(sort_spec) => {
                let text = std::mem::take(self.out());
                let kept = std::mem::take(&mut self.kept);
                let entry = SortEntry::new(sort_spec, &self.known, totals, kept, text);
                self.push(entry);
            }
        }
    }

    fn warning(&mut self, _: Vec<u8>) {}
}
