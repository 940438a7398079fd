//! The additional members of `postqueue -j --detail`, which follow those that
//! Postfix writes.

use serde::Serialize;

use super::super::message_info::MessageInfo;
use super::super::times::write_iso;
use super::json_writer::member;
use crate::queue_file::message_visitor::Recipient;
use crate::sys::time::Zone;
use crate::text::{Charset, append_json_members, make_printable, to_printable};

/// The time and the configuration parameters that the additional members depend on.
#[derive(Clone, Debug)]
pub struct DetailRules {
    /// The time at which ages are computed, in seconds since the epoch.
    pub now: i64,
    /// maximal_queue_lifetime in seconds.
    pub lifetime: i64,
    /// bounce_queue_lifetime in seconds, which applies to messages with a null
    /// sender.
    pub bounce_lifetime: i64,
    /// myhostname, which names the host where listings of several are joined.
    pub host: String,
}

impl DetailRules {
    /// When a message is returned as undeliverable, in seconds since the epoch.
    pub fn expiry(&self, known: &MessageInfo) -> i64 {
        let lifetime = if known.has_null_sender {
            self.bounce_lifetime
        } else {
            self.lifetime
        };
        known.arrival.saturating_add(lifetime)
    }
}

/// The additional members of a message. Times are in UTC, `2026-11-23T13:00:15Z`.
#[derive(Serialize)]
struct Details<'a> {
    arrival_iso: String,
    /// Seconds since arrival.
    age: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<String>,
    /// When the message is returned as undeliverable.
    expires: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sasl_username: String,
    /// Number of recipients, including those that are done.
    recipients_total: u64,
    /// Relative to the queue directory.
    path: &'a str,
    host: &'a str,
    /// The time to which `age` refers.
    scanned_at: String,
}

/// Appends the additional members of a message, after its recipients.
pub fn write(known: &MessageInfo, rules: &DetailRules, out: &mut Vec<u8>) {
    let client = known.origin.client();
    let details = Details {
        arrival_iso: iso(known.arrival),
        age: rules.now.saturating_sub(known.arrival).max(0),
        next_attempt: known.next_attempt().map(iso),
        expires: iso(rules.expiry(known)),
        subject: text(&known.file.subject),
        message_id: text(&known.file.message_id),
        client_name: text(&client.name),
        client_address: text(&client.address),
        sasl_username: text(&known.origin.sasl_user),
        recipients_total: known.recipients.saturating_add(known.done_recipients),
        path: &known.file.path,
        host: &rules.host,
        scanned_at: iso(rules.now),
    };
    append_json_members(&details, out);
}

fn iso(seconds: i64) -> String {
    let mut text = Vec::new();
    write_iso(seconds, Zone::Utc, &mut text);
    to_printable(&text)
}

fn text(bytes: &[u8]) -> String {
    let mut text = bytes.to_vec();
    make_printable(&mut text, Charset::Safe);
    to_printable(&text)
}

/// Appends the additional members of a recipient, after its reason.
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
