//! Who may view and flush the queue (spec page 11, "ACLs").
//!
//! Root and the mail owner may; everybody else is looked for in a pattern
//! list by login name.

use super::fatal::unavailable;
use super::{Call, Fatal};
use crate::config::{Config, ConfigError, PatternList};
use crate::logging::Logger;
use crate::sys::process::user_name;

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRequest {
    /// See what is in the queue.
    View,
    /// Have mail delivered now.
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

/// Refuses a caller whom the deed's pattern list does not admit.
pub fn authorize(
    call: &Call,
    action_done: AccessRequest,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    if is_privileged(call, config) {
        return Ok(());
    }
    let users = warned(logger, |warnings| action_done.users(config, warnings))?;
    let name = user_name(call.caller.user).unwrap_or_else(|| "unknown".to_owned());
    if users.matches(name.as_bytes()) {
        return Ok(());
    }
    let (uid, action_done) = (call.caller.user, action_done.name());
    let text = format!("User {name}({uid}) is not allowed to {action_done} the mail queue");
    Err(unavailable(logger, &text))
}

/// Takes a value from the configuration, passes its warnings on and ends at
/// its errors.
pub fn warned<T>(
    logger: &mut Logger,
    take: impl FnOnce(&mut Vec<String>) -> Result<T, ConfigError>,
) -> Result<T, Fatal> {
    let mut warnings = Vec::new();
    let taken = take(&mut warnings);
    for warning in warnings {
        logger.warning(warning);
    }
    taken.map_err(|error| unavailable(logger, error.to_string()))
}

/// Root and the mail owner may do and see everything.
pub fn is_privileged(call: &Call, config: &Config) -> bool {
    call.caller.user.is_root() || call.caller.user == config.mail_owner.uid
}
