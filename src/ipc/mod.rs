//! Clients of Postfix's daemons, over the sockets below `public/`.

mod attribute_error;
mod attributes;
pub mod flush;
mod flush_conversation;
mod flush_protocol;
pub mod showq;

pub use attribute_error::AttributeError;
pub use attributes::Buffered;
