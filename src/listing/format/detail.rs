//! More members for the JSON form: `postqueue -j --detail`. They stand behind
//! those that every program knows.

use super::super::message_info::MessageInfo;
use super::super::times::write_iso;
use super::json_writer::{literal, member};
use crate::queue_file::message_visitor::Recipient;
use crate::sys::time::Zone;
use crate::text::{Charset, make_printable};

/// What the configuration and the moment say about details.
#[derive(Clone, Copy, Debug)]
pub struct DetailRules {
    /// The time that ages count to.
    pub now: i64,
    /// maximal_queue_lifetime in seconds.
    pub lifetime: i64,
    /// bounce_queue_lifetime in seconds: that of messages from nobody.
    pub bounce_lifetime: i64,
}

/// Appends the members behind the recipients.
pub fn write(known: &MessageInfo, rules: &DetailRules, out: &mut Vec<u8>) {
    let time = |name: &str, seconds: i64, out: &mut Vec<u8>| {
        let mut text = Vec::new();
        write_iso(seconds, Zone::Utc, &mut text);
        member(name, &text, out);
    };
    time("arrival_iso", known.arrival, out);
    literal("age", rules.now.saturating_sub(known.arrival).max(0), out);
    if let Some(next) = known.next_attempt() {
        time("next_attempt", next, out);
    }
    let lifetime = match known.is_from_nobody {
        true => rules.bounce_lifetime,
        false => rules.lifetime,
    };
    time("expires", known.arrival.saturating_add(lifetime), out);
    let client = known.origin.client();
    for (name, text) in [
        ("subject", &known.file.subject),
        ("message_id", &known.file.message_id),
        ("client_name", &client.name),
        ("client_address", &client.address),
        ("sasl_username", &known.origin.sasl_user),
    ] {
        if !text.is_empty() {
            let mut text = text.clone();
            make_printable(&mut text, Charset::Safe);
            member(name, &text, out);
        }
    }
    let total = known.recipients.saturating_add(known.done_recipients);
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    literal("recipients_total", total, out);
    member("path", known.file.path.as_bytes(), out);
}

/// Appends the members behind a recipient's reason.
pub fn write_recipient(recipient: &Recipient<'_>, out: &mut Vec<u8>) {
    for (name, text) in [
        ("dsn_status", recipient.facts.status),
        ("remote_host", recipient.facts.remote_host),
    ] {
        if !text.is_empty() {
            member(name, text, out);
        }
    }
}
