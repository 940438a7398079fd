//! The work of postsuper for another applet, which has read main.cf, opened the
//! queue directory and confirmed the action.

use std::fs::File;

use super::super::mail_owner::{drop_rights_but_log, is_admitted};
use super::super::{Call, Fatal};
use super::admission::complain;
use super::command_line::scan;
use super::context::ActionContext;
use super::errors::fatal;
use super::instance_work::{operate, set_lifetimes};
use crate::config::Config;
use crate::logging::Logger;
use crate::spool::Layout;
use crate::sys::dir::Dir;
use crate::sys::process::Trust;
use crate::sys::signals::Interrupts;

/// The values that another applet provides for a command line of postsuper.
#[derive(Clone, Copy, Debug)]
pub struct PreparedInstance<'a> {
    /// The instance's configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
    /// The signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The queue IDs for `-`.
    pub input: Option<&'a File>,
}

/// Carries out the actions of a command line for another applet, which has the
/// mail owner's rights from [`take_rights`].
///
/// # Errors
///
/// The command line is wrong, or the work cannot be finished. Both were
/// reported.
pub fn perform(call: &Call, place: PreparedInstance<'_>, logger: &mut Logger) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut arguments = scan(call).map_err(|misuse| complain(misuse, call, &program, logger))?;
    if let Some(wrong) = &arguments.wrong {
        return Err(fatal(logger, wrong));
    }
    let config = place.config;
    set_lifetimes(&mut arguments, config, logger)?;
    let layout = Layout::of(config);
    let selected = arguments.selected();
    let context = ActionContext {
        arguments: &arguments,
        config,
        spool: place.spool,
        layout: &layout,
        selected: &selected,
        interrupts: place.interrupts,
        input: place.input,
    };
    operate(context, call, logger)
}

/// Whether the caller may act on messages of the instance whose queue directory
/// is the current directory: root, and the mail owner.
pub fn may_act(call: &Call, config: &Config) -> bool {
    call.caller.trust == Trust::OwnRights && is_admitted(call, config)
}

/// Becomes the mail owner for the rest of the process, keeping the log file.
///
/// # Errors
///
/// The rights cannot be changed, which was reported.
pub fn take_rights(call: &Call, config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    drop_rights_but_log(call, config, logger)
}
