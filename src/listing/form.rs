//! Either form of a listing, and the totals that the text form ends with.

use std::io::Write;

use super::json::JsonForm;
use super::text::{Columns, TextForm};
use crate::spool::report::{Head, Recipient, Report};

/// What a listing looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// mailq, postqueue -p.
    Text(Columns),
    /// postqueue -j.
    Json,
}

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

/// Formats messages in one of the styles, and counts them.
#[derive(Debug)]
pub struct Form {
    style: StyledForm,
    totals: Totals,
}

#[derive(Debug)]
enum StyledForm {
    Text(TextForm),
    Json(JsonForm),
}

impl Form {
    /// A form with nothing written.
    pub fn new(style: Style) -> Self {
        let style = match style {
            Style::Text(columns) => StyledForm::Text(TextForm::new(columns)),
            Style::Json => StyledForm::Json(JsonForm::default()),
        };
        Self {
            style,
            totals: Totals::default(),
        }
    }

    /// What was written since it was last taken or cleared.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match &mut self.style {
            StyledForm::Text(form) => &mut form.out,
            StyledForm::Json(form) => &mut form.out,
        }
    }

    /// The totals since they were last taken.
    pub fn take_totals(&mut self) -> Totals {
        std::mem::take(&mut self.totals)
    }
}

impl Report for Form {
    fn message(&mut self, head: &Head<'_>) {
        let bytes = head.size.cast_unsigned();
        self.totals.add(Totals { messages: 1, bytes });
        match &mut self.style {
            StyledForm::Text(form) => form.message(head),
            StyledForm::Json(form) => form.message(head),
        }
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        match &mut self.style {
            StyledForm::Text(form) => form.recipient(recipient),
            StyledForm::Json(form) => form.recipient(recipient),
        }
    }

    fn end(&mut self) {
        match &mut self.style {
            StyledForm::Text(form) => form.end(),
            StyledForm::Json(form) => form.end(),
        }
    }

    fn warning(&mut self, _: Vec<u8>) {}
}

impl Style {
    /// What comes before the first message.
    pub fn heading(self) -> &'static str {
        match self {
            Style::Text(columns) => columns.heading(),
            Style::Json => "",
        }
    }

    /// What comes behind the last message, or in place of any.
    pub fn footer(self, totals: Totals) -> Vec<u8> {
        let mut out = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = match (self, totals.messages) {
            (Style::Json, _) => Ok(()),
            (Style::Text(_), 0) => writeln!(out, "Mail queue is empty"),
            (Style::Text(_), n) => {
                let kbytes = totals.bytes / 1024;
                let s = if n == 1 { "" } else { "s" };
                writeln!(out, "\n-- {kbytes} Kbytes in {n} Request{s}.")
            }
        };
        out
    }

    /// The bytes that separate a message from the one before, which the first
    /// message must not have.
    pub fn separator(self) -> &'static [u8] {
        match self {
            Style::Text(_) => b"\n",
            Style::Json => b"",
        }
    }
}
