//! The spool into which messages are imported, and what is reported meanwhile.

use super::import_index::Destination;
use crate::actions::spool_ops::SpoolOps;
use crate::spool::Layout;
use crate::spool::id::IdStyle;
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;

/// The spool into which messages are imported.
#[derive(Clone, Copy, Debug)]
pub struct ImportContext<'a> {
    /// The queue directory, open.
    pub spool: &'a Dir,
    /// Its path, to recognize archives of this instance.
    pub queue_directory: &'a str,
    /// The name of the host, likewise.
    pub host: &'a str,
    /// Which queues are hashed, and how deep.
    pub layout: &'a Layout,
    /// The kind of queue IDs that the instance generates.
    pub style: IdStyle,
    /// The queue that messages are moved to.
    pub destination: Destination,
    /// The signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The number of files that the process may still open.
    pub open_files: u64,
}

impl<'a> ImportContext<'a> {
    /// Creates operations on the spool.
    pub fn ops(&self) -> SpoolOps<'a> {
        SpoolOps::new(self.spool, self.layout, self.open_files)
    }
}

/// Receives messages about an import while it goes on.
pub trait ImportObserver {
    /// A message was imported.
    fn info(&mut self, text: String);
    /// Something unexpected happened.
    fn warning(&mut self, text: String);
}
