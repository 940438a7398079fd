//! `spoolbox export` and `spoolbox import`: move messages to another host or
//! instance by way of an archive.
//!
//! Shared by both: admitting the caller, the instance, and how they report. The
//! module `transfer` reads and writes archives.

pub mod export;
mod export_arguments;
pub mod import;
mod import_arguments;
mod tables;

use std::ffi::{OsStr, OsString};

use super::fatal::watch_signals;
use super::instances::Asker;
use super::mail_owner::{NOT_ROOT, SET_UID, admit_to, drop_rights_but_log};
use super::{Call, Fatal, instance};
use crate::config::{Config, Unlisted};
use crate::logging::Logger;
use crate::spool::Layout;
use crate::sys::dir::Dir;
use crate::sys::process::Trust;
use crate::sys::signals::Interrupts;
use crate::text::to_printable;
use crate::transfer::TransferError;

/// The name of these programs in the configuration and in the mail log.
const LOG_NAME: &str = "spoolbox";
/// The exit status of every failure.
const STATUS: u8 = 1;

/// The spool of an instance, opened with the mail owner's rights.
struct OpenSpool {
    config: Config,
    spool: Dir,
    layout: Layout,
    interrupts: Interrupts,
    /// The name of the host, in printable form.
    host: String,
    /// The queue directory, in printable form.
    queue_directory: String,
}

/// Chooses the instance that has this name, if one is given: stores the directory of
/// its main.cf.
///
/// # Errors
///
/// There is none, or a main.cf cannot be read. Both were reported.
fn choose(
    call: &Call,
    name: Option<&str>,
    directory: &mut Option<OsString>,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let Some(name) = name else {
        return Ok(());
    };
    let mut asker = Asker {
        call,
        program: LOG_NAME,
        logger,
        status: STATUS,
    };
    let choice = instance::InstanceChoice::at(directory.as_deref());
    let found = asker.named(choice, name)?;
    *directory = Some(found.directory);
    Ok(())
}

/// Reads main.cf, admits the caller, and gives up root's rights.
///
/// # Errors
///
/// The instance cannot be used, or the caller is refused. All were reported.
fn open_spool(
    call: &Call,
    wanted: instance::InstanceChoice<'_>,
    logger: &mut Logger,
) -> Result<OpenSpool, Fatal> {
    if call.caller.trust == Trust::BorrowedRights {
        return Err(fatal(logger, SET_UID));
    }
    if !call.caller.user.is_root() && wanted.directory.is_none() {
        return Err(fatal(logger, NOT_ROOT));
    }
    let config = instance::configure(call, wanted, LOG_NAME, logger, STATUS)?;
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    let spool = instance::enter_queue_directory(&config, logger, STATUS)?;
    admit_to(call, &config, logger)?;
    drop_rights_but_log(call, &config, logger)?;
    let interrupts = watch_signals(STATUS, logger)?;
    let directory: &OsStr = config.queue_directory.as_os_str();
    Ok(OpenSpool {
        layout: Layout::of(&config),
        host: to_printable(&config.myhostname),
        queue_directory: to_printable(directory.as_encoded_bytes()),
        spool,
        interrupts,
        config,
    })
}

/// Ends with a message.
fn fatal(logger: &mut Logger, text: impl AsRef<[u8]>) -> Fatal {
    Fatal::report(STATUS, logger, text)
}

/// Ends with the message of an error. After a signal, the status is the
/// signal's number.
fn end(error: &TransferError, interrupts: &Interrupts, logger: &mut Logger) -> Fatal {
    logger.fatal(error.to_string());
    let signal = match error {
        TransferError::Interrupted => interrupts.caught(),
        _ => None,
    };
    let status = signal.and_then(|signal| u8::try_from(signal).ok());
    Fatal::already_reported(status.unwrap_or(STATUS))
}

/// Returns a number of messages in words.
fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}
