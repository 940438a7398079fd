//! The changes of `--drop-recipient` and `--bounce` to a message: which recipients, and
//! whether the message can be changed at all.
//!
//! Decides; `recipient_editor` performs the change.

use thiserror::Error;

use crate::queue_file::message_visitor::Rules;
use crate::queue_file::recipients;
use crate::queue_file::recipients::{PendingRecipient, RecipientsError};
use crate::queue_file::records::Buffers;
use crate::queue_file::shown_address::{display, shown_null};
use crate::selection::{Address, AddressPattern};
use crate::spool::bounce_entry::BounceEntry;
use crate::spool::message::Message;
use crate::text::is_obeyed;

/// The number of dropped recipients that are reported one by one.
const REPORTED_MAX: usize = 100;
/// The most bytes of a reason that the notice gets.
const REASON_MAX: usize = 900;

/// The change to the recipients of each message.
#[derive(Clone, Debug)]
pub enum RecipientChange {
    /// The recipients that match one of the patterns are marked as done. At least
    /// one recipient must be left.
    Drop(Vec<AddressPattern>),
    /// All recipients are returned to the sender with this reason.
    Return(BounceReason),
}

/// The reason that is returned to the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceReason {
    text: String,
    status: String,
}

impl BounceReason {
    /// Checks the text, which must be one printable line, and the enhanced status
    /// code of a permanent failure (RFC 3463).
    ///
    /// # Errors
    ///
    /// The text or the code cannot be used; the error says why.
    pub fn new(text: &str, status: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("give the text for the sender".to_owned());
        }
        if text.chars().any(is_unprintable) {
            return Err("give one line of printable text".to_owned());
        }
        if text.len() > REASON_MAX {
            return Err(format!("give a text of at most {REASON_MAX} bytes"));
        }
        if !is_permanent(status) {
            return Err("give a status code of a permanent failure, such as 5.7.1".to_owned());
        }
        Ok(Self {
            text: text.trim().to_owned(),
            status: status.to_owned(),
        })
    }

    /// Returns the bounce log's entry about a recipient.
    pub(super) fn entry<'a>(&'a self, recipient: &'a PendingRecipient) -> BounceEntry<'a> {
        BounceEntry {
            recipient: &recipient.address,
            original: &recipient.original,
            offset: recipient.offset,
            dsn_original: &recipient.dsn_original,
            notify: recipient.notify,
            status: &self.status,
            reason: &self.text,
        }
    }
}

/// Whether a character must not be in the text: one that a terminal or a reader of
/// mail could obey, and the mark of text that was not UTF-8.
fn is_unprintable(c: char) -> bool {
    is_obeyed(c) || c == char::REPLACEMENT_CHARACTER
}

/// Whether a text is 5, a dot, one to three digits, a dot, and one to three digits
/// (RFC 3463).
fn is_permanent(status: &str) -> bool {
    let is_number = |text: &str| {
        let is_short = (1..=3).contains(&text.len());
        let has_zeros = text.len() > 1 && text.starts_with('0');
        is_short && !has_zeros && text.bytes().all(|b| b.is_ascii_digit())
    };
    match status.split('.').collect::<Vec<_>>()[..] {
        [class, subject, detail] => class == "5" && is_number(subject) && is_number(detail),
        _ => false,
    }
}

/// A change with what is needed to decide about a message.
#[derive(Clone, Copy, Debug)]
pub struct RecipientRequest<'a> {
    /// The change.
    pub change: &'a RecipientChange,
    /// The rules for reading messages.
    pub rules: &'a Rules,
}

/// Why a message is left as it is.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The file is not a message as the queue manager expects it.
    #[error("its recipients cannot be changed: the file {0}")]
    Unreadable(#[from] RecipientsError),
    /// The message is being delivered.
    #[error("the queue manager is delivering it; try again when it is deferred")]
    Active,
    /// The file has another name.
    #[error("file has {0} hard links")]
    Links(u64),
    /// All recipients that are left match.
    #[error("no recipient would be left: use -d to delete the message")]
    LastRecipient,
    /// No notice is sent to a null sender.
    #[error("it has the null sender, to whom no notice is sent: use -d to delete the message")]
    NullSender,
    /// The sender has asked for no notice about any recipient.
    #[error("no notice is due (NOTIFY in the envelope): use -d to delete the message")]
    NoNotice(RecipientPlan),
}

/// The requested change to the recipients of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RecipientPlan {
    /// The offsets of the records of the recipients that will be done, in the
    /// order of the file.
    pub(super) records: Vec<u64>,
    /// The dropped recipients as they are reported: not all if there are many.
    pub(super) dropped: Vec<Vec<u8>>,
}

impl RecipientRequest<'_> {
    /// Decides what is to be changed in a message. An empty plan changes nothing.
    ///
    /// # Errors
    ///
    /// The message must be left as it is.
    pub(super) fn plan(
        &self,
        message: &Message,
        buffers: &mut Buffers,
    ) -> Result<RecipientPlan, Refusal> {
        match self.change {
            RecipientChange::Drop(patterns) => self.plan_drop(patterns, message, buffers),
            RecipientChange::Return(_) => plan_return(message, buffers),
        }
    }

    fn plan_drop(
        &self,
        patterns: &[AddressPattern],
        message: &Message,
        buffers: &mut Buffers,
    ) -> Result<RecipientPlan, Refusal> {
        let null_shown = shown_null(self.rules);
        let mut plan = RecipientPlan::default();
        let (mut left, mut shown) = (false, Vec::new());
        recipients::read(message, buffers, |recipient| {
            display(&recipient.address, self.rules, &mut shown);
            let address = Address {
                shown: &shown,
                given: None,
                null_shown: &null_shown,
            };
            if !patterns.iter().any(|pattern| pattern.matches(address)) {
                left = true;
                return;
            }
            if plan.dropped.len() < REPORTED_MAX {
                plan.dropped.push(shown.clone());
            }
            plan.records.push(recipient.offset);
        })?;
        if plan.records.is_empty() || left {
            Ok(plan)
        } else {
            Err(Refusal::LastRecipient)
        }
    }
}

fn plan_return(message: &Message, buffers: &mut Buffers) -> Result<RecipientPlan, Refusal> {
    let mut plan = RecipientPlan::default();
    let mut is_due = false;
    let sender = recipients::read(message, buffers, |recipient| {
        is_due |= recipient.is_notified_of_failure();
        plan.records.push(recipient.offset);
    })?;
    if plan.records.is_empty() {
        Ok(plan)
    } else if sender.is_empty() {
        Err(Refusal::NullSender)
    } else if !is_due {
        Err(Refusal::NoNotice(plan))
    } else {
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_printable_line_with_a_permanent_status() {
        assert!(BounceReason::new("No such user - Grüße", "5.7.1").is_ok());
        assert!(BounceReason::new("x", "5.999.0").is_ok());
        for text in [
            "",
            " ",
            "a\nb",
            "a\tb",
            "a\x1b[2J",
            "a\u{202e}b",
            "a\u{85}b",
        ] {
            assert!(BounceReason::new(text, "5.7.1").is_err(), "{text:?}");
        }
        assert!(BounceReason::new(&"x".repeat(REASON_MAX + 1), "5.7.1").is_err());
        for status in [
            "", "5", "5.7", "4.7.1", "2.0.0", "5.7.1.1", "5..1", "5.1000.1", "5.7.x", "5.07.1",
            " 5.7.1", "5.7.1\n", "550",
        ] {
            assert!(BounceReason::new("x", status).is_err(), "{status:?}");
        }
    }
}
