//! The context in which a call of postsuper works once it has the mail owner's rights, and
//! listings of its messages that do not act on any.

use std::ffi::OsStr;
use std::fs::File;
use std::time::{Duration, Instant};

use super::super::{Fatal, instance};
use super::arguments::PostsuperArguments;
use super::errors::{STATUS, fatal};
use super::options::{ALL, MATCH, STDIN};
use super::recipient_admission::{RecipientAdmission, Refusals};
use crate::actions::by_selection;
use crate::actions::executor::Executor;
use crate::actions::interrupted_change::SelectedMessages;
use crate::actions::recipient_change::RecipientRequest;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Action, Effects, Selected, WorkError};
use crate::config::Config;
use crate::listing;
use crate::listing::{Admission, Listing, ListingError, OutputOptions, Sink};
use crate::logging::Logger;
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Layout, Walk};
use crate::sys::dir::Dir;
use crate::sys::process::raise_open_files;
use crate::sys::signals::Interrupts;

/// Time limit of counting after a signal.
const COUNTING_MAX: Duration = Duration::from_secs(1);

/// Everything that an action depends on.
#[derive(Clone, Copy)]
pub struct ActionContext<'a> {
    /// The command line.
    pub arguments: &'a PostsuperArguments,
    /// The configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
    /// The layout of the queue directory.
    pub layout: &'a Layout,
    /// The selected queues, in order.
    pub selected: &'a [Selected],
    /// The signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The queue IDs for `-`, if they do not come from standard input.
    pub input: Option<&'a File>,
}

/// Why a scan ended early.
pub enum ScanEnd {
    /// The listing failed.
    Listing(ListingError),
    /// The work failed or was interrupted.
    Work(WorkError),
}

impl<'a> ActionContext<'a> {
    /// Returns the rules for reading messages.
    ///
    /// # Errors
    ///
    /// A parameter of main.cf cannot be used, which was reported.
    pub fn rules(&self, logger: &mut Logger) -> Result<Rules, Fatal> {
        Ok(Rules {
            stop: Some(self.interrupts.flag()),
            ..instance::reported_rules(self.config, logger, STATUS)?
        })
    }

    /// The change that actions on recipients make; `None` if there is none.
    pub fn recipient_request<'r>(&self, rules: &'r Rules) -> Option<RecipientRequest<'r>>
    where
        'a: 'r,
    {
        let change = self.arguments.options.recipients.as_ref()?;
        Some(RecipientRequest { change, rules })
    }

    /// The number of names to examine; `None` if it is not known in advance.
    pub fn names(&self) -> Option<u64> {
        let mut total = 0u64;
        for (action, argument) in &self.arguments.actions {
            if argument == STDIN {
                return None;
            }
            let names = if argument == ALL || argument == MATCH {
                self.names_for(*action, argument).ok()?
            } else {
                1
            };
            total = total.saturating_add(names);
        }
        Some(total)
    }

    fn names_for(&self, action: Action, argument: &OsStr) -> Result<u64, WorkError> {
        let is_match = argument == MATCH;
        let all = Selection::default();
        let options = &self.arguments.options;
        let selection = options.selection.as_ref().filter(|_| is_match);
        let one_by_one = is_match || options.one_by_one() || action.is_one_by_one();
        let mut count = 0u64;
        for queue in self.selected.iter().map(Selected::queue) {
            let queue = queue?;
            let selection = selection.unwrap_or(&all);
            if one_by_one && !(action.looks_into(queue) && selection.admits_queue(queue)) {
                continue;
            }
            let mut walk = Walk::new(self.spool, queue)?;
            while let Some(found) = walk.next_name()? {
                if self.interrupts.caught().is_some() {
                    return Err(WorkError::Interrupted);
                }
                let counts =
                    !one_by_one || selection.admits_name(queue.name().as_bytes(), found.name);
                count = count.saturating_add(counts.into());
            }
        }
        Ok(count)
    }

    /// The number of names in the queues that an action examines; `None` if
    /// counting fails or takes longer than [`COUNTING_MAX`].
    pub fn names_left(&self, action: Action) -> Option<u64> {
        let deadline = Instant::now().checked_add(COUNTING_MAX)?;
        let mut count = 0u64;
        for queue in self.selected.iter().filter_map(|s| s.queue().ok()) {
            if !action.looks_into(queue) {
                continue;
            }
            let mut walk = Walk::new(self.spool, queue).ok()?;
            while walk.next_name().ok()?.is_some() {
                count = count.saturating_add(1);
                if count.is_multiple_of(1024) && Instant::now() > deadline {
                    return None;
                }
            }
        }
        Some(count)
    }

    /// Lists the messages that an action would find and change, queue by queue.
    /// `refusals` reports those that it would find and leave as they are.
    ///
    /// # Errors
    ///
    /// The listing fails, a signal arrived, or an operand is not a queue.
    pub fn list(
        &self,
        action: Action,
        (selection, rules): (&Selection, &Rules),
        look: OutputOptions<'_>,
        sink: &mut impl Sink,
        refusals: Option<&mut Refusals<'_>>,
    ) -> Result<(), ScanEnd> {
        let matching = SelectedMessages { selection, rules };
        let admission = self.recipient_request(rules).map(|request| {
            let ops = SpoolOps::new(self.spool, self.layout, raise_open_files());
            let executor = Executor::new(ops, self.selected, Effects::default());
            let executor = executor.changing(Some(request));
            RecipientAdmission::new(executor, self.selected, action, matching, refusals)
        });
        let admission = admission.as_ref().map(|some| some as &dyn Admission);
        let interrupted = by_selection::queue_of_interrupted(self.selected, action, selection);
        let queues = by_selection::queues(self.selected, action, selection);
        for queue in queues.chain(interrupted.map(Ok)) {
            let queue = queue.map_err(ScanEnd::Work)?;
            let narrowed = by_selection::narrowed(selection, action, queue);
            let narrowed = narrowed.as_ref().unwrap_or(selection);
            let listing = Listing {
                spool: self.spool,
                layout: self.layout,
                rules,
                look,
                queues: &[queue],
                // Nothing on hold matches but what was interrupted.
                selection: (interrupted != Some(queue)).then_some(narrowed),
                admission,
                names: None,
                workers: listing::workers_for(raise_open_files(), self.config.hash_queue_depth),
            };
            let listed = listing::list_spool(&listing, sink);
            if self.interrupts.caught().is_some() {
                return Err(ScanEnd::Work(WorkError::Interrupted));
            }
            let ending = listed.map_err(ScanEnd::Listing)?;
            if ending != listing::Ending::Complete {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Ends the call. If a signal ended the scan, the exit status is the
    /// signal's.
    pub fn end(&self, ended: &ScanEnd, logger: &mut Logger) -> Fatal {
        match ended {
            ScanEnd::Work(WorkError::Interrupted) => {
                let signal = self.interrupts.caught();
                Fatal::already_reported(signal.and_then(|s| u8::try_from(s).ok()).unwrap_or(STATUS))
            }
            ScanEnd::Work(error) => {
                logger.fatal(error.message());
                Fatal::already_reported(STATUS)
            }
            ScanEnd::Listing(error) => fatal(logger, error.to_string()),
        }
    }
}
