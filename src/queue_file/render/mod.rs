//! Renders one queue file as postcat(1) does, record by record, or the message in
//! it as plain mail, as an mbox entry or as JSON (extensions).
//!
//! Contains the plan (parts and prefixes), the state machine for envelope, header
//! and body, and the order of output and warnings. Independent of where files come
//! from and where text goes.

mod attribute;
mod error;
mod json;
mod json_members;
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
