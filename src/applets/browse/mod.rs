//! browse: the mail queue on the whole terminal.
//!
//! `background` reads the queue and acts with the code of the other applets,
//! `model` keeps the messages, `app` and `commands` are the state of the
//! screen, and `views` draws it. `instance_list` is the screen before these if
//! there are several instances.

mod acts;
mod ansi_backend;
mod app;
mod arguments;
mod background;
mod commands;
mod confirm;
mod context;
mod details;
mod dialog;
mod event_loop;
mod filter;
mod instance_list;
mod keys;
mod message_state;
mod model;
mod opened;
mod overview_state;
mod prompt;
mod row_sink;
mod scrolling;
mod targets;
mod theme;
mod views;

use std::ffi::OsString;

use super::fatal::{STATUS_UNAVAILABLE, unavailable, watch_signals};
use super::instance::InstanceChoice;
use super::instances::{Asker, Instances};
use super::{Call, Fatal, instance, output};
use crate::logging::Logger;
use crate::sys::full_screen::FullScreen;
use arguments::{BrowseArguments, BrowseMode, PROGRAM, parse};
use context::ChosenInstance;
use opened::{LOG_NAME, open, show};

/// The applet's command line.
pub fn command() -> clap::Command {
    super::option_table::of_table(&arguments::options())
}

/// Runs browse.
///
/// # Errors
///
/// The command line, the terminal or main.cf is wrong, or the caller may not
/// see the queue. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut logger = instance::logger(call, PROGRAM, LOG_NAME);
    let arguments = parse(&call.arguments).map_err(|problem| {
        let hint = "spoolbox browse --help lists the options";
        unavailable(&mut logger, format!("{problem}; {hint}"))
    })?;
    match arguments.mode {
        BrowseMode::Help => return output::print(&mut logger, &arguments::help()),
        BrowseMode::Version => {
            return output::print(&mut logger, &super::front::version(PROGRAM));
        }
        BrowseMode::Browse => {}
    }
    FullScreen::check().map_err(|error| unavailable(&mut logger, error.to_string()))?;
    if arguments.instances == Instances::All {
        return instance_list::run(call, &arguments, logger);
    }
    let chosen = choose(call, &arguments, &mut logger)?;
    let opened = open(call, &chosen, &mut logger)?;
    let interrupts = watch_signals(STATUS_UNAVAILABLE, &mut logger)?;
    let context = opened.context(call, &interrupts, chosen.directory.as_deref());
    show(context, chosen.name, arguments.filter, logger).map(drop)
}

/// The instance that the command line names by its directory, by its name, or not
/// at all.
fn choose(
    call: &Call,
    arguments: &BrowseArguments,
    logger: &mut Logger,
) -> Result<ChosenInstance, Fatal> {
    let directory = arguments.config_directory.as_deref();
    let Instances::Named(name) = &arguments.instances else {
        return Ok(ChosenInstance {
            directory: directory.map(OsString::from),
            name: None,
        });
    };
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger,
        status: STATUS_UNAVAILABLE,
    };
    let found = asker.named(InstanceChoice::at(directory), name)?;
    Ok(ChosenInstance {
        directory: Some(found.directory),
        name: Some(found.name),
    })
}
