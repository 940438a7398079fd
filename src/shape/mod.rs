//! The shape of a queue: how many recipients or messages of each name are how
//! old (spec page 09).
//!
//! - `ages`: the buckets · `domain`: what an address counts as
//! - `counter`: what one message adds · `gather`: all of them, in parallel
//! - `meant`: only some of them
//! - `table`: the counts · `text`, `json`, `chart`: what they look like
//!
//! Knows nothing of options, and prints nothing by itself.

pub mod ages;
mod chart;
mod counter;
pub mod domain;
mod gather;
mod json;
mod meant;
mod rows;
pub mod table;
mod text;

pub use chart::{Canvas, Ink, chart};
pub use counter::{By, Logs, Question};
pub use gather::{Field, Hearer, READERS_MAX, gather};
pub use json::json;
pub use meant::Meant;
pub use rows::{Choice, Limit, Names};
pub use text::{Fault, Sheet, sheet};
