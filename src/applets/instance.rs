//! The first steps of every Postfix tool: finding and reading main.cf,
//! configuring logging, and changing to the queue directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal, Inherited};
use crate::cli;
use crate::cli::Opt;
use crate::config::{
    Config, ConfigError, EnvironmentEntry, LoadState, Unlisted, default_directory, default_postfix,
    locate,
};
use crate::listing::DetailRules;
use crate::logging::{Environment, LogSettings, Logger};
use crate::queue_file::message_visitor::Rules;
use crate::release::{Feature, Release, charset_of};
use crate::selection::Selection;
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::time;
use crate::text::{Charset, to_printable};

/// The environment variable that replaces syslog_name until main.cf is read.
const LOGTAG: &str = "MAIL_LOGTAG";

/// The program that repeats the warnings about main.cf while the mail system is
/// down.
const SHOWQ: &str = "showq";
/// What a warning contains that is not the same in each program.
const PROCESS_NAME: &str = "process_name=";

/// The logger of an applet whose configuration has not been read yet.
pub fn logger(call: &Call, program: &str, log_name: &str) -> Logger {
    Logger::new(program, log_name, &environment(call))
}

/// The environment variables that affect logging before main.cf is read.
pub fn environment(call: &Call) -> Environment {
    let variable = |name: &str| std::env::var_os(name);
    let bytes = |name: &str| variable(name).map(|v| v.as_bytes().to_vec());
    let inherited = call.inherited.postlog.as_ref();
    match call.caller.trust {
        Trust::BorrowedRights => Environment::default(),
        Trust::OwnRights => Environment {
            postlog_service: inherited
                .map(|(service, _)| service.clone())
                .or_else(|| variable("POSTLOG_SERVICE").map(Into::into)),
            postlog_hostname: inherited
                .map(|(_, host)| host.clone())
                .or_else(|| bytes("POSTLOG_HOSTNAME")),
            mail_logtag: call.inherited.logtag.clone().or_else(|| bytes(LOGTAG)),
        },
    }
}

/// Refuses a directory that `-c` names unless the default main.cf lists it, as
/// Postfix's programs do without root's rights.
///
/// # Errors
///
/// The default main.cf does not list the directory, or cannot be read. Both were
/// reported.
pub fn authorize(directory: &OsStr, logger: &mut Logger, status: u8) -> Result<(), Fatal> {
    let located = logger.warned(|warnings| {
        locate::locate(
            Some(directory),
            None,
            Trust::BorrowedRights,
            || default_directory(Trust::BorrowedRights),
            warnings,
        )
    });
    let located = located.map(drop);
    located.map_err(|error| refuse(&error, logger, status))
}

fn refuse(error: &ConfigError, logger: &mut Logger, status: u8) -> Fatal {
    if let Some(text) = error.preamble() {
        logger.error(text);
    }
    logger.pass_on_printable();
    logger.fatal(error.to_string());
    Fatal::already_reported(status)
}

/// The instance that a command line selects, and the Postfix release to behave
/// as.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceChoice<'a> {
    /// The value of `-c`.
    pub directory: Option<&'a OsStr>,
    /// The value of `--dialect`.
    pub release: Option<Release>,
}

impl<'a> InstanceChoice<'a> {
    /// An instance with the release of its own Postfix.
    pub fn at(directory: Option<&'a OsStr>) -> Self {
        Self {
            directory,
            release: None,
        }
    }
}

/// Returns the release of the selected instance without reporting problems of
/// its configuration. Used for options that only some releases have. Without a
/// usable configuration, the release of this machine's Postfix is returned.
pub fn release_of(call: &Call, wanted: InstanceChoice<'_>, program: &str) -> Release {
    if let Some(release) = wanted.release {
        return release;
    }
    let mut progress = LoadState::default();
    let postfix = match load(call, wanted, program, &mut progress) {
        Ok(config) => Some(config.postfix),
        Err(_) => progress.postfix,
    };
    postfix.unwrap_or_else(default_postfix).release()
}

