//! The messages of a batch to which --undo is limited: the queue IDs that are
//! operands or on standard input, or a selection.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::arguments::PostsuperArguments;
use super::options::STDIN;
use crate::actions::WorkError;
use crate::actions::id_reader;
use crate::actions::id_reader::{IdConsumer, IdRequest};
use crate::actions::interrupted_change::SelectedMessages;
use crate::journal::{IdSet, Only};
use crate::queue_file::message_visitor::Rules;
use crate::spool::QueueId;
use crate::sys::signals::Interrupts;

/// Returns the queue IDs to which an undo is limited; `None` if it is not
/// limited by ID.
///
/// # Errors
///
/// Standard input cannot be read or has too many IDs, or a signal was caught.
pub fn ids(
    arguments: &PostsuperArguments,
    interrupts: &Interrupts,
) -> Result<Option<IdSet>, WorkError> {
    if !arguments.journal.undoes() || arguments.operands.is_empty() {
        return Ok(None);
    }
    let mut collector = IdCollector(IdSet::default());
    for operand in &arguments.operands {
        if operand == STDIN {
            let input = standard_input()?;
            let separated = (&input, arguments.options.separator);
            id_reader::read_ids(separated, interrupts, &mut collector)?;
        } else if let Some(id) = QueueId::parse(operand.as_bytes()) {
            collector.add(&id)?;
        }
    }
    Ok(Some(collector.0))
}

/// Returns the messages to which an undo is limited.
pub fn only<'a>(
    arguments: &'a PostsuperArguments,
    rules: Option<&'a Rules>,
    ids: &'a Option<IdSet>,
) -> Only<'a> {
    match (ids, &arguments.options.selection, rules) {
        (Some(ids), _, _) => Only::Ids(ids),
        (None, Some(selection), Some(rules)) => {
            Only::Matching(SelectedMessages { selection, rules })
        }
        _ => Only::Everything,
    }
}

/// Standard input without a buffer, so that IDs are acted on as soon as they
/// arrive.
///
/// # Errors
///
/// Standard input is closed, or no descriptor is available.
pub fn standard_input() -> Result<File, WorkError> {
    let input = std::io::stdin();
    let copy = input.as_fd().try_clone_to_owned();
    copy.map(File::from).map_err(WorkError::Input)
}

/// Collects queue IDs.
struct IdCollector(IdSet);

impl IdCollector {
    fn add(&mut self, id: &QueueId) -> Result<(), WorkError> {
        if self.0.add(id) {
            Ok(())
        } else {
            Err(WorkError::TooManyIds(IdSet::MAX))
        }
    }
}

impl IdConsumer for IdCollector {
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError> {
        match asked {
            IdRequest::Id(id) => self.add(&id),
            // Such a line names no message of the batch.
            IdRequest::NoId(_) | IdRequest::CutAtNul(_) => Ok(()),
        }
    }

    fn pause(&mut self) -> Result<(), WorkError> {
        Ok(())
    }
}
