//! Decides, beyond a selection, which messages are listed: those that an action would
//! change.

use std::fmt::Debug;

use crate::queue_file::read_error::{Location, ReadError};
use crate::spool::message::Message;

/// Whether a message matches the selection of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Decides whether messages are listed. Called by many threads.
pub trait Admission: Debug + Sync {
    /// Whether a message is listed.
    ///
    /// # Errors
    ///
    /// The message cannot be read to its end.
    fn admits(
        &self,
        message: &Message,
        at: &Location<'_>,
        matching: Matching,
    ) -> Result<bool, ReadError>;
}
