//! Who receives a listing, wherever it comes from.

use super::ListingError;
use super::partial::PartialResult;
use super::piece::Ending;
use super::totals::Totals;

/// Receives a listing, in order.
pub trait Sink {
    /// Formatted messages, not always whole ones.
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError>;
    /// The totals of messages whose pieces came before.
    fn totals(&mut self, totals: Totals);
    /// What is to be written later, if at all.
    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError>;
    /// Something for the mail log.
    fn warning(&mut self, text: &[u8]);
}
