//! Listings of the queue: reading messages from the spool or from a daemon, and
//! formatting, sorting and counting them.

mod admission;
mod count_by;
mod counts;
mod daemon;
pub mod format;
mod formatter;
mod message_info;
pub mod metrics;
mod metrics_merge;
mod output;
mod partial;
mod piece;
mod pipeline;
mod sink;
mod sort;
mod sort_entry;
mod sort_runs;
mod sort_spec;
mod spill;
mod style;
mod times;
mod totals;
mod worker;

use std::io;

use thiserror::Error;

use crate::ipc::AttributeError;
use crate::queue_file::read_error::ReadError;
use crate::spool::WalkError;
use crate::spool::message::NoMessage;
use crate::sys::error_text::error_text;
use crate::worker_pool::limits::readers_for;

pub use admission::{Admission, Matching};
pub use count_by::{COUNTED_BY, CountBy, CountKeys, NONE, OTHERS};
#[cfg(feature = "browse")]
pub use counts::{AGE_LIMITS, Group};
pub use counts::{CountPlan, Counts};
pub use daemon::{DaemonRequest, copy as list_daemon};
pub use format::detail::DetailRules;
pub use format::json::Members;
pub use format::template::{Template, Terminator};
pub use format::text::Columns;
pub use formatter::Formatter;
pub use metrics_merge::MetricsMerge;
pub use output::Output;
pub use partial::PartialResult;
pub use piece::Ending;
pub use pipeline::run as list_spool;
pub use sink::Sink;
pub use sort::Sorter;
pub use sort_entry::SortEntry;
pub use sort_spec::{Direction, SORT_KEYS_HINT, SortKey, SortSpec};
pub use spill::{Spill, nameless_file};
pub use style::{OutputOptions, Style};
pub use times::write_iso;
pub use times::{Clock, TimeStyle, write_duration};
pub use totals::Totals;
pub use worker::Listing;

/// Largest number of reader threads. It depends on the disk rather than on the
/// processors: with a cold cache 32 readers are five times as fast as one, and a
/// tenth faster than 16; with a warm cache it makes no difference (measured).
const READERS_MAX: usize = 32;

/// The number of reader threads for a process that can open this many more files,
/// and queues that are `depth` directories deep.
pub fn workers_for(open_files: u64, depth: u32) -> usize {
    readers_for(READERS_MAX, open_files, depth)
}

/// Why a listing ended early.
#[derive(Debug, Error)]
pub enum ListingError {
    /// A queue directory cannot be read to its end.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A message cannot be read, and without it the listing would be wrong.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// A message cannot be opened because a resource is exhausted.
    #[error(transparent)]
    Exhausted(#[from] NoMessage),
    /// The daemon's listing is malformed or incomplete.
    #[error("the daemon's listing breaks off")]
    Daemon(#[from] AttributeError),
    /// A temporary file for text that does not fit in memory cannot be written or
    /// read.
    #[error("cannot sort in a temporary file: {}", error_text(.0))]
    Sort(#[source] io::Error),
    /// The output cannot be written.
    #[error("output write error")]
    Output(#[source] io::Error),
}
