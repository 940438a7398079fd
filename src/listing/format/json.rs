//! The JSON form of a listing: postqueue -j (spec page 05).
//!
//! Written by hand rather than by a serializer: the members' order, the
//! blanks and the escapes are what programs were written against.

use std::io::Write;

use super::super::message_info::MessageInfo;
use super::detail;
use super::detail::DetailRules;
use crate::queue_file::message_visitor::{LogClass, MessageHead, Recipient};

/// Writes messages as one JSON object a line.
#[derive(Debug, Default)]
pub struct JsonFormat<'a> {
    /// What was written and not yet taken.
    pub out: Vec<u8>,
    has_recipient: bool,
    members: Members<'a>,
}

/// Members that Postfix does not have, behind its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'a> {
    /// What else is known of a message.
    pub details: Option<&'a DetailRules>,
    /// The instance's name.
    pub instance: Option<&'a str>,
}

impl<'a> JsonFormat<'a> {
    /// A form that writes more than Postfix does, behind what Postfix writes.
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
        // Writing to a Vec cannot fail.
        let _ = write!(
            self.out,
            ", \"arrival_time\": {}, \"message_size\": {}",
            head.arrival, head.size
        );
        if let Some(forced_expire) = head.forced_expire {
            let _ = write!(self.out, ", \"forced_expire\": {forced_expire}");
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

/// Appends a member that is a text, behind others.
pub(super) fn member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b", \"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\": ");
    string(value, out);
}

/// Appends a member that is a number, behind others.
pub(super) fn number(name: &str, value: i64, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, ", \"{name}\": {value}");
}

/// Appends a JSON string with Postfix's escapes.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest
        .iter()
        .position(|b| matches!(b, 0..b' ' | b'"' | b'\\' | 0x7f))
    {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = escaped.split_first() else {
            break;
        };
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            // Writing to a Vec cannot fail.
            other => drop(write!(out, "\\u{other:04X}")),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_postfix_does() {
        let mut out = Vec::new();
        string(b"a\"b\\c\x08\x0c\n\r\t\x01\x7f\x1f/\xc3\xa9", &mut out);
        assert_eq!(
            out,
            b"\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u007F\\u001F/\xc3\xa9\""
        );
    }
}
