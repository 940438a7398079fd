//! Finds the staged messages that an earlier import brought, or that an archive
//! has twice, and removes them.
//!
//! Needs 16 bytes of memory for each staged message, however many messages were
//! imported before.

use std::ffi::OsStr;
use std::fs::File;

use super::TransferError;
use super::import_index::{ImportSource, ImportedMessage, IndexReader, message_at};
use super::staged_files::{remove, staged_name, write_error};
use super::staging_area::INDEX;
use crate::sys::dir::Dir;

/// The staged messages, to find those among them that are known already.
pub struct KnownMessages<'a> {
    dir: &'a Dir,
    index: File,
    /// The keys and offsets, sorted.
    keys: Vec<(u64, u64)>,
    removed: u64,
}

impl<'a> KnownMessages<'a> {
    /// The messages staged in `dir`: the key of each, and the offset of its line
    /// in the index.
    ///
    /// # Errors
    ///
    /// The index cannot be opened.
    pub fn new(dir: &'a Dir, mut keys: Vec<(u64, u64)>) -> Result<Self, TransferError> {
        keys.sort_unstable();
        let index = dir.open_file(OsStr::new(INDEX)).map_err(write_error)?;
        Ok(Self {
            dir,
            index,
            keys,
            removed: 0,
        })
    }

    /// Returns the number of messages that were removed.
    pub fn removed(&self) -> u64 {
        self.removed
    }

    /// Removes all but the first of those that are staged more than once.
    ///
    /// # Errors
    ///
    /// The index cannot be read, or a file cannot be removed.
    pub fn remove_doubles(&mut self) -> Result<(), TransferError> {
        let mut first = 0;
        for at in 1..self.keys.len() {
            let (Some(one), Some(other)) = (self.keys.get(first), self.keys.get(at)) else {
                break;
            };
            if one.0 != other.0 {
                first = at;
                continue;
            }
            let (one, other) = (self.message(one.1)?, self.message(other.1)?);
            if one.is_same_as(&other) {
                self.remove(&other)?;
            }
        }
        Ok(())
    }

    /// Removes the messages that are listed in the index of an earlier import.
    ///
    /// # Errors
    ///
    /// An index cannot be read, or a file cannot be removed.
    pub fn remove_those_in(
        &mut self,
        file: File,
        path: &str,
        source: &ImportSource,
    ) -> Result<(), TransferError> {
        let mut earlier = IndexReader::new(file, path)?;
        let from = earlier.source();
        if (&from.host, &from.queue_directory) != (&source.host, &source.queue_directory) {
            return Ok(());
        }
        while let Some(message) = earlier.next_message()? {
            let key = message.key(source);
            let mut at = self.keys.partition_point(|(other, _)| *other < key);
            while let Some((_, offset)) = self.keys.get(at).filter(|(other, _)| *other == key) {
                let staged = self.message(*offset)?;
                if staged.is_same_as(&message) {
                    self.remove(&staged)?;
                }
                at = at.saturating_add(1);
            }
        }
        Ok(())
    }

    fn message(&self, offset: u64) -> Result<ImportedMessage, TransferError> {
        message_at(&self.index, offset).map_err(write_error)
    }

    /// Removes a staged message unless that has been done.
    fn remove(&mut self, message: &ImportedMessage) -> Result<(), TransferError> {
        let name = staged_name(message.number, None);
        if self.dir.stat(OsStr::new(&name)).is_ok() {
            remove(self.dir, message.number)?;
            self.removed = self.removed.saturating_add(1);
        }
        Ok(())
    }
}
