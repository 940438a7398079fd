//! The properties by which messages and recipients are counted, and the values of a
//! message or recipient.
//!
//! `counts` counts by one property or by two.

use super::format::column::RequiredParts;
use super::format::detail::DetailRules;
use super::message_info::MessageInfo;
use crate::queue_file::message_visitor::Recipient;
use crate::selection::domain;
use crate::sys::time::Zone;
use crate::text::fold::fold;

/// Label of the overflow group.
pub const OTHERS: &[u8] = b"(others)";
/// Separates the values of two keys. No printable value contains it.
pub const SEPARATOR: u8 = 0;
/// Largest number of keys by which is counted at the same time.
const KEYS_MAX: usize = 2;
/// Value of a message without the property.
pub const NONE: &[u8] = b"(none)";
/// The name on the command line before the name of a header.
const HEADER: &str = "header:";

/// Values of due times: labels, and the upper bounds in seconds from now.
const DUE: [(&str, i64); 7] = [
    ("overdue", 0),
    ("within 1m", 60),
    ("within 5m", 300),
    ("within 15m", 900),
    ("within 1h", 3600),
    ("within 4h", 4 * 3600),
    ("within 1d", 86_400),
];
/// Values of times of expiry, in the same form.
const EXPIRES: [(&str, i64); 8] = [
    ("expired", 0),
    ("within 1h", 3600),
    ("within 4h", 4 * 3600),
    ("within 12h", 12 * 3600),
    ("within 1d", 86_400),
    ("within 2d", 2 * 86_400),
    ("within 3d", 3 * 86_400),
    ("within 5d", 5 * 86_400),
];
/// The value of times after the last bound.
const LATER: &str = "later";

/// A property by which messages or recipients are grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountBy {
    /// The queue that the message is in.
    Queue,
    /// The sender address.
    From,
    /// The domain of the sender address.
    FromDomain,
    /// The address of each recipient.
    To,
    /// The domain of each recipient address.
    ToDomain,
    /// The delay reason of each recipient, with numbers and addresses removed.
    Reason,
    /// The enhanced status code of each recipient.
    Dsn,
    /// The remote mail system that each recipient's delivery failed at.
    RemoteHost,
    /// The client that submitted the message.
    Client,
    /// The SASL login name of the client.
    SaslUser,
    /// The hour in which the message arrived.
    Hour,
    /// The time until the next delivery attempt, in ranges.
    Due,
    /// The time until the message is returned, in ranges.
    Expires,
    /// The Subject header.
    Subject,
    /// The first header with this name, which is in lower case.
    Header(String),
}

/// The groupings by their names on the command line; `header:NAME` stands for all
/// headers.
pub static COUNTED_BY: [(&str, CountBy); 15] = [
    ("queue", CountBy::Queue),
    ("from", CountBy::From),
    ("from-domain", CountBy::FromDomain),
    ("to", CountBy::To),
    ("to-domain", CountBy::ToDomain),
    ("reason", CountBy::Reason),
    ("dsn", CountBy::Dsn),
    ("remote-host", CountBy::RemoteHost),
    ("client", CountBy::Client),
    ("sasl-user", CountBy::SaslUser),
    ("hour", CountBy::Hour),
    ("due", CountBy::Due),
    ("expires", CountBy::Expires),
    (SUBJECT, CountBy::Subject),
    ("header:NAME", CountBy::Header(String::new())),
];
/// The name of the Subject header in lower case.
const SUBJECT: &str = "subject";

impl CountBy {
    /// Looks up a grouping by its name on the command line.
    fn parse(name: &str) -> Option<Self> {
        if let Some(header) = name.strip_prefix(HEADER) {
            let is_name = !header.is_empty() && header.bytes().all(|b| b.is_ascii_graphic());
            return is_name.then(|| match header.to_ascii_lowercase() {
                header if header == SUBJECT => Self::Subject,
                header => Self::Header(header),
            });
        }
        let known = COUNTED_BY.iter().find(|(known, _)| *known == name);
        known.map(|(_, by)| by.clone())
    }

