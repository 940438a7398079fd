//! The trait that receives a listing, from the spool or from a daemon.

use super::ListingError;
use super::partial::PartialResult;
use super::piece::Ending;
use super::totals::Totals;

/// Receives a listing in order.
pub trait Sink {
    /// Receives formatted messages; a piece can begin and end inside a message.
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError>;
    /// Receives the totals of messages whose pieces came before.
    fn totals(&mut self, totals: Totals);
    /// Receives output that is collected and written at the end of the listing.
    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError>;
    /// Receives a warning for the mail log.
    fn warning(&mut self, text: &[u8]);
}
