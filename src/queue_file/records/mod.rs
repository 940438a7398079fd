//! Reads and writes the records of a queue file. Observed with Postfix 3.7.11.
//!
//! Works on bytes and offsets; independent of queues, logs and output.

mod cooked;
mod error;
pub mod header;
mod pointer;
mod reader;
mod record;
mod stream;
mod window;
pub mod writer;

pub use error::RecordError;
pub use reader::{RecordReader, TEXT_MAX};
pub use record::{Record, RecordType};
pub use stream::StreamSource;
pub use window::Buffers;
