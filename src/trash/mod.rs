//! The trash: deleted messages are kept in saved/ until they are restored or
//! purged.
//!
//! A message `ID` is at its place in saved/, Postfix's own directory, where
//! `postcat -q ID` finds it, together with its logs as `ID.defer`, `ID.bounce`
//! and `ID.trace`, which are no queue IDs. All of it moves by rename, the logs
//! first, never onto anything. Before a message moves, a line in
//! `saved/journal.spoolbox` is on the disk (`records`, `journal_file`), and
//! another if it has gone on to another queue by then. A kill at any moment
//! leaves a batch that `restore` restores and `purge` removes: both check what
//! is really in the spool and treat the journal as a hint.
//!
//! Owns how messages get in here and out again. The applets decide who may do
//! it.

mod batches;
mod compact;
mod error;
mod journal_file;
mod locate;
mod logs;
mod purge;
pub mod records;
mod restore;
mod store;

pub use batches::{BatchSummary, list};
pub use purge::purge;
pub use records::{Caller, Word};
pub use restore::undo;
pub use store::Trash;
