//! What every Postfix tool does first: find main.cf, read it, log as it says,
//! go to the queue directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal};
use crate::config::{Config, ConfigError, Progress, locate};
use crate::diag::{Diag, Environment};
use crate::listing::dialect;
use crate::spool::report::{Dialect, Rules};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::{Trust, set_variable};
use crate::sys::time;
use crate::text::Charset;

/// The environment variable that stands for syslog_name until main.cf is read.
const LOGTAG: &str = "MAIL_LOGTAG";

/// The messages of an applet before its configuration is known.
pub fn diag(call: &Call, program: &str, log_name: &str) -> Diag {
    Diag::new(program, log_name, &environment(call))
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
            mail_logtag: bytes(LOGTAG),
        },
    }
}

/// Refuses a directory that `-c` names and the default main.cf does not list,
/// as a program does that is not root's.
pub fn authorize(directory: &OsStr, diag: &mut Diag, status: u8) -> Result<(), Fatal> {
    let mut warnings = Vec::new();
    let located = locate::locate(
        Some(directory),
        None,
        Trust::BorrowedRights,
        Path::new(locate::DEFAULT_DIRECTORY),
        &mut warnings,
    );
    for warning in warnings {
        diag.warning(warning);
    }
    let located = located.map(drop);
    located.map_err(|error| refuse(&error, diag, status))
}

fn refuse(error: &ConfigError, diag: &mut Diag, status: u8) -> Fatal {
    if let Some(text) = error.preamble() {
        diag.error(text);
    }
    diag.pass_on_printable();
    diag.fatal(error.to_string());
    Fatal::told(status)
}

/// Reads the main.cf that the option `-c` or the environment names.
pub fn configure(
    call: &Call,
    option: Option<&OsStr>,
    program: &str,
    diag: &mut Diag,
    status: u8,
) -> Result<Config, Fatal> {
    let mut progress = Progress::default();
    let config = load(call, option, program, &mut progress);
    warn(&progress, diag);
    let mut config = config.map_err(|error| refuse(&error, diag, status))?;
    diag.configure(&config);
    config.warnings = progress.warnings;
    if call.caller.trust == Trust::BorrowedRights {
        import_environment(&config);
        time::prepare();
    }
    Ok(config)
}

fn load(
    call: &Call,
    option: Option<&OsStr>,
    program: &str,
    progress: &mut Progress,
) -> Result<Config, ConfigError> {
    let environment = std::env::var_os(locate::ENVIRONMENT);
    let directory = locate::locate(
        option,
        environment.as_deref(),
        call.caller.trust,
        Path::new(locate::DEFAULT_DIRECTORY),
        &mut progress.warnings,
    )?;
    Config::load_for(program, &directory, progress)
}

/// Passes warnings on; those behind the facility go to it. What comes next is
/// logged with all that is known.
fn warn(progress: &Progress, diag: &mut Diag) {
    let known = progress.facility;
    for (number, warning) in progress.warnings.iter().enumerate() {
        if let Some(known) = known.filter(|known| known.after == number) {
            diag.set_facility(known.facility);
        }
        diag.warning(warning);
    }
    if let Some(known) = known {
        diag.set_facility(known.facility);
    }
    if let Some(name) = &progress.syslog_name {
        diag.set_tag(name);
    }
}

/// Leaves syslog_name to the tool that takes over, as Postfix's programs do:
/// what it logs before it has read main.cf is logged under that name.
pub fn leave_logtag(config: &Config) {
    let tag = OsStr::from_bytes(&config.syslog_name);
    set_variable(OsStr::new(LOGTAG), Some(tag));
}

/// In a process with borrowed rights the environment is empty but for the
/// `name=value` entries of import_environment. (Observed: a name without a
/// value imports nothing there.) TZ is the only one that anything here
/// listens to.
fn import_environment(config: &Config) {
    let setting = |entry: &Vec<u8>| {
        let inner = entry.strip_prefix(b"{").and_then(|e| e.strip_suffix(b"}"));
        let text = inner.unwrap_or(entry).trim_ascii();
        let at = text.iter().position(|&b| b == b'=')?;
        let (name, value) = text.split_at(at);
        let value = value.get(1..)?.trim_ascii();
        (name.trim_ascii() == b"TZ").then(|| OsStr::from_bytes(value).to_owned())
    };
    let value = config
        .import_environment
        .iter()
        .filter_map(setting)
        .next_back();
    set_variable(OsStr::new("TZ"), value.as_deref());
}

/// Goes to the queue directory, from where every path is relative.
pub fn enter_queue_directory(config: &Config, diag: &mut Diag, status: u8) -> Result<Dir, Fatal> {
    let entered =
        std::env::set_current_dir(&config.queue_directory).and_then(|()| Dir::open(Path::new(".")));
    entered.map_err(|cause| {
        let directory = crate::text::shown(config.queue_directory.as_os_str().as_bytes());
        diag.fatal(format!("chdir {directory}: {}", error_text(&cause)));
        Fatal::told(status)
    })
}

/// What counts in a message and what may be shown of it, for a listing and
/// for whoever selects messages as a listing shows them.
pub fn rules(
    config: &Config,
    dialect: Option<Dialect>,
    warnings: &mut Vec<String>,
) -> Result<Rules, ConfigError> {
    let parameters = config.listing_parameters(warnings)?;
    let dialect = dialect.unwrap_or_else(|| dialect::of_daemons(&config.daemon_directory));
    Ok(Rules {
        dialect,
        charset: match (config.smtputf8_enable, dialect) {
            (false, _) => Charset::Ascii,
            (true, Dialect::V3_7) => Charset::LooseUtf8,
            (true, Dialect::V3_11) => Charset::StrictUtf8,
        },
        empty_address: parameters.empty_address_recipient,
        duplicate_limit: match parameters.duplicate_filter_limit {
            0 => None,
            limit => Some(usize::try_from(limit).unwrap_or(0)),
        },
    })
}
