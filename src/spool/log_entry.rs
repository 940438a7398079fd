//! One entry of a defer or bounce log: the recipient, the reason, and how their
//! lines are parsed. Observed with Postfix 3.7.11.
//!
//! The text is printable already; `defer_log` reads it.

use crate::text::{split_assignment, trim_space_start};

/// Shown for an entry that names no recipient.
const NO_RECIPIENT: &[u8] = b"(recipient address unavailable)";
/// Shown for an entry that gives no reason.
const NO_REASON: &[u8] = b"(description unavailable)";
/// Shown for an empty recipient.
const NULL_RECIPIENT: &[u8] = b"(MAILER-DAEMON)";
/// The number of bytes of a malformed line that a warning shows.
const SHOWN_MAX: usize = 30;
/// Attributes that an entry may have and a listing does not show.
const OTHER_ATTRIBUTES: [&[u8]; 7] = [
    b"dsn_orig_rcpt",
    b"notify_flags",
    b"offset",
    b"action",
    b"diag_type",
    b"diag_text",
    b"mta_type",
];

/// The log entry of one recipient. All fields are printable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The recipient, quoted as in the log.
    pub recipient: Vec<u8>,
    /// The original recipient, before aliases and other rewriting; empty if the
    /// log has none.
    pub original_recipient: Vec<u8>,
    /// The reason why the recipient is waiting.
    pub reason: Vec<u8>,
    /// The enhanced status code; empty if the log has none.
    pub status: Vec<u8>,
    /// The remote mail system; empty if the log names none.
    pub remote_host: Vec<u8>,
}

impl Reason {
    /// Removes what the entry before had.
    pub(super) fn reset(&mut self) {
        self.recipient.clear();
        self.recipient.extend_from_slice(NO_RECIPIENT);
        self.original_recipient.clear();
        self.reason.clear();
        self.reason.extend_from_slice(NO_REASON);
        self.status.clear();
        self.remote_host.clear();
    }

    fn set_recipient(&mut self, text: &[u8]) {
        let shown = if text.is_empty() {
            NULL_RECIPIENT
        } else {
            text
        };
        replace(&mut self.recipient, shown);
    }

    fn set_reason(&mut self, text: &[u8]) {
        let given = if text.is_empty() { NO_REASON } else { text };
        replace(&mut self.reason, given);
    }

    /// Parses a line and adds its information to the entry.
    ///
    /// # Errors
    ///
    /// The line is malformed or has an unknown name: the text of the warning, which
    /// follows `FILE: `.
    pub(super) fn add_line(&mut self, line: &[u8]) -> Result<(), Vec<u8>> {
        if line.first().is_some_and(u8::is_ascii_alphanumeric) {
            return self.add_attribute(line);
        }
        let malformed = || {
            let start = line.get(..SHOWN_MAX.min(line.len())).unwrap_or_default();
            [b"malformed record: ", start, b"..."].concat()
        };
        let (recipient, reason) = split_old_style(line).ok_or_else(malformed)?;
        self.set_recipient(recipient);
        self.set_reason(reason);
        Ok(())
    }

    /// Adds an attribute of the form `name=value`.
    fn add_attribute(&mut self, line: &[u8]) -> Result<(), Vec<u8>> {
        let (name, Some(value)) = split_assignment(line) else {
            return Err(b"malformed record: missing '=' after attribute name".to_vec());
        };
        match name {
            b"recipient" => self.set_recipient(value),
            b"original_recipient" => replace(&mut self.original_recipient, value),
            b"reason" => self.set_reason(value),
            b"status" => replace(&mut self.status, value),
            b"mta_mname" => replace(&mut self.remote_host, value),
            other if OTHER_ATTRIBUTES.contains(&other) => {}
            other => {
                return Err([b"unknown attribute name: ", other, b", ignored"].concat());
            }
        }
        Ok(())
    }
}

/// Precedes the reason in the old form of an entry.
const SEPARATOR: &[u8] = b">: ";

/// Splits `<recipient>: reason`.
fn split_old_style(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"<")?;
    // Not a search for text, whose preparation would take longer than such a short line.
    let end = line
        .windows(SEPARATOR.len())
        .position(|part| part == SEPARATOR)?;
    let (recipient, rest) = line.split_at_checked(end)?;
    let reason = rest.strip_prefix(SEPARATOR)?;
    Some((recipient, trim_space_start(reason)))
}

fn replace(field: &mut Vec<u8>, text: &[u8]) {
    field.clear();
    field.extend_from_slice(text);
}
