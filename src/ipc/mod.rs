//! Clients of Postfix's daemons, over the sockets below `public/`.

mod attributes;
pub mod flush;
pub mod showq;

pub use attributes::{AttributeError, Buffered};
