//! The trash: deleted messages are kept in saved/ until they are restored or
//! purged.
//!
//! A message `ID` is stored in saved/ at the path where `postcat -q ID` finds
//! it, with its logs beside it as `ID.defer`, `ID.bounce` and `ID.trace`.
//! Everything is moved by rename, never replacing a file, after a record about
//! it has been synced to `saved/journal.spoolbox`. If the process is killed at
//! any moment, the batch it leaves can be restored by `restore` and removed by
//! `purge`, because both check which files are really in the spool.

mod batches;
mod compact;
mod error;
mod journal_file;
mod journal_lines;
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
