//! Summaries of rows: their number and bytes, their commonest senders and reasons,
//! and the numbers of each queue.

use super::index::Index;
use super::row::Row;
use super::texts::{TextNumber, Texts};
use crate::spool::Queue;

/// The numbers of the whole list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListTotals {
    /// The number of messages in each queue, in the order of a listing.
    pub queues: [u64; Queue::LISTED.len()],
    /// The bytes of all messages.
    pub bytes: u64,
}

impl ListTotals {
    /// The numbers of the list.
    pub fn of(index: &Index) -> Self {
        let mut totals = Self::default();
        for row in index.listed_rows() {
            let queue = totals.queues.get_mut(usize::from(row.queue_place()));
            if let Some(count) = queue {
                *count = count.saturating_add(1);
            }
            totals.bytes = totals.bytes.saturating_add(u64::from(row.size));
        }
        totals
    }
}

/// The number of senders and reasons.
const TOP: usize = 3;

/// The summary of some messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Their number.
    pub messages: usize,
    /// The sum of their sizes.
    pub bytes: u64,
    /// The commonest senders, with the numbers of messages.
    pub senders: Vec<(String, usize)>,
    /// The commonest reasons, with the numbers of messages.
    pub reasons: Vec<(String, usize)>,
}

impl Summary {
    /// The summary of these rows.
    pub fn of<'a>(index: &Index, rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut summary = Self::default();
        let mut senders = vec![0; index.senders.len()];
        let mut reasons = vec![0; index.reasons.len()];
        for row in rows {
            summary.messages = summary.messages.saturating_add(1);
            summary.bytes = summary.bytes.saturating_add(u64::from(row.size));
            count(&mut senders, row.sender);
            count(&mut reasons, row.reason);
        }
        summary.senders = commonest(&senders, &index.senders);
        summary.reasons = commonest(&reasons, &index.reasons);
        summary
    }
}

fn count(counts: &mut [usize], text: TextNumber) {
    if let Some(count) = counts.get_mut(usize::from(text)) {
        *count = count.saturating_add(1);
    }
}

fn commonest(counts: &[usize], texts: &Texts) -> Vec<(String, usize)> {
    let numbered = (0..=TextNumber::MAX).zip(counts);
    let mut all: Vec<(&str, usize)> = numbered
        .filter(|(number, count)| *number != Texts::NONE && **count > 0)
        .map(|(number, count)| (texts.text(number), *count))
        .collect();
    all.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
    all.truncate(TOP);
    let owned = |(text, count): (&str, usize)| (text.to_owned(), count);
    all.into_iter().map(owned).collect()
}
