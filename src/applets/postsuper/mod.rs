//! postsuper: deletes, holds, releases, requeues and expires messages, and
//! repairs the queues.
//!
//! `command_line` parses the command line, `admission` checks the caller, `operation`
//! carries out the actions, and `journal` handles the options of the journal and the
//! trash.

mod admission;
mod arguments;
pub mod command_line;
mod confirm;
mod context;
mod corrupt;
mod delivery;
mod dry_run;
mod errors;
mod final_report;
#[cfg(feature = "browse")]
mod for_applets;
mod forecast;
mod instance_limit;
mod instance_work;
mod instances;
mod journal;
mod journal_list;
mod old_order;
mod operation;
mod options;
mod recipient_admission;
mod recipient_options;
mod reporter;
mod spread;
mod table;
mod undone;

use clap::{Arg, Command};

use super::{Call, Fatal, instance, option_table, output};
use crate::spool::Queue;

use admission::{Admitted, parse_and_admit};
#[cfg(feature = "browse")]
pub use for_applets::{PreparedInstance, may_act, perform, take_rights};
use instance_work::work;

/// The applet's command line.
pub fn command() -> Command {
    let queues = Arg::new("queue").num_args(0..);
    let ids = [options::ALL, options::MATCH, options::STDIN];
    option_table::of_table(&table::options())
        .mut_args(|argument| match argument.get_value_names() {
            Some([name]) if *name == "ID" => option_table::among(argument, ids),
            _ => argument,
        })
        .arg(option_table::among(
            queues,
            Queue::REPAIRED.map(Queue::name),
        ))
}

/// Runs postsuper.
///
/// # Errors
///
/// The command line or main.cf is wrong, the caller is not root, or the work
/// cannot be done. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut logger = instance::logger(call, &program, &program);
    let arguments = match parse_and_admit(call, &program, &mut logger)? {
        Admitted::Explanation(text) => return output::print(&mut logger, &text),
        Admitted::Work(arguments) => arguments,
    };
    instances::run(call, arguments, &mut logger, work)
}
