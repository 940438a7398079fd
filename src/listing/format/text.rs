//! The text form of a listing: mailq and postqueue -p.
//!
//! Programs by the hundred parse these lines by column and by word; every
//! byte is what they rely on.

use super::super::times::Clock;
use crate::queue_file::message_visitor::{MessageHead, Recipient};
use crate::sys::time::LocalTime;
use crate::text::SHORT_TEXT_MAX;
use crate::text::append;

/// A reason and its parentheses end in this column, if they fit.
const REASON_COLUMN: usize = 76;

/// Widths of the columns: enable_long_queue_ids decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// For short queue IDs.
    Short,
    /// For long queue IDs.
    Long,
}

impl Columns {
    /// The heading line.
    pub fn heading(self) -> &'static str {
        match self {
            Columns::Short => {
                "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
            }
            Columns::Long => {
                "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
            }
        }
    }

    fn id_width(self) -> usize {
        match self {
            Columns::Short => 11,
            Columns::Long => 17,
        }
    }

    fn size_width(self) -> usize {
        match self {
            Columns::Short => 7,
            Columns::Long => 8,
        }
    }

    fn time_width(self) -> usize {
        match self {
            Columns::Short => 20,
            Columns::Long => 19,
        }
    }

    fn recipient_indent(self) -> usize {
        match self {
            Columns::Short => 41,
            Columns::Long => 47,
        }
    }
}

/// Writes messages in the text form. Each begins with the blank line that
/// separates it from the one before.
#[derive(Debug)]
pub struct TextFormat {
    columns: Columns,
    /// How times are shown, if not as Postfix does.
    clock: Option<Clock>,
    /// What was written and not yet taken.
    pub out: Vec<u8>,
    last_reason: Vec<u8>,
    date: String,
}

impl TextFormat {
    /// A form with nothing written.
    pub fn new(columns: Columns, clock: Option<Clock>) -> Self {
        Self {
            columns,
            clock,
            out: Vec::new(),
            last_reason: Vec::new(),
            date: String::new(),
        }
    }

    fn write_time(&mut self, seconds: i64) {
        let width = self.columns.time_width();
        if let Some(clock) = self.clock {
            let start = self.out.len();
            clock.write(seconds, &mut self.out);
            let written = self.out.len().saturating_sub(start);
            let blanks = width.saturating_sub(written);
            return self.out.extend(std::iter::repeat_n(b' ', blanks));
        }
        self.date.clear();
        match LocalTime::at(seconds) {
            Some(time) => {
                time.write_date(&mut self.date);
                // The blank before the year, in which the column ends.
                pad(&mut self.date, width);
                self.out.extend_from_slice(self.date.as_bytes());
            }
            // What printf(3) makes of the null pointer that ctime(3) returns
            // for such a year.
            None => right(&mut self.out, b"(null)", width),
        }
    }

    fn write_reason(&mut self, reason: &[u8]) {
        let blanks = REASON_COLUMN.saturating_sub(reason.len());
        self.out.extend(std::iter::repeat_n(b' ', blanks));
        self.out.push(b'(');
        self.out.extend_from_slice(reason);
        self.out.extend_from_slice(b")\n");
    }
}

impl TextFormat {
    /// A message begins.
    pub fn message(&mut self, head: &MessageHead<'_>) {
        self.last_reason.clear();
        self.last_reason.shrink_to(SHORT_TEXT_MAX);
        self.out.push(b'\n');
        let id_start = self.out.len();
        self.out.extend_from_slice(head.id);
        match head.queue {
            b"active" => self.out.push(b'*'),
            b"hold" => self.out.push(b'!'),
            // Observed with Postfix 3.4.13: an ID without a mark has a blank
            // in its place, which shifts the line if the ID fills its column.
            _ if head.forced_expire.is_none() => self.out.push(b' '),
            _ => {}
        }
        if head.forced_expire == Some(true) {
            self.out.push(b'#');
        }
        let written = self.out.len().saturating_sub(id_start);
        let blanks = self.columns.id_width().saturating_sub(written);
        self.out.extend(std::iter::repeat_n(b' ', blanks));
        let width = self.columns.size_width();
        append(&mut self.out, format_args!(" {:>width$} ", head.size));
        self.write_time(head.arrival);
        self.out.push(b' ');
        self.out.extend_from_slice(head.sender);
        self.out.push(b'\n');
    }

    /// A recipient of it.
    pub fn recipient(&mut self, recipient: &Recipient<'_>) {
        let reason = recipient.reason.map_or(&[][..], |(text, _)| text);
        if reason != self.last_reason {
            self.write_reason(if reason.is_empty() {
                b"reason unavailable"
            } else {
                reason
            });
            self.last_reason.clear();
            self.last_reason.extend_from_slice(reason);
        }
        let indent = self.columns.recipient_indent();
        self.out.extend(std::iter::repeat_n(b' ', indent));
        self.out.extend_from_slice(recipient.address);
        self.out.push(b'\n');
    }
}

fn pad(text: &mut String, width: usize) {
    let blanks = width.saturating_sub(text.len());
    text.extend(std::iter::repeat_n(' ', blanks));
}

fn right(out: &mut Vec<u8>, text: &[u8], width: usize) {
    out.extend(std::iter::repeat_n(b' ', width.saturating_sub(text.len())));
    out.extend_from_slice(text);
}
