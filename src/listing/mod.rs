//! Listings of the queue: where messages come from and what they look like
//! (spec page 05).

pub mod count_form;
mod counts;
mod daemon;
mod detail;
mod form;
mod json;
mod known;
mod lines;
pub mod metrics;
mod order;
mod output;
mod pipeline;
mod runs;
mod sink;
mod spill;
mod style;
mod template;
mod text;
mod times;
mod worker;

use std::io;

use thiserror::Error;

use crate::ipc::AttributeError;
use crate::spool::WalkError;
use crate::spool::message::NoMessage;
use crate::spool::readers::readers_for;
use crate::spool::reporter::ReportError;
use crate::sys::error_text::error_text;

pub use counts::{COUNTED_BY, CountBy, CountPlan, Counts};
pub use daemon::{Wish as DaemonWish, copy as list_daemon};
pub use detail::DetailRules;
pub use form::{Form, Gathered, Totals};
pub use json::Members;
pub use order::{Arrangement, Direction, Entry, Key, Sorter};
pub use output::{Ending, Output};
pub use pipeline::run as list_spool;
pub use sink::Sink;
pub use spill::Spill;
pub use style::{Look, Style};
pub use template::{Template, Terminator};
pub use text::Columns;
pub use times::{Clock, TimeStyle, write_duration};
pub use worker::Listing;

/// Readers at most. Their number is for the disk rather than the processors:
/// with a cold cache 32 readers are five times as fast as one, and a tenth
/// faster than 16; with a warm one it makes no difference (measured).
const READERS_MAX: usize = 32;

/// How many readers a listing can have in a process that may open so many
/// files more, in queues that are `depth` directories deep.
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
    Report(#[from] ReportError),
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
