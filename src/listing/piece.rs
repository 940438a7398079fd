//! The size of the pieces in which output is written, and how a listing ends.

/// Bytes of output after which a piece is passed on.
pub const PIECE_SIZE: usize = 64 * 1024;

/// How a listing without an error ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All messages were written.
    Complete,
    /// The reader closed the pipe (`mailq | head`). This is not an error.
    ReaderGone,
    /// The requested number of messages was written.
    Enough,
}
