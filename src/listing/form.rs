//! What a worker makes of messages: text in one of the styles, entries to be
//! sorted, or counts; and the totals that the text form ends with.
//!
//! Owns how much of a message is held until it is complete.

use std::io;

use super::counts::{Counter, Counts};
use super::json::JsonForm;
use super::known::{FileFacts, Known};
use super::lines::LineForm;
use super::order::{Arrangement, Entry};
use super::sink::PIECE_SIZE;
use super::spill::{Kept, Spill};
use super::style::{Look, Style};
use super::template::Depth;
use super::text::TextForm;
use crate::record::{SHORT_TEXT_MAX, TEXT_MAX};
use crate::spool::report::{Head, Recipient, Report, Wanted};

/// Messages and bytes that were listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of messages.
    pub messages: u64,
    /// Sum of their sizes. Wraps, as Postfix's does: sizes are what a file
    /// claims.
    pub bytes: u64,
}

impl Totals {
    /// Adds the totals of another part of the queue.
    pub fn add(&mut self, other: Totals) {
        self.messages = self.messages.wrapping_add(other.messages);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

/// What is gathered rather than written at once.
#[derive(Debug)]
pub enum Gathered {
    /// Messages that wait for their place in the order.
    Entries(Vec<Entry>),
    /// Counts.
    Counts(Counts),
}

/// Makes of messages what a look asks for.
#[derive(Debug)]
pub struct Form<'a> {
    style: StyledForm<'a>,
    arrangement: Option<&'a Arrangement>,
    depth: Depth,
    keeping: Keeping,
    has_head: bool,
    known: Known,
    size: u64,
    totals: Totals,
    entries: Vec<Entry>,
    /// What they cost.
    entries_cost: usize,
    spill: Option<&'a Spill>,
    /// What the spill has of the message.
    kept: Vec<Kept>,
    decision: Decision,
    /// Why the spill cannot take more.
    failure: Option<io::Error>,
}

/// Bytes of a whole text that Postfix's forms show.
const WHOLE_TEXT_MAX: usize = TEXT_MAX / 8;

/// Whether it is known that the message is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Listed,
    Open,
}

/// Whether more is kept of a message than its report says at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Nothing,
    Envelope,
    Headers,
}

#[derive(Debug)]
enum StyledForm<'a> {
    Text(TextForm),
    Json(JsonForm<'a>),
    Lines(LineForm<'a>),
    Counts(Counter<'a>, Vec<u8>),
}

impl<'a> Form<'a> {
    /// A form with nothing written.
    pub fn new(look: Look<'a>) -> Self {
        let keeps = look.style.needs_known() || look.arrangement.is_some();
        Self {
            keeping: match (look.style.needs_headers(), keeps) {
                (true, _) => Keeping::Headers,
                (false, true) => Keeping::Envelope,
                (false, false) => Keeping::Nothing,
            },
            style: match look.style {
                Style::Text(columns, clock) => StyledForm::Text(TextForm::new(columns, clock)),
                Style::Json(members) => StyledForm::Json(JsonForm::new(members)),
                Style::Lines(template) => StyledForm::Lines(LineForm::new(template)),
                Style::Counts(plan) => StyledForm::Counts(Counter::new(plan), Vec::new()),
            },
            arrangement: look.arrangement,
            depth: look.depth(),
            has_head: false,
            known: Known::default(),
            size: 0,
            totals: Totals::default(),
            entries: Vec::new(),
            entries_cost: 0,
            spill: look.spill,
            kept: Vec::new(),
            decision: Decision::Listed,
            failure: None,
        }
    }

    /// It is not yet known whether the message that begins is listed.
    pub fn hold_back(&mut self) {
        self.decision = Decision::Open;
    }

    /// It is known that the message is listed.
    pub fn release(&mut self) {
        self.decision = Decision::Listed;
    }

    /// The message is not listed. What was written of it and not kept
    /// elsewhere is the caller's to remove from [`Form::out`].
    pub fn drop_message(&mut self) {
        self.kept.clear();
    }

    /// Why text could not be kept, if that is so: the listing is wrong then.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Bytes of a text of any length that are shown.
    pub fn long_text_max(&self) -> usize {
        match self.style {
            StyledForm::Text(_) | StyledForm::Json(_) => WHOLE_TEXT_MAX,
            StyledForm::Lines(_) | StyledForm::Counts(..) => SHORT_TEXT_MAX,
        }
    }

    /// Takes care of what was written of a message that is not complete, if
    /// it is much and the caller does not take it.
    fn settle(&mut self) {
        let Some(arrangement) = self.arrangement else {
            return;
        };
        if self.out().len() <= PIECE_SIZE {
            return;
        }
        if arrangement.keys.is_empty() && self.decision == Decision::Listed && self.kept.is_empty()
        {
            let text = std::mem::take(self.out());
            return self.push(Entry::part(text));
        }
        if let Some(spill) = self.spill {
            match spill.keep(self.out()) {
                Ok(kept) => self.kept.push(kept),
                Err(error) => self.failure = Some(error),
            }
            self.out().clear();
        }
    }

    fn push(&mut self, entry: Entry) {
        self.entries_cost = self.entries_cost.saturating_add(entry.cost());
        self.entries.push(entry);
    }

    /// What was written since it was last taken or cleared.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match &mut self.style {
            StyledForm::Text(form) => &mut form.out,
            StyledForm::Json(form) => &mut form.out,
            StyledForm::Lines(form) => &mut form.out,
            StyledForm::Counts(_, nothing) => nothing,
        }
    }

    /// Whether what is written may be handed out before a message is
    /// complete.
    pub fn is_continuous(&self) -> bool {
        self.arrangement.is_none()
    }

    /// Where facts about the next message's file go, if they are shown.
    pub fn file_facts(&mut self) -> Option<&mut FileFacts> {
        (self.keeping != Keeping::Nothing).then_some(&mut self.known.file)
    }

    /// Whether headers of the message are shown.
    pub fn needs_headers(&self) -> bool {
        self.keeping == Keeping::Headers
    }

    /// The totals since they were last taken.
    pub fn take_totals(&mut self) -> Totals {
        std::mem::take(&mut self.totals)
    }

    /// About how many bytes wait to be taken by [`Form::take_gathered`].
    pub fn gathered_size(&self) -> usize {
        match &self.style {
            StyledForm::Counts(counter, _) => counter.cost(),
            _ => self.entries_cost,
        }
    }

    /// What was gathered since it was last taken.
    pub fn take_gathered(&mut self) -> Option<Gathered> {
        if !self.entries.is_empty() {
            self.entries_cost = 0;
            return Some(Gathered::Entries(std::mem::take(&mut self.entries)));
        }
        match &mut self.style {
            StyledForm::Counts(counter, _) => counter.take().map(Gathered::Counts),
            _ => None,
        }
    }
}

