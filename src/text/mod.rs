//! Bytes from strangers made fit to show: printable text, quoted addresses,
//! folded reasons, numbers as Perl has them.
//!
//! Knows neither where text comes from nor where it goes.

use std::io;
use std::io::Write;

mod address;
pub mod fold;
pub mod numbers;
mod printable;

pub use address::quote;
pub use printable::{Charset, make_printable, to_printable, without_controls};

/// Bytes of one text that are kept where many threads read at once: all that is
/// compared, counted or sorted. SMTP allows addresses of 254 bytes (RFC 5321).
pub const SHORT_TEXT_MAX: usize = 32 * 1024;

/// Writes `count` blanks. The formatter panics at widths above 65,535.
///
/// # Errors
///
/// Those of `out`.
pub fn blanks(count: usize, out: &mut impl Write) -> io::Result<()> {
    const BLANKS: [u8; 256] = [b' '; 256];
    let mut left = count;
    while left > 0 {
        let piece = BLANKS.get(..left).unwrap_or(&BLANKS);
        out.write_all(piece)?;
        left = left.saturating_sub(piece.len());
    }
    Ok(())
}

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
