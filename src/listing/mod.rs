//! Listings of the queue: where messages come from and what they look like
//!.

mod counts;
mod daemon;
pub mod format;
mod formatter;
mod message_info;
pub mod metrics;
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

pub use counts::{COUNTED_BY, CountBy, CountPlan, Counts};
pub use daemon::{DaemonRequest, copy as list_daemon};
pub use format::detail::DetailRules;
pub use format::json::Members;
pub use format::template::{Template, Terminator};
pub use format::text::Columns;
pub use formatter::Formatter;
pub use output::Output;
pub use partial::PartialResult;
pub use piece::Ending;
pub use pipeline::run as list_spool;
pub use sink::Sink;
pub use sort::Sorter;
pub use sort_entry::SortEntry;
pub use sort_spec::{Direction, SortKey, SortSpec};
pub use spill::Spill;
pub use style::{OutputOptions, Style};
pub use times::{Clock, TimeStyle, write_duration};
pub use totals::Totals;
pub use worker::Listing;

/// Readers at most. Their number is for the disk rather than the processors:
/// with a cold cache 32 readers are five times as fast as one, and a tenth
/// faster than 16; with a warm one it makes no difference (measured).
const READERS_MAX: usize = 32;

/// How many readers a listing can have in a process that may open this many
/// more files, in queues that are `depth` directories deep.
pub fn workers_for(open_files: u64, depth: u32) -> usize {
    readers_for(READERS_MAX, open_files, depth)
}

/// Why a listing ended before its end.
#[derive(Debug, Error)]
pub enum ListingError {
    /// A queue cannot be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A message cannot be reported, and without it the listing is wrong.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// A message cannot be opened now, though it may be fine.
    #[error(transparent)]
    Exhausted(#[from] NoMessage),
    /// The daemon's listing cannot be read on.
    #[error("the daemon's listing breaks off")]
    Daemon(#[from] AttributeError),
    /// What is sorted does not fit the memory, and no file takes it.
    #[error("cannot sort in a temporary file: {}", error_text(.0))]
    Sort(#[source] io::Error),
    /// The output cannot be written.
    #[error("output write error")]
    Output(#[source] io::Error),
}
