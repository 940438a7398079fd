//! Listings of the queue: where messages come from and what they look like
//! (spec page 05).

pub mod count_form;
mod counts;
mod daemon;
mod detail;
pub mod dialect;
mod form;
mod json;
mod known;
mod lines;
pub mod metrics;
mod order;
mod output;
mod pipeline;
mod sink;
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
use crate::spool::reporter::ReportError;

pub use counts::{COUNTED_BY, CountBy, CountPlan, Counts};
pub use daemon::{Wish as DaemonWish, copy as list_daemon};
pub use detail::DetailRules;
pub use form::{Form, Gathered, Totals};
pub use json::Members;
pub use order::{Arrangement, Direction, Entry, Key, Sorter};
pub use output::{Ending, Output};
pub use pipeline::run as list_spool;
pub use sink::Sink;
pub use style::{Look, Style};
pub use template::{Template, Terminator};
pub use text::Columns;
pub use times::{Clock, TimeStyle, write_duration};
pub use worker::Listing;

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
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The daemon's listing cannot be read on.
    #[error("the daemon's listing breaks off")]
    Daemon(#[from] AttributeError),
    /// The output cannot be written.
    #[error("output write error")]
    Output(#[source] io::Error),
}
