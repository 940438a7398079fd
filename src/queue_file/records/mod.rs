//! Queue file records: what a queue file is made of (spec page 04).
//!
//! Knows bytes and offsets, not queues, logs or output.

mod error;
pub mod header;
mod pointer;
mod reader;
mod stream;
mod types;
pub mod writer;

pub use error::RecordError;
pub use reader::{Buffers, Record, RecordReader, TEXT_MAX};

pub use stream::StreamSource;
pub use types::RecordType;
