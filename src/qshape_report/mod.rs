//! The shape of a queue: how many recipients or messages of each name are how
//! old.
//!
//! - `ages`: the buckets · `domain`: what an address counts as
//! - `counter`: what one message adds · `scan`: all of them, in parallel
//! - `filter`: only some of them
//! - `table`: the counts · `text`, `json`, `chart`: what they look like
//!
//! Independent of options; prints nothing.

pub mod ages;
mod chart;
mod counter;
pub mod domain;
mod filter;
mod json;
mod rows;
mod scan;
pub mod table;
mod text;

pub use chart::{ChartLayout, Color, chart};
pub use counter::{CountRequest, GroupBy};
pub use filter::{Logs, ReportSelection};
pub use json::json;
pub use rows::{Limit, NameFormat, RowSelection};
pub use scan::{READERS_MAX, ScanObserver, ScanRequest, scan_queues};
pub use text::{TableLayout, table_layout};
