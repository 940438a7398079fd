//! What a worker makes of messages: text in one of the styles, entries to be
//! sorted, or counts; and the totals that the text form ends with.

use super::counts::{Counter, Counts};
use super::json::JsonForm;
use super::known::{FileFacts, Known};
use super::lines::LineForm;
use super::order::{Arrangement, Entry};
use super::style::{Look, Style};
use super::template::Depth;
use super::text::TextForm;
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
        }
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

    /// About how many bytes of messages wait for their place in the order.
    pub fn gathered_size(&self) -> usize {
        self.entries_cost
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
        if self.keeping != Keeping::Nothing {
            self.known.begin();
        }
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
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.known.recipients = self.known.recipients.saturating_add(1);
        match &mut self.style {
            StyledForm::Text(form) => form.recipient(recipient),
            StyledForm::Json(form) => form.recipient(recipient),
            StyledForm::Lines(form) => form.recipient(recipient),
            StyledForm::Counts(counter, _) => counter.recipient(recipient),
        }
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
                let entry = Entry::new(arrangement, &self.known, totals, text);
                self.entries_cost = self.entries_cost.saturating_add(entry.cost());
                self.entries.push(entry);
            }
        }
    }

    fn warning(&mut self, _: Vec<u8>) {}
}
