//! browse: the mail queue on the whole terminal.
//!
//! `background` reads the queue and acts with the code of the other applets,
//! `model` keeps the messages, `app` and `commands` are the state of the
//! screen, and `views` draws it.

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
mod keys;
mod message_state;
mod model;
mod overview_state;
mod prompt;
mod row_sink;
mod targets;
mod theme;
mod views;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{AccessFlags, access};

use super::authorization::AccessRequest;
use super::fatal::{STATUS_UNAVAILABLE, unavailable, watch_signals};
use super::instances::Asker;
use super::{Call, Fatal, authorization, instance, output, postsuper};
use crate::config::Config;
use crate::logging::Logger;
use crate::sys::error_text::error_text;
use crate::sys::full_screen::FullScreen;
use crate::sys::memory;
use crate::sys::time;
use app::App;
use arguments::{BrowseArguments, BrowseMode, PROGRAM, parse};
use background::Background;
use context::{BrowseContext, Route};
use theme::Theme;

/// The name in the mail log: that of the tool whose acts are carried out.
const LOG_NAME: &str = "postsuper";
/// The tool that may reach the daemon where the caller may not.
const LISTER: &str = "postqueue";

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
    let directory = config_directory(call, &arguments, &mut logger)?;
    let wanted = instance::InstanceChoice::at(directory.as_deref());
    let config = instance::configure(call, wanted, PROGRAM, &mut logger, STATUS_UNAVAILABLE)?;
    instance::import_environment(call, &config, instance::Unlisted::Kept, &logger);
    let spool = instance::enter_queue_directory(&config, &mut logger, STATUS_UNAVAILABLE)?;
    authorization::authorize(call, AccessRequest::View, &config, &mut logger)?;
    let route = route(call, &config);
    if route == Route::Spool {
        postsuper::take_rights(call, &config, &mut logger)?;
    }
    time::read_zone();
    let interrupts = watch_signals(STATUS_UNAVAILABLE, &mut logger)?;
    let context = BrowseContext {
        call,
        config: &config,
        spool: &spool,
        interrupts: &interrupts,
        route: &route,
        directory: directory.as_deref(),
    };
    browse(context, arguments.filter.clone(), logger)
}

/// The directory of main.cf that the command line names, itself or by the name of
/// its instance.
fn config_directory(
    call: &Call,
    arguments: &BrowseArguments,
    logger: &mut Logger,
) -> Result<Option<OsString>, Fatal> {
    let directory = arguments.config_directory.as_deref();
    let Some(name) = &arguments.instance else {
        return Ok(directory.map(OsStr::to_owned));
    };
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger,
        status: STATUS_UNAVAILABLE,
    };
    let found = asker.named(instance::InstanceChoice::at(directory), name)?;
    Ok(Some(found.directory))
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

/// Shows the queue until the user or a signal ends it.
fn browse(
    context: BrowseContext<'_>,
    filter: filter::ListFilter,
    mut logger: Logger,
) -> Result<(), Fatal> {
    // crossterm forgets keys that arrive together with this signal, until the next
    // key. The size of the terminal is looked at before each wait instead.
    let _ = SigSet::from(Signal::SIGWINCH).thread_block();
    // Measured with 1,000,000 messages: 5 MB less.
    memory::share_one_arena();
    let screen = FullScreen::begin();
    let screen = screen.map_err(|error| unavailable(&mut logger, error.to_string()))?;
    logger.keep();
    let ended = thread::scope(|scope| {
        let background = Background::start(scope, context, logger);
        let theme = Theme::of_environment();
        let mut app = App::new(background, filter, context.access(), theme);
        app.directory = context.directory.map(OsStr::to_owned);
        let ended = event_loop::run(&mut app, &screen, context.interrupts);
        // The user has the terminal back while the last work ends.
        drop(screen);
        ended
    });
    if let Some(signal) = context.interrupts.caught() {
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