/// Returns the options of `table` that the instance's release has. `newer`
/// lists the letters that not every release has; the release is looked up only
/// if one of them is used.
pub fn options_of_release(
    call: &Call,
    table: Vec<Opt>,
    newer: &[(char, Feature)],
    program: &str,
) -> Vec<Opt> {
    let letters: Vec<char> = newer.iter().map(|(letter, _)| *letter).collect();
    let outline = cli::outline(&table, &call.arguments, &letters);
    if !outline.has_letter {
        return table;
    }
    let wanted = InstanceChoice {
        directory: outline.directory.as_deref(),
        release: outline.release,
    };
    let release = release_of(call, wanted, program);
    let lacks = |option: &Opt| {
        let is_it = |(letter, _): &&(char, Feature)| option.letter == Some(*letter);
        let feature = newer.iter().find(is_it).map(|(_, feature)| *feature);
        feature.is_some_and(|feature| !release.has(feature))
    };
    table.into_iter().filter(|option| !lacks(option)).collect()
}

/// Reads main.cf of the selected instance and configures the logger with it.
///
/// # Errors
///
/// main.cf cannot be used, or this caller may not use it. Both were reported.
pub fn configure(
    call: &Call,
    wanted: InstanceChoice<'_>,
    program: &str,
    logger: &mut Logger,
    status: u8,
) -> Result<Config, Fatal> {
    let mut progress = LoadState::default();
    let config = load(call, wanted, program, &mut progress);
    let (early, late) = progress
        .warnings
        .split_at_checked(progress.before_log.unwrap_or(usize::MAX))
        .unwrap_or((&progress.warnings, &[]));
    warn(early, &progress, logger);
    let mut config = config.map_err(|error| refuse(&error, logger, status))?;
    logger.configure(&config);
    for warning in late {
        logger.warning(warning);
    }
    let checked = config.check_late();
    checked.map_err(|error| refuse(&error, logger, status))?;
    config.warnings = early.to_vec();
    if early.iter().any(|warning| warning.contains(PROCESS_NAME)) {
        let mut progress = LoadState::default();
        let _ = load(call, wanted, SHOWQ, &mut progress);
        config.warnings = progress.warnings;
    }
    if call.caller.trust == Trust::BorrowedRights {
        set_zone(&config, call.caller.trust, Unlisted::Dropped);
        time::read_zone();
    }
    Ok(config)
}

fn load(
    call: &Call,
    wanted: InstanceChoice<'_>,
    program: &str,
    progress: &mut LoadState,
) -> Result<Config, ConfigError> {
    let environment = call.config_directory();
    let directory = locate::locate(
        wanted.directory,
        environment.as_deref(),
        call.caller.trust,
        || default_directory(call.caller.trust),
        &mut progress.warnings,
    )?;
    Config::load_for(program, &directory, wanted.release, progress)
}

/// Reports the warnings before the settings for the mail log apply. Those that
/// follow the setting of the facility are logged with it; later messages use all
/// that is known.
fn warn(warnings: &[String], progress: &LoadState, logger: &mut Logger) {
    let known = progress.facility;
    for (number, warning) in warnings.iter().enumerate() {
        if let Some(known) = known.filter(|known| known.after == number) {
            logger.set_facility(known.facility);
        }
        logger.warning(warning);
    }
    if let Some(known) = known {
        logger.set_facility(known.facility);
    }
    if let Some(name) = &progress.syslog_name {
        logger.set_tag(name);
    }
}

/// Returns the values that are passed to the tool that takes over, as Postfix's
/// programs leave them in the environment: the directory of main.cf, and the
/// syslog_name to log under and the log service to use until main.cf has been
/// read.
pub fn leave(config: &Config, directory: Option<OsString>) -> Inherited {
    Inherited {
        config_directory: directory,
        logtag: Some(config.syslog_name.clone()),
        postlog: LogSettings::of(config).into_postlog(),
    }
}

/// Sets TZ as import_environment requires, for callers with their own rights.
/// For callers with borrowed rights, [`configure`] has already done so.
///
/// Log lines that this process sends to syslog keep the initial time zone until
/// [`time::read_zone`] is called, as Postfix's do.
pub fn import_environment(call: &Call, config: &Config, unlisted: Unlisted, logger: &Logger) {
    if call.caller.trust == Trust::BorrowedRights {
        return;
    }
    set_zone(config, call.caller.trust, unlisted);
    if logger.stamps_in_new_zone() {
        time::read_zone();
    }
}

