//! What a call of postqueue is for: the mode that its options request.

use super::super::flush::FlushRequest;
use crate::listing::CountKeys;

/// The requested operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PostqueueMode {
    List(View),
    Count(CountFormat, Option<CountKeys>),
    Metrics,
    Check,
    Flush(FlushRequest),
    FlushMatching,
    Help,
    Version,
}

/// The format of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    Text,
    Json,
    DetailedJson,
    Oneline,
    Ids,
    Csv,
    Format(String),
}

/// The format of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountFormat {
    Table,
    Json,
}

/// Whether the output about an instance is the whole output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OutputScope {
    /// It is the whole output.
    #[default]
    Single,
    /// It is joined with that of other instances.
    OneOfSeveral,
}

/// The thresholds at which a check warns and at which it is critical.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thresholds {
    pub(super) warn: Option<u64>,
    pub(super) crit: Option<u64>,
    /// The age thresholds are in seconds.
    pub(super) warn_age: Option<u64>,
    pub(super) crit_age: Option<u64>,
}
