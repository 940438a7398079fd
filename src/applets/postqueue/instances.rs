//! Several instances: the one that is named, or all that
//! multi_instance_directories lists.
//!
//! Each instance has its own rights, log and queue directory, which are
//! process-wide, so each is read by a forked copy of this process. No program
//! is executed, since this one may be set-gid.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use super::super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::super::{Call, Fatal, instance, output};
use super::arguments::PostqueueArguments;
use super::mode::{CountFormat, PostqueueMode, View};
use super::options::PROGRAM;
use crate::config::{Config, words};
use crate::logging::Logger;
use crate::release::Release;
use crate::sys::child;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// The name of an instance without a name, as in postmulti(1).
const NAMELESS: &str = "-";

/// Returns the configuration of the instance with this name. If two instances
/// have it, the name is ambiguous, which is an error.
pub(super) fn named(
    call: &Call,
    config: Config,
    name: &str,
    release: Option<Release>,
    logger: &mut Logger,
) -> Result<Config, Fatal> {
    let mut configs = all(call, config, release, logger)?;
    let names: Vec<String> = configs.iter().map(name_of).collect();
    let named: Vec<usize> = (0..names.len())
        .filter(|at| names.get(*at).is_some_and(|known| known == name))
        .collect();
    let config = match named.as_slice() {
        [at] => configs.swap_remove(*at),
        [] => {
            let names = names.join(", ");
            let text = format!("there is no instance {name}; there are: {names}");
            return Err(unavailable(logger, &text));
        }
        several => {
            let several = several.iter().filter_map(|at| configs.get(*at));
            let directories: Vec<_> = several.map(directory_of).collect();
            let directories = directories.join(", ");
            let text = format!("several instances are called {name}; use -c with: {directories}");
            return Err(unavailable(logger, &text));
        }
    };
    logger.configure(&config);
    Ok(config)
}

/// Carries out the call for each instance in turn, and continues after a
/// failure.
pub(super) fn each(
    call: &Call,
    mut arguments: PostqueueArguments,
    config: Config,
    logger: &mut Logger,
    on_instance: impl Fn(&Call, &PostqueueArguments, &Config, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let configs = all(call, config, arguments.release, logger)?;
    let names: Vec<String> = configs.iter().map(name_of).collect();
    let mut ended = Ok(());
    for (number, (config, name)) in configs.iter().zip(&names).enumerate() {
        if is_for_people(&arguments) {
            let gap = if number == 0 { "" } else { "\n" };
            let is_unique = names.iter().filter(|other| *other == name).count() == 1;
            let which = if is_unique {
                String::new()
            } else {
                format!(" ({})", directory_of(config))
            };
            let heading = format!("{gap}==> {name}{which} <==\n");
            let written = std::io::stdout().lock().write_all(heading.as_bytes());
            if let Err(error) = written {
                return output::output_failed(logger, &error);
            }
        }
        arguments.instance = Some(name.clone());
        let looked = child::run(child::ChildStdout::Shared, || {
            logger.configure(config);
            let done = on_instance(call, &arguments, config, logger);
            done.map_or_else(Fatal::status, |()| 0)
        });
        match looked {
            Ok(looked) if looked.status == Some(0) => {}
            // The child process has reported the reason.
            Ok(_) => ended = Err(Fatal::already_reported(STATUS_UNAVAILABLE)),
            Err(error) => {
                let text = format!("cannot start a process: {}", error_text(&error));
                return Err(unavailable(logger, &text));
            }
        }
    }
    ended
}

/// The names of all instances that main.cf in `directory`, or in the default
/// directory, lists; empty if one of them cannot be read.
pub fn names(call: &Call, directory: Option<&OsStr>) -> Vec<String> {
    let logger = &mut Logger::unheard(PROGRAM);
    let wanted = instance::InstanceChoice::at(directory);
    let configs = instance::configure(call, wanted, PROGRAM, logger, STATUS_UNAVAILABLE)
        .and_then(|config| all(call, config, None, logger));
    configs.map_or_else(|_| Vec::new(), |all| all.iter().map(name_of).collect())
}

/// The configurations of all instances, this one first, without duplicates.
fn all(
    call: &Call,
    config: Config,
    release: Option<Release>,
    logger: &mut Logger,
) -> Result<Vec<Config>, Fatal> {
    let directories = directories(&config);
    let mut configs = vec![config];
    for directory in directories {
        if configs
            .iter()
            .any(|known| known.config_directory == directory)
        {
            continue;
        }
        let wanted = instance::InstanceChoice {
            directory: Some(&directory),
            release,
        };
        let other = instance::configure(call, wanted, PROGRAM, logger, STATUS_UNAVAILABLE)?;
        configs.push(other);
    }
    Ok(configs)
}

/// Whether a heading has to name the instance, because the output does not.
fn is_for_people(arguments: &PostqueueArguments) -> bool {
    matches!(
        arguments.mode,
        Some(PostqueueMode::List(View::Text) | PostqueueMode::Count(CountFormat::Table, _))
    )
}

/// The configuration directories of the other instances.
fn directories(config: &Config) -> Vec<OsString> {
    let directories = words(&config.multi_instance_directories);
    directories
        .map(|directory| OsStr::from_bytes(directory).to_owned())
        .collect()
}

fn name_of(config: &Config) -> String {
    match config.multi_instance_name.as_slice() {
        [] => NAMELESS.to_owned(),
        name => to_printable(name),
    }
}

fn directory_of(config: &Config) -> String {
    to_printable(config.config_directory.as_os_str().as_bytes())
}