/// Sets or removes TZ, the only environment variable that is used here. In a
/// process with borrowed rights, only the `name=value` entries count, since the
/// environment is empty. (Observed with Postfix 3.7.11: a name without a value
/// imports nothing there.)
fn set_zone(config: &Config, trust: Trust, unlisted: Unlisted) {
    let callers = std::env::var_os(time::ZONE_VARIABLE).filter(|_| trust == Trust::OwnRights);
    let mut zone = callers.clone().filter(|_| unlisted == Unlisted::Kept);
    let is_zone = |name: &[u8]| name == time::ZONE_VARIABLE.as_bytes();
    for entry in &config.import_environment {
        match entry {
            EnvironmentEntry::Setting { name, value } if is_zone(name) => {
                zone = Some(OsStr::from_bytes(value).to_owned());
            }
            EnvironmentEntry::Name(name) if is_zone(name) => {
                zone = zone.or_else(|| callers.clone());
            }
            EnvironmentEntry::Setting { .. } | EnvironmentEntry::Name(_) => {}
        }
    }
    // This cannot fail: main.cf is read before the first thread is started. If
    // it did, times would be shown in the caller's time zone.
    let _ = time::set_zone(zone.as_deref());
}

/// Changes to the queue directory, which all relative paths are based on.
///
/// # Errors
///
/// The directory cannot be entered or opened, which was reported.
pub fn enter_queue_directory(
    config: &Config,
    logger: &mut Logger,
    status: u8,
) -> Result<Dir, Fatal> {
    let entered =
        std::env::set_current_dir(&config.queue_directory).and_then(|()| Dir::open(Path::new(".")));
    entered.map_err(|cause| {
        let directory = crate::text::to_printable(config.queue_directory.as_os_str().as_bytes());
        logger.fatal(format!("chdir {directory}: {}", error_text(&cause)));
        Fatal::already_reported(status)
    })
}

/// Returns the rules that apply to the reading of messages, for a listing and
/// for callers that select messages as a listing shows them.
///
/// # Errors
///
/// A parameter of main.cf cannot be used.
pub fn rules(config: &Config, warnings: &mut Vec<String>) -> Result<Rules, ConfigError> {
    let parameters = config.listing_parameters(warnings)?;
    let release = config.postfix.release();
    Ok(Rules {
        release,
        charset: if config.smtputf8_enable {
            charset_of(release)
        } else {
            Charset::Ascii
        },
        empty_address: parameters.empty_address_recipient,
        duplicate_limit: match parameters.duplicate_filter_limit {
            0 => None,
            limit => Some(usize::try_from(limit).unwrap_or(0)),
        },
        stop: None,
    })
}

/// Sets the times that messages stay in the queue, from main.cf, in a selection
/// that depends on them.
///
/// # Errors
///
/// A parameter of main.cf cannot be used.
pub fn set_lifetimes(
    selection: Option<&mut Selection>,
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let Some(selection) = selection.filter(|selection| selection.needs_lifetimes().is_some())
    else {
        return Ok(());
    };
    let (message, bounce) = config.lifetimes(warnings)?.seconds();
    selection.set_lifetimes(message, bounce);
    Ok(())
}

/// Like [`rules`], and reports its warnings.
///
/// # Errors
///
/// A parameter of main.cf cannot be used, which was reported; the applet ends with
/// `status`.
pub fn reported_rules(config: &Config, logger: &mut Logger, status: u8) -> Result<Rules, Fatal> {
    let rules = logger.warned(|warnings| rules(config, warnings));
    rules.map_err(|error| Fatal::report(status, logger, error.to_string()))
}

/// Like [`set_lifetimes`], and reports its warnings.
///
/// # Errors
///
/// A parameter of main.cf cannot be used, which was reported; the applet ends with
/// `status`.
pub fn set_reported_lifetimes(
    selection: Option<&mut Selection>,
    config: &Config,
    logger: &mut Logger,
    status: u8,
) -> Result<(), Fatal> {
    let done = logger.warned(|warnings| set_lifetimes(selection, config, warnings));
    done.map_err(|error| Fatal::report(status, logger, error.to_string()))
}

/// Returns the time and the parameters that ages and times of expiry depend on.
///
/// # Errors
///
/// A parameter of main.cf cannot be used.
pub fn detail_rules(
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<DetailRules, ConfigError> {
    let (lifetime, bounce_lifetime) = config.lifetimes(warnings)?.seconds();
    Ok(DetailRules {
        now: time::now(),
        lifetime,
        bounce_lifetime,
        host: to_printable(&config.myhostname),
    })
}
