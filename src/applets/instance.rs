//! The first steps of every Postfix tool: find and read main.cf, configure
//! logging, change to the queue directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal, Inherited};
use crate::cli;
use crate::cli::Opt;
use crate::config::{Config, ConfigError, LoadState, default_directory, locate};
use crate::logging::{Environment, Logger};
use crate::queue_file::message_visitor::Rules;
use crate::release::{Feature, Release, charset_of};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::time;
use crate::text::Charset;

/// The environment variable that replaces syslog_name until main.cf is read.
const LOGTAG: &str = "MAIL_LOGTAG";

/// The messages of an applet before its configuration is known.
pub fn logger(call: &Call, program: &str, log_name: &str) -> Logger {
    Logger::new(program, log_name, &environment(call))
}

/// What counts of the environment before main.cf is read.
pub fn environment(call: &Call) -> Environment {
    let variable = |name: &str| std::env::var_os(name);
    let bytes = |name: &str| variable(name).map(|v| v.as_bytes().to_vec());
    match call.caller.trust {
        Trust::BorrowedRights => Environment::default(),
        Trust::OwnRights => Environment {
            postlog_service: variable("POSTLOG_SERVICE").map(Into::into),
            postlog_hostname: bytes("POSTLOG_HOSTNAME"),
            mail_logtag: call.inherited.logtag.clone().or_else(|| bytes(LOGTAG)),
        },
    }
}

/// Refuses a directory that `-c` names and the default main.cf does not list,
/// as a program does that is not root's.
pub fn authorize(directory: &OsStr, logger: &mut Logger, status: u8) -> Result<(), Fatal> {
    let mut warnings = Vec::new();
    let located = locate::locate(
        Some(directory),
        None,
        Trust::BorrowedRights,
        || default_directory(Trust::BorrowedRights),
        &mut warnings,
    );
    for warning in warnings {
        logger.warning(warning);
    }
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

/// Which instance a command line asks for, and as which Postfix's.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceChoice<'a> {
    /// The value of `-c`.
    pub directory: Option<&'a OsStr>,
    /// The value of `--dialect`.
    pub release: Option<Release>,
}

impl<'a> InstanceChoice<'a> {
    /// An instance as its own Postfix has it.
    pub fn at(directory: Option<&'a OsStr>) -> Self {
        Self {
            directory,
            release: None,
        }
    }
}

/// The release of the instance that a command line asks for, before anything
/// is said of its configuration: for options that only some releases have.
pub fn release_of(call: &Call, wanted: InstanceChoice<'_>, program: &str) -> Release {
    let known = wanted.release.or_else(|| {
        let config = load(call, wanted, program, &mut LoadState::default());
        Some(config.ok()?.postfix.release())
    });
    known.unwrap_or(Release::NEWEST)
}

/// The options of `table` that the instance's release has; `newer` are the
/// letters that not every release has. The release is looked up only if one of
/// them is used.
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

/// Reads the main.cf that the option `-c` or the environment names.
pub fn configure(
    call: &Call,
    wanted: InstanceChoice<'_>,
    program: &str,
    logger: &mut Logger,
    status: u8,
) -> Result<Config, Fatal> {
    let mut progress = LoadState::default();
    let config = load(call, wanted, program, &mut progress);
    warn(&progress, logger);
    let mut config = config.map_err(|error| refuse(&error, logger, status))?;
    logger.configure(&config);
    config.warnings = progress.warnings;
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

/// Reports warnings; those after the facility go to it. What comes next is
/// logged with all that is known.
fn warn(progress: &LoadState, logger: &mut Logger) {
    let known = progress.facility;
    for (number, warning) in progress.warnings.iter().enumerate() {
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

/// What is passed to the tool that takes over, as Postfix's programs leave it in
/// the environment: which main.cf, and syslog_name, under which it logs until
/// it has read that.
pub fn leave(config: &Config, directory: Option<OsString>) -> Inherited {
    Inherited {
        config_directory: directory,
        logtag: Some(config.syslog_name.clone()),
    }
}

/// What happens to TZ if import_environment does not list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// It stays. Observed with Postfix 3.7.11: in postcat, postsuper, and
    /// sendmail and mailq until they have started postqueue.
    Kept,
    /// It is removed. Observed likewise: in postqueue and postfix.
    Dropped,
}

/// Sets TZ as import_environment says, for callers that have their own rights;
/// those that do not have had it set when main.cf was read.
///
/// The log lines of this process keep the zone it was started with if they go
/// to syslog, as those of Postfix do: until [`time::read_zone`].
pub fn import_environment(call: &Call, config: &Config, unlisted: Unlisted, logger: &Logger) {
    if call.caller.trust == Trust::BorrowedRights {
        return;
    }
    set_zone(config, call.caller.trust, unlisted);
    if logger.stamps_in_new_zone() {
        time::read_zone();
    }
}

/// Sets or removes TZ, the only variable that is used here. In a
/// process with borrowed rights the environment is empty but for the
/// `name=value` entries. (Observed: a name without a value imports nothing
/// there.)
fn set_zone(config: &Config, trust: Trust, unlisted: Unlisted) {
    let callers = std::env::var_os(time::ZONE_VARIABLE).filter(|_| trust == Trust::OwnRights);
    let mut zone = callers.clone().filter(|_| unlisted == Unlisted::Kept);
    for entry in &config.import_environment {
        let inner = entry.strip_prefix(b"{").and_then(|e| e.strip_suffix(b"}"));
        let text = inner.unwrap_or(entry).trim_ascii();
        let (name, value) = match text.iter().position(|&b| b == b'=') {
            Some(at) => text.split_at(at),
            None => (text, &b""[..]),
        };
        if name.trim_ascii() != time::ZONE_VARIABLE.as_bytes() {
            continue;
        }
        match value.strip_prefix(b"=") {
            Some(value) => zone = Some(OsStr::from_bytes(value.trim_ascii()).to_owned()),
            None => zone = zone.or_else(|| callers.clone()),
        }
    }
    // Main.cf is read before the first thread is started. Were it otherwise,
    // times would be shown in the zone of the caller.
    let _ = time::set_zone(zone.as_deref());
}

/// Changes to the queue directory, the base of all relative paths.
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

/// What counts in a message and what may be shown of it, for a listing and
/// for callers that select messages as a listing shows them.
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
