//! What postcat(1) shows of one queue file, record by record; and the message
//! in it as mail, mbox entry or JSON (extensions).
//!
//! Owns the plan (which parts, which prefixes), the state machine that walks
//! envelope, header and body, and the order of output and warnings.
//! Independent of where files come from and where text goes.

mod attribute;
mod error;
mod json;
mod output;
mod plan;
mod print;
mod raw_message;
mod segments;
mod show;
mod sizes;

pub use error::ContentsError;
pub use json::json;
pub use output::{OutputSink, TextBuffer};
pub use plan::{Flag, Plan};
pub use raw_message::{RawFormat, raw_message};
pub use show::{StartPosition, show};
