//! Counts: how many messages, bytes, and of what age, for each queue, sender,
//! domain, reason and so on.
//!
//! Gathered by each worker for a chunk and added up. What they look like is
//! handled by `format::counts` and `metrics`.

use std::collections::HashMap;

use super::format::template::RequiredParts;
use super::message_info::MessageInfo;
use super::piece::PIECE_SIZE;
use crate::queue_file::message_visitor::Recipient;
use crate::selection::domain;
use crate::sys::time::LocalTime;
use crate::text::fold::fold;
use crate::text::{Charset, make_printable};

/// Bytes of memory for different values, of all that is counted at once. What
/// comes after them counts as one, so that a queue full of forged senders does
/// not fill the memory.
const VALUES_COST_MAX: usize = 16 * 1024 * 1024;
/// The same for one message that may not be counted at all.
const OPEN_COST_MAX: usize = 2 * 1024 * 1024;
/// Values that are counted apart whatever the others take: queues.
const VALUES_MIN: usize = 16;
/// What a value costs beside its bytes (measured).
const VALUE_COST: usize = 120;
/// Bytes of a value that count.
const VALUE_MAX: usize = 1000;
/// Stands for the bytes that do not.
const CUT: &[u8] = b"...";
/// What that one is called.
const OTHERS: &[u8] = b"(others)";
/// What a message without a login, or that no client brought, counts as.
const NONE: &[u8] = b"(none)";
/// Upper ends of the ages that are counted apart, in seconds.
pub const AGE_LIMITS: [i64; 8] = [60, 300, 900, 3600, 4 * 3600, 86_400, 3 * 86_400, 5 * 86_400];

/// What messages are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountBy {
    /// The queue they are in.
    Queue,
    /// Sender.
    From,
    /// Its domain.
    FromDomain,
    /// Each recipient.
    To,
    /// Its domain.
    ToDomain,
    /// Why each recipient waits, numbers and addresses left out.
    Reason,
    /// Who brought them.
    Client,
    /// The login name.
    SaslUser,
    /// The hour of their arrival.
    Hour,
}

/// What is counted by, as it is typed.
pub const COUNTED_BY: [(&str, CountBy); 9] = [
    ("queue", CountBy::Queue),
    ("from", CountBy::From),
    ("from-domain", CountBy::FromDomain),
    ("to", CountBy::To),
    ("to-domain", CountBy::ToDomain),
    ("reason", CountBy::Reason),
    ("client", CountBy::Client),
    ("sasl-user", CountBy::SaslUser),
    ("hour", CountBy::Hour),
];

impl CountBy {
    /// From a name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        let known = COUNTED_BY.iter().find(|(known, _)| *known == name);
        known.map(|(_, by)| *by)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let known = COUNTED_BY.iter().find(|(_, by)| *by == self);
        known.map_or("", |(name, _)| *name)
    }

    /// Whether recipients are counted rather than messages.
    pub fn counts_recipients(self) -> bool {
        matches!(self, Self::To | Self::ToDomain | Self::Reason)
    }

    /// What has to be read for it.
    pub fn depth(self) -> RequiredParts {
        match self {
            Self::To | Self::ToDomain | Self::Reason => RequiredParts::Everything,
            Self::Client | Self::SaslUser => RequiredParts::QueueFile,
            _ => RequiredParts::Head,
        }
    }

    /// What a message counts as.
    fn of_message(self, known: &MessageInfo) -> Vec<u8> {
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
            _ => hour(known.arrival),
        }
    }

    /// What a recipient counts as, if at all.
    fn of_recipient(self, recipient: &Recipient<'_>) -> Option<Vec<u8>> {
        match self {
            Self::To => Some(recipient.address.to_vec()),
            Self::ToDomain => Some(domain_of(recipient.address)),
            Self::Reason => {
                let (reason, _) = recipient.reason.filter(|(text, _)| !text.is_empty())?;
                let mut folded = Vec::new();
                fold(reason, &mut folded);
                Some(folded)
            }
            _ => None,
        }
    }
}

