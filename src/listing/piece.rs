//! Output comes in pieces: how large they are, and how a listing ends.

/// Bytes of output after which a piece is handed out.
pub const PIECE_SIZE: usize = 64 * 1024;

/// How a listing that nothing else went wrong with ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All was written.
    Complete,
    /// The reader has gone (`mailq | head`): no error, and nothing more to do.
    ReaderGone,
    /// As many messages as were wanted are written.
    Enough,
}
