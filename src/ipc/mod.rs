//! Talking to Postfix's daemons through the sockets below `public/`.

mod attributes;
pub mod flush;
pub mod showq;

pub use attributes::{AttributeError, Buffered};
