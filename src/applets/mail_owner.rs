//! Applets that change a spool: who may call them, and how they become the mail
//! owner before they open anything in it.

use std::os::unix::fs::MetadataExt;

use super::{Call, Fatal};
use crate::config::Config;
use crate::logging::{Logger, OpenedAs, Severity};
use crate::sys::error_text::error_text;
use crate::sys::guarded::Account;
use crate::sys::rights;

/// Error text for a set-uid process.
pub const SET_UID: &str = "this postfix command must not run as a set-uid process";
/// Error text for callers other than root.
pub const NOT_ROOT: &str = "use of this command is reserved for the superuser";
/// The exit status of callers that are refused.
const STATUS: u8 = 1;

/// Refuses a caller other than root, except the mail owner of an instance that
/// the command line names, if the queue directory, which is the current one,
/// belongs to that user.
///
/// # Errors
///
/// The caller is refused, which was reported.
pub fn admit_to(call: &Call, config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    if is_admitted(call, config) {
        Ok(())
    } else {
        Err(Fatal::report(STATUS, logger, NOT_ROOT))
    }
}

/// Returns whether [`admit_to`] admits a caller.
pub fn is_admitted(call: &Call, config: &Config) -> bool {
    let user = call.caller.user;
    let owns = || std::fs::metadata(".").is_ok_and(|found| found.uid() == user.as_raw());
    user.is_root() || (user == config.mail_owner.uid && owns())
}

/// Does what [`drop_rights`] does, and keeps maillog_file open if the mail
/// owner cannot tamper with its directory; otherwise opens it as the mail
/// owner.
///
/// # Errors
///
/// Those of [`drop_rights`].
pub fn drop_rights_but_log(call: &Call, config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    if call.caller.user.is_root() {
        let owner = &config.mail_owner;
        let owner = &Account::new(&owner.name, owner.uid, owner.gid);
        // If the file cannot be opened now, it is tried again below.
        let _ = logger.keep_log_file(config, OpenedAs::Root { owner });
    }
    drop_rights(call, config, logger)?;
    if let Err(error) = logger.keep_log_file(config, OpenedAs::MailOwner) {
        let why = error_text(&error);
        let text = format!("maillog_file cannot be opened, nothing will be logged there: {why}");
        logger.report(Severity::Warning, text);
    }
    Ok(())
}

/// Irrevocably becomes the mail owner, before anything in the spool is opened.
/// Does nothing for callers other than root.
///
/// # Errors
///
/// The rights cannot be changed, which was reported.
pub fn drop_rights(call: &Call, config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    if !call.caller.user.is_root() {
        return Ok(());
    }
    let owner = &config.mail_owner;
    rights::irrevocably_become(owner.uid, owner.gid)
        .map_err(|error| Fatal::report(STATUS, logger, error.to_string()))
}
