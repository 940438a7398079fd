//! The trash: deleted messages are kept in saved/ until they are restored or
//! purged.
//!
//! A message `ID` is at its place in saved/, where `postcat -q ID` finds it,
//! with its logs as `ID.defer`, `ID.bounce` and `ID.trace`. All of it moves by
//! rename, never onto anything, after a line about it is on the disk in
//! `saved/journal.spoolbox`. A kill at any moment leaves a batch that `restore`
//! restores and `purge` removes: both check what is really in the spool.

mod batches;
mod compact;
mod error;
mod journal_file;
mod locate;
mod logs;
mod purge;
mod record_fields;
pub mod records;
mod restore;
mod store;

pub use batches::{BatchSummary, list};
pub use purge::purge;
pub use records::{Caller, Word};
pub use restore::undo;
pub use store::Trash;
