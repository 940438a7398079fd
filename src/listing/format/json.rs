//! The JSON format of a listing: `postqueue -j`.
//!
//! Written by hand rather than with a serializer, because existing programs may
//! depend on the order of the members, the blanks and the escapes.

use super::super::message_info::MessageInfo;
use super::detail;
use super::detail::DetailRules;
use super::json_writer::{literal, member, string};
use crate::queue_file::message_visitor::{LogClass, MessageHead, Recipient};

/// Writes one line with a JSON object for each message.
#[derive(Debug, Default)]
pub struct JsonFormat<'a> {
    /// Text that was written and not yet taken by the caller.
    pub out: Vec<u8>,
    has_recipient: bool,
    members: Members<'a>,
}

/// Members that Postfix does not write; they follow those that it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'a> {
    /// Requests the members of `--detail`.
    pub details: Option<&'a DetailRules>,
    /// Name of the instance, for the member `instance`.
    pub instance: Option<&'a str>,
}

impl<'a> JsonFormat<'a> {
    /// Creates a format that writes these members after those of Postfix.
    pub fn new(members: Members<'a>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    /// Completes a message. `known` is everything that was read of it.
    pub fn end(&mut self, known: &MessageInfo) {
        self.text("]");
        if let Some(rules) = self.members.details {
            detail::write(known, rules, &mut self.out);
        }
        if let Some(instance) = self.members.instance {
            member("instance", instance.as_bytes(), &mut self.out);
        }
        self.text("}\n");
    }

    fn member(&mut self, name: &str, value: &[u8]) {
        self.text(name);
        string(value, &mut self.out);
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

impl JsonFormat<'_> {
    /// Starts a message.
    pub fn message(&mut self, head: &MessageHead<'_>) {
        self.has_recipient = false;
        self.member("{\"queue_name\": ", head.queue);
        self.member(", \"queue_id\": ", head.id);
        literal("arrival_time", head.arrival, &mut self.out);
        literal("message_size", head.size, &mut self.out);
        if let Some(forced_expire) = head.forced_expire {
            literal("forced_expire", forced_expire, &mut self.out);
        }
        self.member(", \"sender\": ", head.sender);
        self.text(", \"recipients\": [");
    }

    /// Writes a recipient of the current message.
    pub fn recipient(&mut self, recipient: &Recipient<'_>) {
        if self.has_recipient {
            self.text(", ");
        }
        self.has_recipient = true;
        self.text("{");
        if let Some(original) = recipient.original {
            self.member("\"orig_address\": ", original);
            self.text(", ");
        }
        self.member("\"address\": ", recipient.address);
        if let Some((reason, class)) = recipient.reason.filter(|(text, _)| !text.is_empty()) {
            let name = match class {
                LogClass::Defer => ", \"delay_reason\": ",
                LogClass::Bounce => ", \"bounce_reason\": ",
                LogClass::Other => ", \"other_reason\": ",
            };
            self.member(name, reason);
        }
        if self.members.details.is_some() {
            detail::write_recipient(recipient, &mut self.out);
        }
        self.text("}");
    }
}
