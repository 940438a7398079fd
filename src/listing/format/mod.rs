//! One file per output format of a listing.

pub mod counts;
pub mod detail;
pub mod json;
mod json_writer;
pub mod lines;
pub mod template;
pub mod text;
