//! Message and recipient counts with sizes and arrival times, grouped by queue,
//! sender, domain, reason and so on.
//!
//! Each worker counts its chunk; [`Counts::add`] combines the results. `count_by`
//! has the groupings; `format::counts` and `metrics` format the counts.

use std::collections::HashMap;

use super::count_by::{CountKeys, OTHERS, SEPARATOR};
use super::format::column::RequiredParts;
use super::format::detail::DetailRules;
use super::message_info::MessageInfo;
use super::piece::PIECE_SIZE;
use crate::queue_file::message_visitor::Recipient;
use crate::text::{Charset, make_printable};

/// Bytes of memory for the distinct values of all groupings together. Further
/// values are counted as [`OTHERS`], so that a queue full of forged senders does
/// not exhaust memory.
const VALUES_COST_MAX: usize = 16 * 1024 * 1024;
/// The same limit for the recipients of one message that is not yet known to be
/// counted.
const OPEN_COST_MAX: usize = 2 * 1024 * 1024;
/// Distinct values per grouping that are always counted separately, so that queues
/// are, whatever memory other groupings use.
const VALUES_MIN: usize = 16;
/// Memory that a value takes besides its bytes (measured).
const VALUE_COST: usize = 120;
/// Bytes of a value that are kept; longer values are truncated.
const VALUE_MAX: usize = 1000;
/// Appended to a truncated value.
const CUT: &[u8] = b"...";
/// Upper bounds of the age ranges, in seconds.
pub const AGE_LIMITS: [i64; 8] = [60, 300, 900, 3600, 4 * 3600, 86_400, 3 * 86_400, 5 * 86_400];

/// Truncates a value and makes it printable UTF-8: attributes in a queue file are
/// untrusted input, and the value is written to terminals and as JSON.
fn make_value_printable(mut value: Vec<u8>) -> Vec<u8> {
    let is_cut = value.len() > VALUE_MAX;
    value.truncate(VALUE_MAX);
    make_printable(&mut value, Charset::Safe);
    if is_cut {
        value.extend_from_slice(CUT);
    }
    value
}

/// The values of a recipient's keys, joined by [`SEPARATOR`]; `None` if one of them
/// has no value, or if messages are counted rather than recipients.
fn recipient_value(by: &CountKeys, recipient: &Recipient<'_>) -> Option<Vec<u8>> {
    let keys = by.keys().filter(|key| key.is_of_recipients());
    let values: Option<Vec<Vec<u8>>> = keys
        .map(|key| key.of_recipient(recipient).map(make_value_printable))
        .collect();
    values
        .filter(|values| !values.is_empty())
        .map(|values| values.join(&SEPARATOR))
}

/// The values of all keys, joined by [`SEPARATOR`]. Those of a recipient's keys are
/// taken from `recipient`.
fn message_value(
    by: &CountKeys,
    known: &MessageInfo,
    forecast: Option<&DetailRules>,
    recipient: &[u8],
) -> Vec<u8> {
    let mut of_recipient = recipient.split(|b| *b == SEPARATOR);
    let values = by.keys().map(|key| {
        if key.is_of_recipients() {
            of_recipient.next().unwrap_or(OTHERS).to_vec()
        } else {
            make_value_printable(key.of_message(known, forecast))
        }
    });
    let values: Vec<Vec<u8>> = values.collect();
    values.join(&SEPARATOR)
}

fn cost_of(value: &[u8]) -> usize {
    value.len().saturating_add(VALUE_COST)
}

/// The requested counts.
#[derive(Clone, Debug, Default)]
pub struct CountPlan {
    /// The groupings, each counted separately. If empty, only the number of
    /// messages is counted.
    pub by: Vec<CountKeys>,
    /// The time at which ages are computed; `None` if ages are not counted.
    pub ages_at: Option<i64>,
    /// Whether sizes and times are needed besides the numbers.
    pub needs_sizes: bool,
    /// The rules on which the groupings by due time and time of expiry depend.
    pub forecast: Option<DetailRules>,
}

impl CountPlan {
    /// The parts of a message that have to be read to count it.
    pub fn depth(&self) -> RequiredParts {
        let depths = self.by.iter().map(CountKeys::depth);
        depths.max().unwrap_or(RequiredParts::Head)
    }

    /// The name of a grouping that can be read only from the spool, if one is
    /// requested.
    pub fn needs_spool(&self) -> Option<String> {
        let found = self.by.iter().find(|by| by.needs_spool());
        found.map(CountKeys::name)
    }

    /// The names of the headers that have to be read, in lower case.
    pub fn headers(&self) -> Vec<String> {
        self.by.iter().flat_map(CountKeys::headers).collect()
    }
}

