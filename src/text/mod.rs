//! Bytes from strangers made fit to show: printable text, quoted addresses,
//! folded reasons, numbers as Perl has them.
//!
//! Knows neither where text comes from nor where it goes.

mod address;
pub mod fold;
pub mod perl;
mod printable;

pub use address::quote;
pub use printable::{Charset, make_printable, shown, without_controls};

/// At most the first hundred bytes of `text`: what warnings show of it.
pub fn first_hundred(text: &[u8]) -> &[u8] {
    text.get(..100).unwrap_or(text)
}

/// `text` without the white space of the C locale at its front.
pub fn trim_space_start(text: &[u8]) -> &[u8] {
    let space = text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'..=b'\r'));
    text.get(space.count()..).unwrap_or_default()
}
