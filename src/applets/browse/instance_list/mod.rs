//! `browse --all-instances`: the list of the instances, from which one is opened.
//!
//! Rights, queue directory and time zone belong to a process, so the screen of an
//! instance is that of a forked copy of this one, which has the terminal until the
//! user goes back. The counts come from such copies, too. This process keeps its
//! rights, has one thread, and reads no queue.

mod counting;
mod instance_row;
mod list_keys;
mod list_loop;
mod list_view;
mod passes;
mod report;
mod screens;
mod state;

use super::super::fatal::{STATUS_UNAVAILABLE, unavailable, watch_signals};
use super::super::instance::InstanceChoice;
use super::super::{Call, Fatal, instance, instances};
use super::arguments::{BrowseArguments, PROGRAM};
use super::opened::{end, prepare_process};
use super::theme::Theme;
use crate::logging::Logger;
use crate::sys::full_screen::FullScreen;
use screens::InstanceScreens;
use state::InstanceList;

/// Lists the instances until the user or a signal ends it.
///
/// # Errors
///
/// The first main.cf or the terminal cannot be used, which was reported, or a
/// signal ended it.
pub fn run(call: &Call, arguments: &BrowseArguments, mut logger: Logger) -> Result<(), Fatal> {
    let choice = InstanceChoice::at(arguments.config_directory.as_deref());
    let config = instance::configure(call, choice, PROGRAM, &mut logger, STATUS_UNAVAILABLE)?;
    let mut list = InstanceList::new(instances::directories(&config), Theme::of_environment());
    let interrupts = watch_signals(STATUS_UNAVAILABLE, &mut logger)?;
    prepare_process();
    let screen = FullScreen::begin();
    let screen = screen.map_err(|error| unavailable(&mut logger, error.to_string()))?;
    let screens = InstanceScreens {
        call,
        filter: &arguments.filter,
        interrupts: &interrupts,
        screen: &screen,
    };
    let ended = list_loop::run(&mut list, screens);
    drop(screen);
    end(ended, &interrupts)
}