/// A value as it may be shown anywhere: attributes stand there as they came,
/// and JSON is UTF-8.
fn shown(mut value: Vec<u8>) -> Vec<u8> {
    let is_cut = value.len() > VALUE_MAX;
    value.truncate(VALUE_MAX);
    make_printable(&mut value, Charset::Safe);
    if is_cut {
        value.extend_from_slice(CUT);
    }
    value
}

fn cost_of(value: &[u8]) -> usize {
    value.len().saturating_add(VALUE_COST)
}

/// The domain in lower case; an address without one is its own.
fn domain_of(address: &[u8]) -> Vec<u8> {
    match domain(address) {
        [] => address.to_vec(),
        domain => domain.to_ascii_lowercase(),
    }
}

fn hour(seconds: i64) -> Vec<u8> {
    let mut text = String::new();
    if let Some(time) = LocalTime::at(seconds) {
        time.write_iso_hour(&mut text);
    }
    text.into_bytes()
}

/// What shall be counted.
#[derive(Clone, Debug, Default)]
pub struct CountPlan {
    /// By what, each for itself. Nothing only counts all messages.
    pub by: Vec<CountBy>,
    /// Whether the ages in each queue are counted, and at which moment.
    pub ages_at: Option<i64>,
    /// Whether bytes and times count, and not only numbers.
    pub needs_sizes: bool,
}

impl CountPlan {
    /// What has to be read for it.
    pub fn depth(&self) -> RequiredParts {
        let depths = self.by.iter().map(|by| by.depth());
        depths.max().unwrap_or(RequiredParts::Head)
    }

    /// What only the spool can tell, if that is asked for.
    pub fn needs_spool(&self) -> Option<&'static str> {
        let found = self
            .by
            .iter()
            .find(|by| by.depth() == RequiredParts::QueueFile);
        found.map(|by| by.name())
    }
}

/// Messages, or recipients, that count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// When the first of them arrived.
    pub oldest: i64,
    /// When the last of them arrived.
    pub newest: i64,
}

impl Group {
    fn of(known: &MessageInfo, count: u64) -> Self {
        let size = u64::try_from(known.size).unwrap_or(0);
        Self {
            count,
            bytes: size.saturating_mul(count),
            oldest: known.arrival,
            newest: known.arrival,
        }
    }

    fn add(&mut self, other: Group) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}

/// Groups by what they count as.
pub type Groups = HashMap<Vec<u8>, Group>;
/// How many messages are of which age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeCounts {
    /// Up to each limit and above the one before; the last are older.
    pub counts: [u64; AGE_LIMITS.len() + 1],
    /// Their ages together, in seconds.
    pub sum: u64,
}

impl AgeCounts {
    fn count(&mut self, age: i64) {
        let place = AGE_LIMITS.iter().position(|limit| age <= *limit);
        if let Some(count) = self.counts.get_mut(place.unwrap_or(AGE_LIMITS.len())) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(age.unsigned_abs());
    }

    fn add(&mut self, other: AgeCounts) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// In the order of the plan.
    pub by: Vec<Groups>,
    /// By queue.
    pub ages: HashMap<Vec<u8>, AgeCounts>,
    /// What the values cost.
    cost: usize,
}

impl Counts {
    /// Adds what was counted elsewhere by the same plan.
    pub fn add(&mut self, other: Counts) {
        self.by
            .resize_with(self.by.len().max(other.by.len()), Groups::default);
        for (groups, more) in self.by.iter_mut().zip(other.by) {
            for (value, group) in more {
                add_group(groups, &mut self.cost, value, group);
            }
        }
        for (queue, ages) in other.ages {
            self.ages_of(queue).add(ages);
        }
    }

    /// The ages of a queue. There are few, unless a daemon invents them.
    fn ages_of(&mut self, queue: Vec<u8>) -> &mut AgeCounts {
        let is_known = self.ages.len() < VALUES_MIN || self.ages.contains_key(&queue);
        let queue = if is_known { queue } else { OTHERS.to_vec() };
        self.ages.entry(queue).or_default()
    }

    fn is_empty(&self) -> bool {
        self.by.iter().all(HashMap::is_empty) && self.ages.is_empty()
    }
}

