//! [`PartialResult`]: what is collected while a listing runs and written at its
//! end.

use super::counts::Counts;
use super::sort_entry::SortEntry;

/// What is collected rather than written at once.
#[derive(Debug)]
pub enum PartialResult {
    /// Messages that wait for their place in the order.
    Entries(Vec<SortEntry>),
    /// Counts.
    Counts(Counts),
}
