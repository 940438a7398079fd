//! Reads and writes the records of a queue file. Observed with Postfix 3.7.11.
//!
//! Works on bytes and offsets; independent of queues, logs and output.

mod error;
pub mod header;
mod pointer;
mod reader;
mod stream;
mod types;
mod window;
pub mod writer;

pub use error::RecordError;
pub use reader::{Record, RecordReader, TEXT_MAX};

pub use stream::StreamSource;
pub use types::RecordType;
pub use window::Buffers;
