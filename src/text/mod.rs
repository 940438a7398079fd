//! Bytes from strangers made fit to show: printable text, quoted addresses.
//!
//! Knows neither where text comes from nor where it goes.

mod address;
mod printable;

pub use address::quote;
pub use printable::{Charset, make_printable};
