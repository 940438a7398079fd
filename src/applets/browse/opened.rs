//! The screen of one instance: its configuration is read, its queue directory is
//! entered, rights are dropped, and its messages are shown until the user leaves.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{AccessFlags, access};

use super::super::authorization::AccessRequest;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::super::{Call, Fatal, authorization, instance, postsuper};
use super::app::App;
use super::arguments::PROGRAM;
use super::background::Background;
use super::context::{BrowseContext, ChosenInstance, Route};
use super::event_loop;
use super::filter::ListFilter;
use super::theme::Theme;
use crate::config::{Config, Unlisted};
use crate::logging::Logger;
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::full_screen::FullScreen;
use crate::sys::memory;
use crate::sys::signals::Interrupts;
use crate::sys::time;

/// The name in the mail log: that of the tool whose acts are carried out.
pub const LOG_NAME: &str = "postsuper";
/// The tool that may reach the daemon where the caller may not.
const LISTER: &str = "postqueue";

/// An instance whose queue directory is the current one.
#[derive(Debug)]
pub struct OpenedInstance {
    config: Config,
    spool: Dir,
    route: Route,
}

/// How the user left the screen of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenEnd {
    /// Back to where the user came from.
    Back,
    /// To end the program.
    Quit,
}

/// Reads main.cf, enters the queue directory, and drops rights that the screen
/// does not need.
///
/// # Errors
///
/// main.cf or the queue directory cannot be used, or the caller may not see the
/// queue. All were reported.
pub fn open(
    call: &Call,
    chosen: &ChosenInstance,
    logger: &mut Logger,
) -> Result<OpenedInstance, Fatal> {
    let config = configure(call, chosen, logger)?;
    enter(call, config, logger)
}

/// Reads main.cf, the first half of [`open`].
///
/// # Errors
///
/// It cannot be used, which was reported.
pub fn configure(
    call: &Call,
    chosen: &ChosenInstance,
    logger: &mut Logger,
) -> Result<Config, Fatal> {
    let choice = instance::InstanceChoice::at(chosen.directory.as_deref());
    instance::configure(call, choice, PROGRAM, logger, STATUS_UNAVAILABLE)
}

/// Enters the queue directory and drops rights, the second half of [`open`].
///
/// # Errors
///
/// The queue directory cannot be used, or the caller may not see the queue. Both
/// were reported.
pub fn enter(call: &Call, config: Config, logger: &mut Logger) -> Result<OpenedInstance, Fatal> {
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    let spool = instance::enter_queue_directory(&config, logger, STATUS_UNAVAILABLE)?;
    authorization::authorize(call, AccessRequest::View, &config, logger)?;
    let route = route(call, &config);
    if route == Route::Spool {
        postsuper::take_rights(call, &config, logger)?;
    }
    time::read_zone();
    Ok(OpenedInstance {
        config,
        spool,
        route,
    })
}

impl OpenedInstance {
    /// What the threads share.
    pub fn context<'a>(
        &'a self,
        call: &'a Call,
        interrupts: &'a Interrupts,
        directory: Option<&'a OsStr>,
    ) -> BrowseContext<'a> {
        BrowseContext {
            call,
            config: &self.config,
            spool: &self.spool,
            interrupts,
            route: &self.route,
            directory,
        }
    }
}

/// The source from which this caller can read the messages.
fn route(call: &Call, config: &Config) -> Route {
    if postsuper::may_act(call, config) {
        return Route::Spool;
    }
    let socket = Path::new("public").join(OsStr::from_bytes(&config.showq_service_name));
    if access(&socket, AccessFlags::W_OK).is_ok() {
        return Route::Daemon;
    }
    let program = std::env::current_exe().ok();
    let beside = program.and_then(|program| Some(program.parent()?.join(LISTER)));
    let installed = PathBuf::from("/usr/sbin").join(LISTER);
    let found = beside
        .into_iter()
        .chain([installed])
        .find(|path| path.exists());
    found.map_or(Route::Daemon, Route::Program)
}

/// Prepares the process for drawing on the whole terminal.
pub fn prepare_process() {
    // crossterm forgets keys that arrive together with this signal, until the next
    // key. The size of the terminal is looked at before each wait instead.
    let _ = SigSet::from(Signal::SIGWINCH).thread_block();
    // Measured with 1,000,000 messages: 5 MB less.
    memory::share_one_arena();
}

/// Shows the queue until the user or a signal ends it.
///
/// # Errors
///
/// A signal ended it, or the terminal cannot be used, which was reported.
pub fn show(
    context: BrowseContext<'_>,
    name: Option<String>,
    filter: ListFilter,
    mut logger: Logger,
) -> Result<ScreenEnd, Fatal> {
    prepare_process();
    let screen = FullScreen::begin();
    let screen = screen.map_err(|error| unavailable(&mut logger, error.to_string()))?;
    logger.keep();
    let ended = thread::scope(|scope| {
        let background = Background::start(scope, context, logger);
        let theme = Theme::of_environment();
        let mut app = App::new(background, filter, context.access(), theme);
        app.instance = ChosenInstance {
            directory: context.directory.map(OsStr::to_owned),
            name,
        };
        let ended = event_loop::run(&mut app, &screen, context.interrupts);
        // The user has the terminal back while the last work ends.
        drop(screen);
        ended.map(|()| {
            if app.is_quit {
                ScreenEnd::Quit
            } else {
                ScreenEnd::Back
            }
        })
    });
    end(ended, context.interrupts)
}

/// The end of a screen: a signal counts more than what it interrupted.
///
/// # Errors
///
/// A signal was caught, or the terminal cannot be used, which is reported.
pub fn end<T>(ended: std::io::Result<T>, interrupts: &Interrupts) -> Result<T, Fatal> {
    if let Some(signal) = interrupts.caught() {
        let status = u8::try_from(signal).ok().and_then(|s| s.checked_add(128));
        return Err(Fatal::already_reported(
            status.unwrap_or(STATUS_UNAVAILABLE),
        ));
    }
    ended.map_err(|error| {
        let text = format!("the terminal cannot be used: {}", error_text(&error));
        unavailable(&mut Logger::without_log(PROGRAM), text)
    })
}
