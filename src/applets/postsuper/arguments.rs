//! The request that a command line of postsuper makes. `command_line` parses it.

use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::super::instances::Instances;
use super::journal;
use super::journal::Task;
use super::options::{ALL, ActionOptions, MATCH, OtherWork};
use crate::actions::repair_rules::{Purge, Structure};
use crate::actions::{Action, Selected};
use crate::release::Release;
use crate::selection::Selection;
use crate::spool::Queue;

/// The requested operation: work or an explanation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PostsuperMode {
    /// Queues are repaired or messages are acted on.
    #[default]
    Work,
    /// The help is printed: `--help`.
    Help,
    /// The version is printed: `--version`.
    Version,
}

/// Whether qmgr and pickup are woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// They are never woken.
    #[default]
    No,
    /// They are woken after a message was moved.
    WhenMoved,
}

/// A parsed command line.
#[derive(Debug, Default)]
pub struct PostsuperArguments {
    pub(super) mode: PostsuperMode,
    pub(super) config_directory: Option<OsString>,
    pub(super) instances: Instances,
    /// The process that started this one for one of several instances.
    pub(super) parent: Option<u32>,
    /// The number of messages acted on, or listed by a dry run, if --limit is given.
    pub(super) acted: Cell<u64>,
    /// The name of the instance, for the output, if an option chose it.
    pub(super) instance: Option<String>,
    pub(super) actions: Vec<(Action, OsString)>,
    pub(super) purge: Purge,
    pub(super) structure: Structure,
    pub(super) notify: Notify,
    pub(super) options: ActionOptions,
    /// The first error in the options for actions.
    pub(super) wrong: Option<String>,
    pub(super) journal: journal::Options,
    /// The request to the journal; `None` if there is none.
    pub(super) task: Option<Task>,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
    pub(super) operands: Vec<OsString>,
}

impl PostsuperArguments {
    /// Whether the queues are scanned and repaired.
    pub fn repairs(&self) -> bool {
        self.purge != Purge::No || self.structure != Structure::Leave
    }

    /// Returns the queues that the operands name, or the default queues if there
    /// are no operands. If the selection names the queue corrupt, that is one of
    /// them. After --undo, operands are queue IDs.
    pub fn selected(&self) -> Vec<Selected> {
        let selection = self.options.selection.as_ref();
        match &self.operands[..] {
            some @ [_, ..] if self.task.is_none() => some
                .iter()
                .map(|operand| Selected::parse(operand.as_bytes()))
                .collect(),
            _ if selection.is_some_and(Selection::names_corrupt) => {
                let searched = Selection::searched(selection).into_iter();
                searched.map(Selected::Queue).collect()
            }
            _ => Queue::REPAIRED.map(Selected::Queue).to_vec(),
        }
    }

    /// The requested work other than actions.
    pub(super) fn other_work(&self) -> OtherWork {
        if self.repairs() {
            OtherWork::Repairs
        } else if self.journal.undoes() {
            OtherWork::Undo
        } else if self.journal.lists() {
            OtherWork::JournalList
        } else {
            OtherWork::None
        }
    }

    /// Whether an option that Postfix does not have is given.
    pub fn is_extended(&self) -> bool {
        let records = self.journal.records();
        let notifies = self.notify == Notify::WhenMoved;
        self.options.is_extended || records || notifies || self.task.is_some()
    }

    /// Whether delivery is requested for each moved message separately, so that
    /// `--rate` limits the deliveries too.
    pub fn delivers_each(&self) -> bool {
        self.notify == Notify::WhenMoved && self.options.interval.is_some()
    }

    /// Whether messages are named by queue ID. Such an ID may be wrong once
    /// files have been renamed.
    pub fn names_messages(&self) -> bool {
        let by_id = |argument: &OsString| argument != ALL && argument != MATCH;
        self.actions.iter().any(|(_, argument)| by_id(argument))
    }
}