/// Messages or recipients that have the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Number of messages or recipients.
    pub count: u64,
    /// Sum of their sizes in bytes.
    pub bytes: u64,
    /// Arrival time of the oldest one, in seconds since the epoch.
    pub oldest: i64,
    /// Arrival time of the newest one, in seconds since the epoch.
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

    /// Adds another group to this one.
    pub fn add(&mut self, other: Group) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}

/// Groups by value.
pub type Groups = HashMap<Vec<u8>, Group>;
/// Number of messages in each age range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeCounts {
    /// One count for each range that ends at an element of [`AGE_LIMITS`], and one
    /// for all older messages.
    pub counts: [u64; AGE_LIMITS.len() + 1],
    /// Sum of the ages in seconds.
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

/// The result of counting.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// One element for each grouping of the plan, in the same order.
    pub by: Vec<Groups>,
    /// Ages by queue.
    pub ages: HashMap<Vec<u8>, AgeCounts>,
    /// Approximate memory used by the values, in bytes.
    cost: usize,
}

impl Counts {
    /// Adds counts that another worker made by the same plan.
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

    /// The ages of a queue. Their number is limited because a daemon can send any
    /// queue name.
    fn ages_of(&mut self, queue: Vec<u8>) -> &mut AgeCounts {
        let is_known = self.ages.len() < VALUES_MIN || self.ages.contains_key(&queue);
        let queue = if is_known { queue } else { OTHERS.to_vec() };
        self.ages.entry(queue).or_default()
    }

    fn is_empty(&self) -> bool {
        self.by.iter().all(HashMap::is_empty) && self.ages.is_empty()
    }
}

/// Adds to a group. `cost` is the memory used by the values of all groups.
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

/// Counts the messages of one worker.
#[derive(Debug)]
pub struct MessageCounter<'a> {
    plan: &'a CountPlan,
    counts: Counts,
    /// Number of recipients of the current message by value, one element for each
    /// grouping of the plan.
    recipients: Vec<HashMap<Vec<u8>, u64>>,
    /// Approximate memory used by those values, in bytes.
    recipients_cost: usize,
}

impl<'a> MessageCounter<'a> {
    /// Creates a counter without any counts.
    pub fn new(plan: &'a CountPlan) -> Self {
        Self {
            plan,
            counts: Counts::default(),
            recipients: vec![HashMap::new(); plan.by.len()],
            recipients_cost: 0,
        }
    }

    /// Approximate memory used by the counts that [`MessageCounter::take`] would
    /// return, in bytes.
    pub fn cost(&self) -> usize {
        self.counts.cost
    }

    /// Returns what was counted since the last call; `None` if nothing was.
    pub fn take(&mut self) -> Option<Counts> {
        let counts = std::mem::take(&mut self.counts);
        (!counts.is_empty()).then_some(counts)
    }

    /// Starts a message.
    pub fn begin(&mut self) {
        self.recipients.iter_mut().for_each(HashMap::clear);
        self.recipients_cost = 0;
    }

    /// Counts a recipient of the current message.
    pub fn recipient(&mut self, recipient: &Recipient<'_>) {
        for (by, values) in self.plan.by.iter().zip(&mut self.recipients) {
            let Some(value) = recipient_value(by, recipient) else {
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

    /// Adds the recipients so far to the counts if they take much memory. To be
    /// called only if the message is known to be counted.
    pub fn add_up(&mut self, known: &MessageInfo) {
        // A property of the message may not be known yet.
        let is_known = self.plan.by.iter().all(|by| !by.is_mixed());
        if is_known && self.recipients_cost > PIECE_SIZE {
            self.count_recipients(known);
        }
    }

    fn count_recipients(&mut self, known: &MessageInfo) {
        let Counts { by, cost, .. } = &mut self.counts;
        by.resize_with(self.plan.by.len(), Groups::default);
        let counted = self.plan.by.iter().zip(by).zip(&mut self.recipients);
        for ((keys, groups), recipients) in counted {
            for (value, count) in recipients.drain() {
                let value = if keys.is_mixed() {
                    message_value(keys, known, self.plan.forecast.as_ref(), &value)
                } else {
                    value
                };
                add_group(groups, cost, value, Group::of(known, count));
            }
        }
        self.recipients_cost = 0;
    }

    /// Completes the current message and counts it.
    pub fn end(&mut self, known: &MessageInfo) {
        self.count_recipients(known);
        let Counts { by, cost, .. } = &mut self.counts;
        for (by, groups) in self.plan.by.iter().zip(by) {
            if !by.counts_recipients() {
                let value = message_value(by, known, self.plan.forecast.as_ref(), b"");
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
    use super::super::count_by::CountBy;
    use super::*;

    #[test]
    fn client_attributes_are_made_printable() {
        let plan = CountPlan {
            by: vec![CountBy::Client.into(), CountBy::SaslUser.into()],
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
