//! The JSON form of a listing: postqueue -j.
//!
//! Written by hand rather than by a serializer: the members' order, the
//! blanks and the escapes are what programs were written against.

use super::super::message_info::MessageInfo;
use super::detail;
use super::detail::DetailRules;
use super::json_writer::{literal, member, string};
use crate::queue_file::message_visitor::{LogClass, MessageHead, Recipient};

/// Writes messages as one JSON object a line.
#[derive(Debug, Default)]
pub struct JsonFormat<'a> {
    /// What was written and not yet taken.
    pub out: Vec<u8>,
    has_recipient: bool,
    members: Members<'a>,
}

/// Members that Postfix does not have, after its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'a> {
    /// What else is known of a message.
    pub details: Option<&'a DetailRules>,
    /// The instance's name.
    pub instance: Option<&'a str>,
}

impl<'a> JsonFormat<'a> {
    /// A form that writes more than Postfix does, after what Postfix writes.
    pub fn new(members: Members<'a>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    /// The message is complete, and this is what is known of it.
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
    /// A message begins.
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

    /// A recipient of it.
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
