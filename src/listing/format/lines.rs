//! Formats one line for each message according to a template.

use super::super::message_info::MessageInfo;
use super::column::Column;
use super::template::{Quoting, Template, TemplatePart};
use crate::queue_file::message_visitor::Recipient;
use crate::selection::domain;
use crate::text::{Charset, append, make_printable};

/// Largest size in bytes of the recipients, or of the reasons, of one message in a
/// line. It is limited because each worker thread holds one.
const LIST_MAX: usize = 128 * 1024 - 64;
/// Replaces the items that are left out.
const CUT: &[u8] = b"...";

/// Writes one line for each message.
#[derive(Debug)]
pub struct LineFormat<'a> {
    template: &'a Template,
    /// Text that was written and not yet taken by the caller.
    pub out: Vec<u8>,
    cell: Vec<u8>,
    recipients: JoinedTexts,
    reasons: JoinedTexts,
    last_reason: Vec<u8>,
}

impl<'a> LineFormat<'a> {
    /// Creates a format with empty output.
    pub fn new(template: &'a Template) -> Self {
        Self {
            template,
            out: Vec::new(),
            cell: Vec::new(),
            recipients: JoinedTexts::default(),
            reasons: JoinedTexts::default(),
            last_reason: Vec::new(),
        }
    }

    /// Starts a message.
    pub fn begin(&mut self) {
        self.recipients.clear();
        self.reasons.clear();
        self.last_reason.clear();
    }

    /// Adds a recipient of the current message.
    pub fn recipient(&mut self, recipient: &Recipient<'_>) {
        if self.template.has(Column::Recipients) {
            self.recipients.append(recipient.address, b",");
        }
        if !self.template.has(Column::Reason) {
            return;
        }
        let reason = recipient.reason.map_or(&[][..], |(text, _)| text);
        if !reason.is_empty() && reason != self.last_reason {
            self.reasons.append(reason, b"; ");
            self.last_reason.clear();
            self.last_reason.extend_from_slice(reason);
        }
    }

    /// Completes a message and writes its line.
    pub fn end(&mut self, known: &MessageInfo) {
        let template = self.template;
        for part in &template.parts {
            match part {
                TemplatePart::Text(text) => self.out.extend_from_slice(text),
                TemplatePart::Column(column) => {
                    self.cell.clear();
                    self.fill(*column, known);
                    match template.quoting {
                        Quoting::Plain => self.out.extend_from_slice(&self.cell),
                        Quoting::Csv => csv_field(&self.cell, &mut self.out),
                    }
                }
            }
        }
        self.out.extend_from_slice(template.terminator.bytes());
    }

    fn fill(&mut self, column: Column, known: &MessageInfo) {
        let clock = self.template.clock;
        // Programs read CSV: ages are numbers there, and times are unambiguous.
        let is_csv = self.template.quoting == Quoting::Csv;
        let cell = &mut self.cell;
        let mut put = |text: &[u8]| cell.extend_from_slice(text);
        match column {
            Column::Id => put(&known.id),
            Column::Queue => put(&known.queue),
            Column::Status => put(status(known)),
            Column::Sender => put(&known.sender),
            Column::SenderDomain => put(domain(&known.sender)),
            Column::Recipients => put(&self.recipients.text),
            Column::Reason => put(&self.reasons.text),
            Column::Path => put(known.file.path.as_bytes()),
            Column::ClientName => put(&known.origin.client().name),
            Column::ClientAddress => put(&known.origin.client().address),
            Column::SaslUser => put(&known.origin.sasl_user),
            Column::Subject => put(&known.file.subject),
            Column::MessageId => put(&known.file.message_id),
            Column::Instance => put(&self.template.instance),
            Column::Arrival if is_csv => clock.write_with_offset(known.arrival, cell),
            Column::Arrival => clock.write(known.arrival, cell),
            Column::ArrivalMicroseconds => {
                append(cell, format_args!("{}", known.arrival_microseconds));
            }
            Column::Age if is_csv => append(cell, format_args!("{}", clock.age(known.arrival))),
            Column::Age => clock.write_age(known.arrival, cell),
            Column::Size => append(cell, format_args!("{}", known.size)),
            Column::Inode => append(cell, format_args!("{}", known.file.inode)),
            Column::RecipientCount => append(cell, format_args!("{}", known.recipients)),
            Column::NextAttempt => {
                if let Some(time) = known.next_attempt() {
                    clock.write(time, cell);
                }
            }
        }
        // Listings from a daemon are printable already; text from the spool is not.
        make_printable(cell, Charset::Safe);
    }
}

/// The status marks of a listing as words.
fn status(known: &MessageInfo) -> &'static [u8] {
    match (known.queue.as_slice(), known.forced_expire) {
        (b"active", false) => b"active",
        (b"active", true) => b"active expire",
        (b"hold", false) => b"hold",
        (b"hold", true) => b"hold expire",
        (_, true) => b"expire",
        (_, false) => b"",
    }
}

/// Items joined by separators, up to [`LIST_MAX`] bytes.
#[derive(Debug, Default)]
struct JoinedTexts {
    text: Vec<u8>,
    is_full: bool,
}

impl JoinedTexts {
    fn clear(&mut self) {
        self.text.clear();
        self.is_full = false;
    }

    fn append(&mut self, item: &[u8], separator: &[u8]) {
        if self.is_full {
            return;
        }
        if !self.text.is_empty() {
            self.text.extend_from_slice(separator);
        }
        self.is_full = self.text.len().saturating_add(item.len()) > LIST_MAX;
        let shown = if self.is_full { CUT } else { item };
        self.text.extend_from_slice(shown);
    }
}

/// Appends a field, quoted according to RFC 4180.
fn csv_field(field: &[u8], out: &mut Vec<u8>) {
    if !field
        .iter()
        .any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'))
    {
        return out.extend_from_slice(field);
    }
    out.push(b'"');
    for &byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_necessary() {
        let quoted = |text: &[u8]| {
            let mut out = Vec::new();
            csv_field(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(quoted(b"a b"), "a b");
        assert_eq!(quoted(b"a,b"), "\"a,b\"");
        assert_eq!(quoted(b"\"a b\"@x"), "\"\"\"a b\"\"@x\"");
    }

    #[test]
    fn a_list_does_not_grow_without_bound() {
        let mut list = JoinedTexts::default();
        for _ in 0..3 {
            list.append(&[b'x'; LIST_MAX / 2], b",");
        }
        assert_eq!(list.text.len(), LIST_MAX / 2 + 4);
        assert!(list.text.ends_with(b"x,..."));
    }
}
