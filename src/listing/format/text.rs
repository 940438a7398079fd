//! The text format of a listing: mailq and `postqueue -p`.
//!
//! Existing programs parse these lines by column and by word, so every byte has to
//! be that of Postfix.

use super::super::times::Clock;
use crate::config::Config;
use crate::queue_file::message_visitor::{MessageHead, Recipient};
use crate::sys::time::LocalTime;
use crate::text::SHORT_TEXT_MAX;
use crate::text::append;

/// Width to which a reason, without its parentheses, is padded on the left.
const REASON_COLUMN: usize = 76;

/// Column widths, which depend on enable_long_queue_ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// For short queue IDs.
    Short,
    /// For long queue IDs.
    Long,
}

impl Columns {
    /// The widths for the queue IDs of an instance.
    pub fn of(config: &Config) -> Self {
        if config.enable_long_queue_ids {
            Self::Long
        } else {
            Self::Short
        }
    }

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

/// Writes messages in the text format. Each begins with the blank line that
/// separates it from the message before.
#[derive(Debug)]
pub struct TextFormat {
    columns: Columns,
    /// How times are shown; `None` shows them as Postfix does.
    clock: Option<Clock>,
    /// Text that was written and not yet taken by the caller.
    pub out: Vec<u8>,
    last_reason: Vec<u8>,
    date: String,
}

impl TextFormat {
    /// Creates a format with empty output.
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
                // Pad to the blank before the year, which is where the column ends.
                pad_right(&mut self.date, width);
                self.out.extend_from_slice(self.date.as_bytes());
            }
            // printf(3) prints this for the null pointer that ctime(3) returns if
            // the year is out of range.
            None => pad_left(&mut self.out, b"(null)", width),
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
    /// Starts a message.
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

    /// Writes a recipient of the current message.
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

fn pad_right(text: &mut String, width: usize) {
    let blanks = width.saturating_sub(text.len());
    text.extend(std::iter::repeat_n(' ', blanks));
}

fn pad_left(out: &mut Vec<u8>, text: &[u8], width: usize) {
    out.extend(std::iter::repeat_n(b' ', width.saturating_sub(text.len())));
    out.extend_from_slice(text);
}
