//! Text from untrusted sources and its conversions: printable text, quoted
//! addresses, folded reasons, and white space and numbers as C and Perl parse
//! them.
//!
//! Independent of the source and destination of text.

use std::fmt;
use std::io;
use std::io::Write;

mod address;
mod c_numbers;
pub mod columns;
pub mod fold;
mod json;
pub mod numbers;
mod printable;
mod space;

pub use address::quote_address;
pub use c_numbers::{
    digits, leading_number, number_or_zero, saturating_digits, whole_number, whole_unsigned,
};
pub use json::{append_json_line, append_json_members, write_json};
pub use printable::{Charset, is_obeyed, make_printable, to_printable};
pub use space::{is_space, split_assignment, trim_space, trim_space_end, trim_space_start};

/// The number of bytes of a text that are kept where many threads read at once,
/// for comparing, counting and sorting. SMTP allows addresses of 254 bytes (RFC
/// 5321).
pub const SHORT_TEXT_MAX: usize = 32 * 1024;

/// Writes `count` blanks. The standard formatter panics at widths above 65,535.
///
/// # Errors
///
/// Errors in writing to `out`.
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

/// Returns at most the first hundred bytes of `text`, for warnings.
pub fn first_hundred(text: &[u8]) -> &[u8] {
    text.get(..100).unwrap_or(text)
}

/// Appends formatted text. Writing to memory cannot fail.
pub fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
