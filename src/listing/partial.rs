//! [`PartialResult`]: output that is collected while a listing runs and written at
//! its end.

use super::counts::Counts;
use super::sort_entry::SortEntry;

/// Output that is collected rather than written at once.
#[derive(Debug)]
pub enum PartialResult {
    /// Messages that have to be sorted.
    Entries(Vec<SortEntry>),
    /// Counts that have to be added up.
    Counts(Counts),
}
