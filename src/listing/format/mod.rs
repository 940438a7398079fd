//! The output formats of a listing, one module for each.

pub mod column;
pub mod counts;
pub mod detail;
pub mod json;
mod json_writer;
pub mod lines;
pub mod template;
pub mod text;
