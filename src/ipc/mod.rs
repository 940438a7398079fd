//! Talking to Postfix's daemons through the sockets below `public/`.

mod attributes;
pub mod showq;

pub use attributes::{AttributeError, AttributeReader, Buffered, Part};
