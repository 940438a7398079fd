//! The location of the queues and logs that qshape counts, and the rights with
//! which they are read.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::{Call, Fatal};
use super::arguments::QshapeArguments;
use super::errors::{POSTCONF, STATUS, STATUS_FAILED};
use super::messages::Messages;
use crate::config::{ConfigError, MailOwner, QueuePaths, default_directory, locate};
use crate::logging::Logger;
use crate::qshape_report::{GroupBy, Logs, ReportSelection};
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::rights;

/// The queues that are counted by default.
const QUEUES: [&str; 2] = ["incoming", "active"];

/// The location of queues and logs.
pub(super) struct QueueSource {
    /// The base directory of relative queue paths.
    pub(super) base: Dir,
    /// The queues, as named on the command line.
    pub(super) queues: Vec<Vec<u8>>,
    /// The layout of the log directories, if reasons are counted.
    pub(super) layout: Option<Layout>,
    /// The context of a selection, if there is one.
    pub(super) selection_context: Option<SelectionContext>,
}

/// Everything needed to evaluate messages against a selection.
pub(super) struct SelectionContext {
    pub(super) selection: Selection,
    pub(super) rules: Rules,
    /// The layout of the log directories.
    pub(super) layout: Layout,
    /// The named queues, in the same order.
    pub(super) queues: Vec<Queue>,
}

impl SelectionContext {
    /// Returns the selection as the report needs it.
    pub(super) fn matching<'a>(&'a self, spool: &'a Dir) -> ReportSelection<'a> {
        let layout = &self.layout;
        ReportSelection {
            selection: &self.selection,
            rules: &self.rules,
            logs: Logs { spool, layout },
            queues: &self.queues,
        }
    }
}

/// Finds the queues, gives up root's rights, and changes to the queue directory
/// if it is needed.
pub(super) fn find_place(
    call: &Call,
    arguments: &QshapeArguments,
    messages: &Messages,
) -> Result<QueueSource, Fatal> {
    let queues = queues(arguments);
    let all_absolute = queues.iter().all(|queue| queue.starts_with(b"/"));
    if all_absolute && arguments.by != Some(GroupBy::Reason) {
        drop_rights(call, || owner_of_any(arguments), messages)?;
        let root = Path::new("/");
        return Ok(QueueSource {
            base: Dir::open(root).map_err(|cause| cannot_go(messages, root, &cause))?,
            queues,
            layout: None,
            selection_context: None,
        });
    }
    let (mut paths, layout) = configured(arguments, messages)?;
    let owner = || paths.mail_owner(&mut Vec::new());
    drop_rights(call, owner, messages)?;
    Ok(QueueSource {
        base: enter(&paths.queue_directory, messages)?,
        queues,
        layout,
        selection_context: None,
    })
}

/// Changes to the queue directory, which relative paths are based on.
pub(super) fn enter(directory: &Path, messages: &Messages) -> Result<Dir, Fatal> {
    let entered = std::env::set_current_dir(directory).and_then(|()| Dir::open(Path::new(".")));
    entered.map_err(|cause| cannot_go(messages, directory, &cause))
}

/// Returns the queues that the operands name, or the default queues.
pub(super) fn queues(arguments: &QshapeArguments) -> Vec<Vec<u8>> {
    let operands = arguments.operands.iter().map(|queue| queue.as_bytes());
    if arguments.operands.is_empty() {
        QUEUES.map(|queue| queue.as_bytes().to_vec()).to_vec()
    } else {
        operands.map(<[u8]>::to_vec).collect()
    }
}

/// Reads the parameters for the queues and, if reasons are counted, for the
/// logs. Errors are reported in the name of postconf, which reads main.cf for
/// Postfix's qshape.
fn configured(
    arguments: &QshapeArguments,
    messages: &Messages,
) -> Result<(QueuePaths, Option<Layout>), Fatal> {
    let mut logger = Logger::without_log(POSTCONF);
    let read = logger.warned(|warnings| load(arguments, warnings));
    let read = read.and_then(|mut paths| {
        let layout = match arguments.by {
            Some(GroupBy::Reason) => {
                let (names, depth) = paths.hashing(&mut Vec::new())?;
                Some(Layout::new(&names, depth))
            }
            _ => None,
        };
        Ok((paths, layout))
    });
    read.map_err(|error| {
        logger.fatal(error.to_string());
        messages.say(b"postconf failed");
        Fatal::already_reported(STATUS_FAILED)
    })
}

fn load(
    arguments: &QshapeArguments,
    warnings: &mut Vec<String>,
) -> Result<QueuePaths, ConfigError> {
    let environment = std::env::var_os(locate::ENVIRONMENT);
    let directory = locate::locate(
        arguments.config_directory.as_deref(),
        environment.as_deref(),
        Trust::OwnRights,
        || default_directory(Trust::OwnRights),
        warnings,
    )?;
    QueuePaths::load(POSTCONF, &directory, warnings)
}

/// The mail owner if no instance is needed: that of main.cf if it can be read,
/// otherwise the default one.
fn owner_of_any(arguments: &QshapeArguments) -> Result<MailOwner, ConfigError> {
    let quiet = &mut Vec::new();
    let owner = load(arguments, quiet).and_then(|mut found| found.mail_owner(&mut Vec::new()));
    owner.or_else(|_| QueuePaths::default_mail_owner())
}

/// Becomes the mail owner if the caller is root, before anything in a spool is
/// opened.
pub(super) fn drop_rights(
    call: &Call,
    owner: impl FnOnce() -> Result<MailOwner, ConfigError>,
    messages: &Messages,
) -> Result<(), Fatal> {
    if !call.caller.user.is_root() {
        return Ok(());
    }
    let dropped = owner()
        .map_err(|error| error.to_string())
        .and_then(|owner| {
            let done = rights::irrevocably_become(owner.uid, owner.gid);
            done.map_err(|error| format!("queue files need the mail owner's rights: {error}"))
        });
    dropped.map_err(|text| {
        messages.say(text.as_bytes());
        Fatal::already_reported(STATUS_FAILED)
    })
}

/// Reports that a directory cannot be entered. The exit status is the error
/// number, as in Perl.
fn cannot_go(messages: &Messages, directory: &Path, cause: &io::Error) -> Fatal {
    let directory = directory.to_string_lossy();
    messages.say(format!("chdir({directory}): {}", error_text(cause)).as_bytes());
    let status = cause
        .raw_os_error()
        .and_then(|errno| u8::try_from(errno).ok());
    Fatal::already_reported(status.filter(|status| *status > 0).unwrap_or(STATUS))
}