    /// The name on the command line.
    fn name(&self) -> String {
        match self {
            Self::Header(header) => format!("{HEADER}{header}"),
            other => {
                let known = COUNTED_BY.iter().find(|(_, by)| by == other);
                known.map_or("", |(name, _)| *name).to_owned()
            }
        }
    }

    /// Whether it is a property of recipients rather than messages.
    pub(super) fn is_of_recipients(&self) -> bool {
        matches!(
            self,
            Self::To | Self::ToDomain | Self::Reason | Self::Dsn | Self::RemoteHost
        )
    }

    fn depth(&self) -> RequiredParts {
        match self {
            other if other.is_of_recipients() => RequiredParts::Everything,
            Self::Client | Self::SaslUser => RequiredParts::QueueFile,
            _ => RequiredParts::Head,
        }
    }

    /// Whether a daemon's listing does not have the property.
    fn needs_spool(&self) -> bool {
        matches!(
            self,
            Self::Dsn
                | Self::RemoteHost
                | Self::Client
                | Self::SaslUser
                | Self::Due
                | Self::Expires
                | Self::Subject
                | Self::Header(_)
        )
    }

    /// The value under which a message is counted.
    pub(super) fn of_message(
        &self,
        known: &MessageInfo,
        forecast: Option<&DetailRules>,
    ) -> Vec<u8> {
        let or_none = |text: &[u8]| match text {
            [] => NONE.to_vec(),
            text => text.to_vec(),
        };
        match self {
            Self::Queue => known.queue.clone(),
            Self::From => known.sender.clone(),
            Self::FromDomain => domain_of(&known.sender),
            Self::SaslUser => or_none(&known.origin.sasl_user),
            Self::Client => {
                let client = known.origin.client();
                if client.is_named() {
                    [&client.name[..], b"[", &client.address, b"]"].concat()
                } else {
                    NONE.to_vec()
                }
            }
            Self::Subject => or_none(known.file.header(SUBJECT)),
            Self::Header(name) => or_none(known.file.header(name)),
            Self::Due => match (known.next_attempt(), forecast) {
                (Some(time), Some(rules)) => range(&DUE, time, rules.now),
                _ => NONE.to_vec(),
            },
            Self::Expires => match forecast {
                Some(rules) => range(&EXPIRES, rules.expiry(known), rules.now),
                None => NONE.to_vec(),
            },
            _ => hour(known.arrival),
        }
    }

    /// The value under which a recipient is counted; `None` if the recipient has
    /// none, or if it is a property of messages.
    pub(super) fn of_recipient(&self, recipient: &Recipient<'_>) -> Option<Vec<u8>> {
        let given = |text: &[u8]| (!text.is_empty()).then(|| text.to_vec());
        match self {
            Self::To => Some(recipient.address.to_vec()),
            Self::ToDomain => Some(domain_of(recipient.address)),
            Self::Reason => {
                let (reason, _) = recipient.reason.filter(|(text, _)| !text.is_empty())?;
                let mut folded = Vec::new();
                fold(reason, &mut folded);
                Some(folded)
            }
            Self::Dsn => given(recipient.facts.status),
            Self::RemoteHost => given(recipient.facts.remote_host),
            _ => None,
        }
    }
}

