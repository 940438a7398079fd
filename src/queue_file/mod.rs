//! Queue files: their records, their envelope and message, and how postcat renders
//! them.
//!
//! Returns values and typed errors; which files to read is up to the caller.

pub mod candidate;
pub mod duplicate_filter;
pub mod envelope;
mod envelope_records;
pub mod integrity;
mod log_directory;
mod log_reader;
pub mod message_reader;
pub mod message_text;
pub mod message_visitor;
pub mod mime;
pub mod read_error;
pub mod recipient_state;
pub mod recipients;
pub mod records;
pub mod render;
pub mod shown_address;
pub mod submission;