/// Adds to a group; `cost` is what the values of all groups cost.
fn add_group(groups: &mut Groups, cost: &mut usize, value: Vec<u8>, group: Group) {
    if let Some(known) = groups.get_mut(&value) {
        return known.add(group);
    }
    let more = cost.saturating_add(cost_of(&value));
    if more > VALUES_COST_MAX && groups.len() >= VALUES_MIN {
        let others = groups.entry(OTHERS.to_vec());
        others.and_modify(|known| known.add(group)).or_insert(group);
        return;
    }
    *cost = more;
    groups.insert(value, group);
}

/// Counts messages.
#[derive(Debug)]
pub struct MessageCounter<'a> {
    plan: &'a CountPlan,
    counts: Counts,
    /// What the recipients of the message count as, in the order of the plan.
    recipients: Vec<HashMap<Vec<u8>, u64>>,
    /// What those values cost.
    recipients_cost: usize,
}

impl<'a> MessageCounter<'a> {
    /// A counter that has counted nothing.
    pub fn new(plan: &'a CountPlan) -> Self {
        Self {
            plan,
            counts: Counts::default(),
            recipients: vec![HashMap::new(); plan.by.len()],
            recipients_cost: 0,
        }
    }

    /// About how many bytes wait to be taken.
    pub fn cost(&self) -> usize {
        self.counts.cost
    }

    /// What was counted since it was last taken.
    pub fn take(&mut self) -> Option<Counts> {
        let counts = std::mem::take(&mut self.counts);
        (!counts.is_empty()).then_some(counts)
    }

    /// A message begins.
    pub fn begin(&mut self) {
        self.recipients.iter_mut().for_each(HashMap::clear);
        self.recipients_cost = 0;
    }

    /// A recipient of it.
    pub fn recipient(&mut self, recipient: &Recipient<'_>) {
        for (by, values) in self.plan.by.iter().zip(&mut self.recipients) {
            let Some(value) = by.of_recipient(recipient).map(shown) else {
                continue;
            };
            if let Some(count) = values.get_mut(&value) {
                *count = count.saturating_add(1);
                continue;
            }
            let more = self.recipients_cost.saturating_add(cost_of(&value));
            let value = if more > OPEN_COST_MAX {
                OTHERS.to_vec()
            } else {
                value
            };
            self.recipients_cost = more.min(OPEN_COST_MAX);
            let count = values.entry(value).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Counts the recipients so far if they are many, when it is known that
    /// the message counts.
    pub fn add_up(&mut self, known: &MessageInfo) {
        if self.recipients_cost > PIECE_SIZE {
            self.count_recipients(known);
        }
    }

    fn count_recipients(&mut self, known: &MessageInfo) {
        let Counts { by, cost, .. } = &mut self.counts;
        by.resize_with(self.plan.by.len(), Groups::default);
        for (groups, recipients) in by.iter_mut().zip(&mut self.recipients) {
            for (value, count) in recipients.drain() {
                add_group(groups, cost, value, Group::of(known, count));
            }
        }
        self.recipients_cost = 0;
    }

    /// The message is complete, and counts.
    pub fn end(&mut self, known: &MessageInfo) {
        self.count_recipients(known);
        let Counts { by, cost, .. } = &mut self.counts;
        for (by, groups) in self.plan.by.iter().zip(by) {
            if !by.counts_recipients() {
                let value = shown(by.of_message(known));
                add_group(groups, cost, value, Group::of(known, 1));
            }
        }
        if let Some(now) = self.plan.ages_at {
            let age = now.saturating_sub(known.arrival).max(0);
            self.counts.ages_of(known.queue.clone()).count(age);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_reaches_no_terminal() {
        let plan = CountPlan {
            by: vec![CountBy::Client, CountBy::SaslUser],
            ..CountPlan::default()
        };
        let mut known = MessageInfo::default();
        known.origin.note(b"client_name=\x1b[31m\xfc");
        known.origin.note(b"sasl_username=J\xc3\xbcrgen\x07");
        let mut counter = MessageCounter::new(&plan);
        counter.begin();
        counter.end(&known);
        let counts = counter.take().unwrap();
        let values: Vec<_> = counts.by.iter().flat_map(HashMap::keys).collect();
        assert_eq!(values, [&b"?[31m?[]"[..], b"J\xc3\xbcrgen?"]);
    }
}
