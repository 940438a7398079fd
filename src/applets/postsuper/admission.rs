//! Who may call postsuper: checks the caller before the options, and reports
//! errors in them.

use super::super::mail_owner::{NOT_ROOT, SET_UID};
use super::super::{Call, Fatal, front};
use super::arguments::{PostsuperArguments, PostsuperMode};
use super::command_line::{CommandLineError, scan, usage};
use super::corrupt;
use super::errors::{PROGRAM, fatal};
use super::table::help;
use crate::logging::Logger;
use crate::sys::process::Trust;

/// The result of admitting a caller.
pub(super) enum Admitted {
    Explanation(String),
    Work(Box<PostsuperArguments>),
}

/// Refuses callers that are not permitted, before their options are checked;
/// then parses the options.
pub(super) fn parse_and_admit(
    call: &Call,
    program: &str,
    logger: &mut Logger,
) -> Result<Admitted, Fatal> {
    // Help and version are available to every user.
    let scanned = scan(call);
    if let Ok(arguments) = &scanned
        && let Some(text) = explanation(arguments.mode)
    {
        return Ok(Admitted::Explanation(text));
    }
    if call.caller.trust == Trust::BorrowedRights {
        return Err(fatal(logger, SET_UID));
    }
    let arguments = if call.caller.user.is_root() {
        scanned.map_err(|misuse| complain(misuse, call, program, logger))?
    } else {
        // The mail owner is admitted by option -c. If the options cannot be
        // parsed, the caller is refused without a message about them.
        scanned.map_err(|_| fatal(logger, NOT_ROOT))?
    };
    let is_admitted = call.caller.user.is_root() || arguments.config_directory.is_some();
    if let (Some(wrong), true) = (&arguments.wrong, is_admitted) {
        return Err(fatal(logger, wrong));
    }
    if is_admitted {
        corrupt::check(&arguments).map_err(|text| fatal(logger, text))?;
        Ok(Admitted::Work(Box::new(arguments)))
    } else {
        Err(fatal(logger, NOT_ROOT))
    }
}

/// Returns the text that is printed instead of acting.
fn explanation(mode: PostsuperMode) -> Option<String> {
    match mode {
        PostsuperMode::Help => Some(help()),
        PostsuperMode::Version => Some(front::version(PROGRAM)),
        PostsuperMode::Work => None,
    }
}

pub(super) fn complain(
    misuse: CommandLineError,
    call: &Call,
    program: &str,
    logger: &mut Logger,
) -> Fatal {
    match misuse {
        CommandLineError::Option(message) => {
            logger.option_error(program.as_bytes(), &message);
            fatal(logger, usage(call, program))
        }
        CommandLineError::RelativePath => fatal(logger, "-c requires absolute pathname"),
        CommandLineError::Contradiction(text) => fatal(logger, text),
    }
}