/// The label of the range that a time is in.
fn range(ranges: &[(&'static str, i64)], time: i64, now: i64) -> Vec<u8> {
    let left = time.saturating_sub(now);
    let found = ranges.iter().find(|(_, most)| left <= *most);
    found.map_or(LATER, |(label, _)| *label).into()
}

/// The domain in lower case, or the whole address if it has no domain.
fn domain_of(address: &[u8]) -> Vec<u8> {
    match domain(address) {
        [] => address.to_vec(),
        domain => domain.to_ascii_lowercase(),
    }
}

fn hour(seconds: i64) -> Vec<u8> {
    let time = Zone::Local.date_time(seconds);
    time.map_or_else(Vec::new, |time| {
        time.format("%Y-%m-%dT%H").to_string().into_bytes()
    })
}

/// One property, or two whose combinations are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountKeys(Vec<CountBy>);

impl From<CountBy> for CountKeys {
    fn from(by: CountBy) -> Self {
        Self(vec![by])
    }
}

impl CountKeys {
    /// Parses names that are separated by a comma; `None` if they are not valid, or
    /// too many.
    pub fn parse(names: &str) -> Option<Self> {
        let keys: Option<Vec<CountBy>> = names.split(',').map(CountBy::parse).collect();
        let keys = keys.filter(|keys| keys.len() <= KEYS_MAX)?;
        let is_double = keys.len() == KEYS_MAX && keys.first() == keys.last();
        (!is_double).then_some(Self(keys))
    }

    /// The names on the command line.
    pub fn name(&self) -> String {
        let names: Vec<String> = self.0.iter().map(CountBy::name).collect();
        names.join(",")
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &CountBy> {
        self.0.iter()
    }

    /// The key, if there is only one.
    pub fn single(&self) -> Option<&CountBy> {
        match self.0.as_slice() {
            [single] => Some(single),
            _ => None,
        }
    }

    /// Whether recipients are counted rather than messages.
    pub fn counts_recipients(&self) -> bool {
        self.keys().any(CountBy::is_of_recipients)
    }

    /// Whether one key is of messages and the other of recipients.
    pub(super) fn is_mixed(&self) -> bool {
        self.counts_recipients() && !self.keys().all(CountBy::is_of_recipients)
    }

    /// The parts of a message that have to be read.
    pub(super) fn depth(&self) -> RequiredParts {
        let depths = self.keys().map(CountBy::depth);
        depths.max().unwrap_or(RequiredParts::Head)
    }

    /// Whether a daemon's listing does not have one of the properties.
    pub(super) fn needs_spool(&self) -> bool {
        self.keys().any(CountBy::needs_spool)
    }

    /// Whether the values depend on the time and on main.cf.
    pub fn needs_forecast(&self) -> bool {
        let is_forecast = |key: &CountBy| matches!(key, CountBy::Due | CountBy::Expires);
        self.keys().any(is_forecast)
    }

    /// The names of the headers that have to be read, in lower case.
    pub(super) fn headers(&self) -> impl Iterator<Item = String> {
        self.keys().filter_map(|key| match key {
            CountBy::Subject => Some(SUBJECT.to_owned()),
            CountBy::Header(name) => Some(name.clone()),
            _ => None,
        })
    }

    /// Whether headers have to be read.
    pub fn reads_headers(&self) -> bool {
        self.headers().next().is_some()
    }

    /// The position of a range among the values; `None` if the key has no ranges.
    pub fn range_order(&self, value: &[u8]) -> Option<usize> {
        let ranges: &[(&str, i64)] = match self.single()? {
            CountBy::Due => &DUE,
            CountBy::Expires => &EXPIRES,
            _ => return None,
        };
        let found = ranges
            .iter()
            .position(|(label, _)| label.as_bytes() == value);
        let after = if value == LATER.as_bytes() { 0 } else { 1 };
        Some(found.unwrap_or(ranges.len().saturating_add(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_written_alike() {
        for (name, _) in &COUNTED_BY {
            let name = name.replace("NAME", "x-mailer");
            assert_eq!(CountKeys::parse(&name).unwrap().name(), name);
        }
        for name in ["subject", "to-domain,reason", "header:x,header:y"] {
            assert_eq!(CountKeys::parse(name).unwrap().name(), name);
        }
        assert_eq!(
            CountKeys::parse("header:Subject").unwrap().name(),
            "subject"
        );
        for wrong in [
            "",
            "froms",
            "header:",
            "header:a b",
            "from,from",
            "from,to,reason",
            "from,",
            "header:X,header:x",
        ] {
            assert!(CountKeys::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn ranges_end_at_their_bounds_and_are_in_order() {
        let label = |time| String::from_utf8(range(&DUE, time, 1000)).unwrap();
        assert_eq!(label(1000), "overdue");
        assert_eq!(label(1001), "within 1m");
        assert_eq!(label(1060), "within 1m");
        assert_eq!(label(1061), "within 5m");
        assert_eq!(label(i64::MAX), "later");
        let order = |value: &[u8]| CountKeys::from(CountBy::Due).range_order(value).unwrap();
        assert!(order(b"overdue") < order(b"within 1m") && order(b"within 1d") < order(b"later"));
        assert!(order(b"later") < order(NONE));
    }
}
