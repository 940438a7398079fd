//! What the list shows of one instance.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::report::{InstanceCounts, InstanceReport};
use crate::text::to_printable;

/// What is known of an instance.
#[derive(Clone, Debug, Default)]
pub struct InstanceRow {
    /// The directory of its main.cf.
    pub directory: OsString,
    /// Its name, once main.cf has been read.
    pub name: Option<String>,
    /// Its messages, once they have been counted.
    pub counts: Option<InstanceCounts>,
    /// Why they cannot be counted; empty if they can.
    pub problem: String,
    /// Whether another instance has the same name.
    pub is_shared: bool,
}

impl InstanceRow {
    /// The directory of main.cf as a text.
    pub fn shown_directory(&self) -> String {
        to_printable(self.directory.as_bytes())
    }

    /// The name, with the directory if others have it, or only the directory if
    /// the name is not known.
    pub fn label(&self) -> String {
        match &self.name {
            None => self.shown_directory(),
            Some(name) if self.is_shared => format!("{name} ({})", self.shown_directory()),
            Some(name) => name.clone(),
        }
    }

    /// The number of its messages; 0 if it is not known.
    pub fn messages(&self) -> u64 {
        self.counts.map_or(0, |counts| counts.messages())
    }

    /// Their bytes; 0 if they are not known.
    pub fn bytes(&self) -> u64 {
        let measured = self.counts.and_then(|counts| counts.measured);
        measured.map_or(0, |(bytes, _)| bytes)
    }

    /// The arrival of the oldest one; the end of time if it is not known.
    pub fn oldest(&self) -> i64 {
        let measured = self.counts.and_then(|counts| counts.measured);
        measured.map_or(i64::MAX, |(_, oldest)| oldest)
    }

    /// Takes what is known now.
    pub fn take(&mut self, report: InstanceReport) {
        // A main.cf that cannot be read for a moment does not take the name away.
        self.name = report.name.or(self.name.take());
        match report.counts {
            Err(problem) => {
                self.counts = None;
                self.problem = problem;
            }
            Ok(mut counts) => {
                // Counting by names leaves the other numbers as they were.
                let known = self.counts.and_then(|known| known.measured);
                counts.measured = counts.measured.or(known);
                self.counts = Some(counts);
                self.problem.clear();
            }
        }
    }
}
