//! The screen of an instance that is opened from the list: a copy of this process
//! shows it, with the rights of that instance, and has the terminal until its end.

use std::io;
use std::io::{PipeWriter, Read, Write};
use std::os::fd::AsFd;

use nix::sys::signal::Signal;

use super::super::super::fatal::unavailable;
use super::super::super::{Call, Fatal, instance};
use super::super::arguments::PROGRAM;
use super::super::background::problem;
use super::super::context::ChosenInstance;
use super::super::filter::ListFilter;
use super::super::opened::{LOG_NAME, ScreenEnd, open, show};
use super::instance_row::InstanceRow;
use crate::logging::Logger;
use crate::sys::child;
use crate::sys::error_text::error_text;
use crate::sys::full_screen::FullScreen;
use crate::sys::signals::Interrupts;

/// The first byte of what the copy writes at its end: the user goes back to the
/// list, or ends the program; any other one is the first of a problem's text.
const BACK: u8 = b'\n';
const QUIT: u8 = b'\x04';
/// The longest text of a problem.
const PROBLEM_MAX: u64 = 64 * 1024;

/// What screens of instances need.
#[derive(Clone, Copy, Debug)]
pub struct InstanceScreens<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The messages to list first.
    pub filter: &'a ListFilter,
    /// The signals that end the program.
    pub interrupts: &'a Interrupts,
    /// The terminal.
    pub screen: &'a FullScreen,
}

impl InstanceScreens<'_> {
    /// Shows an instance until the user leaves it. Returns a problem for the list
    /// if it cannot be shown.
    ///
    /// Keys that were typed before its screen is there are discarded, and so are
    /// those typed before the list is there again: they were typed for another
    /// screen, and must not begin an act on messages that nobody has seen.
    ///
    /// # Errors
    ///
    /// The terminal cannot be used.
    pub fn open(self, row: &InstanceRow) -> io::Result<Result<ScreenEnd, String>> {
        let label = row.label();
        let chosen = ChosenInstance {
            directory: Some(row.directory.clone()),
            name: Some(label.clone()),
        };
        self.screen.discard_keys()?;
        let ended = self.screen.lend(|| self.show_in_copy(chosen))?;
        self.screen.discard_keys()?;
        Ok(ended
            .unwrap_or_else(|error| Err(error_text(&error)))
            .map_err(|problem| format!("{label}: {problem}")))
    }

    fn show_in_copy(self, chosen: ChosenInstance) -> io::Result<Result<ScreenEnd, String>> {
        let (mut reader, mut writer) = io::pipe()?;
        let parent = std::process::id();
        let child = child::start(move || {
            let mut logger = instance::logger(self.call, PROGRAM, LOG_NAME);
            logger.keep();
            match self.work(chosen, parent, logger, &mut writer) {
                Ok(()) => 0,
                Err(fatal) => fatal.status(),
            }
        })?;
        child.wait_on_terminal(reader.as_fd(), self.interrupts)?;
        let mut text = Vec::new();
        reader.by_ref().take(PROBLEM_MAX).read_to_end(&mut text)?;
        Ok(match text.first() {
            Some(&BACK) => Ok(ScreenEnd::Back),
            Some(&QUIT) => Ok(ScreenEnd::Quit),
            Some(_) => Err(String::from_utf8_lossy(&text).into_owned()),
            None => Err("its screen has ended early".to_owned()),
        })
    }

    /// What the copy does.
    fn work(
        self,
        chosen: ChosenInstance,
        parent: u32,
        mut logger: Logger,
        writer: &mut PipeWriter,
    ) -> Result<(), Fatal> {
        let opened = open(self.call, &chosen, &mut logger).and_then(|opened| {
            let bound = child::end_with(parent, Signal::SIGTERM);
            bound.map_err(|error| unavailable(&mut logger, error_text(&error)))?;
            Ok(opened)
        });
        let opened = opened.inspect_err(|_| {
            // Without it, the list shows that the screen has ended early.
            let _ = writer.write_all(problem(&mut logger).as_bytes());
        })?;
        let directory = chosen.directory.as_deref();
        let context = opened.context(self.call, self.interrupts, directory);
        let end = show(context, chosen.name, self.filter.clone(), logger)?;
        let end = match end {
            ScreenEnd::Back => BACK,
            ScreenEnd::Quit => QUIT,
        };
        let _ = writer.write_all(&[end]);
        Ok(())
    }
}