impl Report for Form<'_> {
    fn begin(&mut self) {
        self.has_head = false;
        self.decision = Decision::Listed;
        self.kept.clear();
        if self.keeping != Keeping::Nothing {
            self.known.begin();
        }
    }

    fn long_text_max(&self) -> usize {
        Form::long_text_max(self)
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

    fn wanted(&self) -> Wanted {
        match self.depth {
            Depth::Everything => Wanted::Everything,
            Depth::Head if self.has_head => Wanted::Nothing,
            Depth::Head | Depth::QueueFile => Wanted::QueueFile,
        }
    }

    fn message(&mut self, head: &Head<'_>) {
        self.has_head = true;
        self.size = head.size.cast_unsigned();
        if self.keeping != Keeping::Nothing {
            self.known.note(head);
        }
        match &mut self.style {
            StyledForm::Text(form) => form.message(head),
            StyledForm::Json(form) => form.message(head),
            StyledForm::Lines(form) => form.begin(),
            StyledForm::Counts(counter, _) => counter.begin(),
        }
        self.settle();
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.known.recipients = self.known.recipients.saturating_add(1);
        match &mut self.style {
            StyledForm::Text(form) => form.recipient(recipient),
            StyledForm::Json(form) => form.recipient(recipient),
            StyledForm::Lines(form) => form.recipient(recipient),
            StyledForm::Counts(counter, _) => {
                counter.recipient(recipient);
                if self.decision == Decision::Listed {
                    counter.add_up(&self.known);
                }
            }
        }
        self.settle();
    }

    fn end(&mut self) {
        match &mut self.style {
            StyledForm::Text(_) => {}
            StyledForm::Json(form) => form.end(&self.known),
            StyledForm::Lines(form) => form.end(&self.known),
            StyledForm::Counts(counter, _) => counter.end(&self.known),
        }
        let totals = Totals {
            messages: 1,
            bytes: self.size,
        };
        match self.arrangement {
            None => self.totals.add(totals),
            Some(arrangement) => {
                let text = std::mem::take(self.out());
                let kept = std::mem::take(&mut self.kept);
                let entry = Entry::new(arrangement, &self.known, totals, kept, text);
                self.push(entry);
            }
        }
    }

    fn warning(&mut self, _: Vec<u8>) {}
}
