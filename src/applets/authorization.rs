//! Authorization to view and flush the queue.
//!
//! Root and the mail owner are always authorized. The login name of any other
//! caller is matched against authorized_mailq_users or authorized_flush_users.

use super::fatal::unavailable;
use super::{Call, Fatal};
use crate::config::{Config, ConfigError, PatternList};
use crate::logging::Logger;
use crate::sys::process::user_name;

/// The operation that needs authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRequest {
    /// Viewing the queue.
    View,
    /// Flushing the queue.
    Flush,
}

impl AccessRequest {
    fn users(
        self,
        config: &Config,
        warnings: &mut Vec<String>,
    ) -> Result<PatternList, ConfigError> {
        match self {
            Self::View => config.mailq_users(warnings),
            Self::Flush => config.flush_users(warnings),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Flush => "flush",
        }
    }
}

/// Refuses a caller that the pattern list for this operation does not match.
///
/// # Errors
///
/// The list does not admit the caller, or cannot be read. Both were reported.
pub fn authorize(
    call: &Call,
    request: AccessRequest,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    if is_privileged(call, config) {
        return Ok(());
    }
    let users = warned(logger, |warnings| request.users(config, warnings))?;
    let name = user_name(call.caller.user).unwrap_or_else(|| "unknown".to_owned());
    if users.matches(name.as_bytes()) {
        return Ok(());
    }
    let (uid, request) = (call.caller.user, request.name());
    let text = format!("User {name}({uid}) is not allowed to {request} the mail queue");
    Err(unavailable(logger, &text))
}

/// Reads a parameter and reports its warnings; an error ends the applet.
///
/// # Errors
///
/// The parameter cannot be used, which was reported.
pub fn warned<T>(
    logger: &mut Logger,
    take: impl FnOnce(&mut Vec<String>) -> Result<T, ConfigError>,
) -> Result<T, Fatal> {
    let taken = logger.warned(take);
    taken.map_err(|error| unavailable(logger, error.to_string()))
}

/// Whether the caller is root or the mail owner, which have full access.
pub fn is_privileged(call: &Call, config: &Config) -> bool {
    call.caller.user.is_root() || call.caller.user == config.mail_owner.uid
}
