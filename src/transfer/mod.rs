//! Moving messages between hosts and instances: archives of queue files, and
//! their way out of one queue and into another.
//!
//! An archive is a tar file that begins with a description of its source
//! ([`mod@format`]). [`Export`] writes one. [`Import`] reads it into a private
//! directory below `saved/`, where nothing in Postfix looks, and moves the
//! messages into the queues only when all of it has been read and checked.

pub mod archive_reader;
mod archive_writer;
mod checksum;
mod description;
mod error;
mod export;
mod export_context;
pub mod format;
mod held;
mod import;
mod import_context;
mod import_index;
mod known_messages;
mod ordered;
mod publication;
mod staged_files;
mod staging;
mod staging_area;

pub use error::TransferError;
pub use export::{Export, ExportReport};
pub use export_context::{ExportContext, ExportMode, ExportObserver, MailSystemState};
pub use held::HeldMessages;
pub use import::{Import, ImportReport};
pub use import_context::{ImportContext, ImportObserver};
pub use import_index::Destination;
pub use staging_area::{Purpose, StagingArea};
