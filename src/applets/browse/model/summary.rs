//! What some rows are together: their number and bytes, and their commonest
//! senders and reasons.

use std::collections::HashMap;

use super::index::Index;
use super::row::Row;

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
        let (mut senders, mut reasons) = (HashMap::new(), HashMap::new());
        for row in rows {
            summary.messages = summary.messages.saturating_add(1);
            summary.bytes = summary.bytes.saturating_add(u64::from(row.size));
            for (counts, text) in [
                (&mut senders, index.sender(row)),
                (&mut reasons, index.reason(row)),
            ] {
                if !text.is_empty() {
                    let count: &mut usize = counts.entry(text).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        summary.senders = commonest(senders);
        summary.reasons = commonest(reasons);
        summary
    }
}

fn commonest(counts: HashMap<&str, usize>) -> Vec<(String, usize)> {
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
    all.truncate(TOP);
    let owned = |(text, count): (&str, usize)| (text.to_owned(), count);
    all.into_iter().map(owned).collect()
}
