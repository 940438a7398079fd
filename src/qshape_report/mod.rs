//! The shape of a queue: the number of recipients or messages for each name, by
//! age.
//!
//! - `ages`: the age buckets
//! - `domain`: the name that an address counts for
//! - `group`: the kinds of rows
//! - `message_stats`: the names that a message counts for
//! - `counter`: the contribution of a file
//! - `scan`: all messages, in parallel
//! - `filter`: the restriction to a selection
//! - `table`: the counts
//! - `text`, `json`, `chart`: the output formats
//!
//! Independent of options; prints nothing.

pub mod ages;
mod chart;
mod counter;
pub mod domain;
mod filter;
mod group;
mod json;
mod message_stats;
mod rows;
mod scan;
pub mod table;
mod text;

pub use chart::{ChartLayout, Color, chart};
pub use counter::CountRequest;
pub use filter::{Logs, ReportSelection};
pub use group::GroupBy;
pub use json::json;
pub use rows::{Limit, NameFormat, RowSelection};
pub use scan::{READERS_MAX, ScanObserver, ScanRequest, scan_queues};
pub use text::{TableLayout, table_layout};
