//! Decodes the text of a message as its readers see it: encoded words in headers
//! (RFC 2047), and text parts in base64, quoted-printable or another charset (RFC
//! 2045, RFC 2046).
//!
//! Works line by line: memory does not depend on the size of a message, and time is
//! linear in it. What cannot be decoded is passed on as it is. Decoded text can
//! contain any character, so callers make it printable before it is shown.

mod body;
mod content;
mod encoded_words;
mod text_converter;
mod transfer;

pub use body::BodyDecoder;
pub use encoded_words::decode as decode_header;

/// Whether the text of a message is compared and shown decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextForm {
    /// Decoded.
    #[default]
    Decoded,
    /// As it is in the queue file.
    Raw,
}
