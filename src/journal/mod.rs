//! The journal: acts on messages are recorded before they are performed, and
//! can be undone. Deleted messages are kept in the trash, which is saved/.
//!
//! # How an act is recorded
//!
//! A call begins a batch with [`Recorder::begin`]. Before an act, the action
//! calls [`ActJournal::announce`](crate::actions::ActJournal::announce) with the
//! queue ID, the queue, the lstat(2) result and an
//! [`Act`](crate::actions::Act), and holds the result until the act is done;
//! afterwards it calls `acted`. The records are on disk by then. Undo and purge
//! wait for the lock that the announcement holds.
//!
//! A record has the state of the message before the act (`recorded_message`),
//! and what else undoing it requires: the offsets of records that are changed,
//! the queue to which a message is released, the size of its bounce log. An act
//! with many offsets is divided into several records (`act_fields`).
//!
//! # How an act is undone
//!
//! `undo` reads the records of a batch in reverse (`batch_index`). `restore`
//! undoes deletions, `revert` all other acts (those on recipients with `recipients`): `Reverter::decide` compares what
//! is really in the spool with the record, and returns what is left to do, so
//! that an act that was never performed, or was undone already, is left alone.
//! A message is recognized by its queue ID and inode number (`locate`).
//! To add an act: a variant of `Act`, its words in `act_fields`, its decision
//! in `revert`.
//!
//! # The trash
//!
//! A message `ID` is stored in saved/ at the path where `postcat -q ID` finds
//! it, with its logs beside it as `ID.defer`, `ID.bounce` and `ID.trace`.
//! Everything is moved by rename, never replacing a file, after a record about
//! it has been synced to `saved/journal.spoolbox`. If the process is killed at
//! any moment, the batch it leaves can be undone by `undo` and removed by
//! `purge`, because both check which files are really in the spool.

mod act_fields;
mod acts_in_progress;
mod batch_index;
mod batches;
mod closing;
mod compact;
mod error;
pub mod event;
mod journal_file;
mod journal_lines;
mod list;
mod locate;
mod locked_journal;
mod logs;
mod moves;
mod only;
mod purge;
mod recipients;
mod record_fields;
mod recorded_message;
mod recorder;
pub mod records;
mod restore;
mod revert;
mod undo;

pub use list::{BatchSummary, RecordedAct, list, show};
pub use only::{IdSet, Only};
pub use purge::purge;
pub use recorder::{BatchStart, Recorder};
pub use records::{Caller, Word};
pub use undo::{UndoRequest, undo};
