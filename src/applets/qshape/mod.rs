//! qshape: how many recipients or messages of each domain are how old (spec
//! page 09).
//!
//! Owns the way from the command line to the printed table: which queues are
//! meant, whose rights are used, what a terminal gets. `arguments` reads the
//! command line, `selected` has what selections take, `messages` what is said on
//! standard error; `shape` counts.

mod arguments;
mod display;
mod messages;
mod selected;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use super::{Call, Fatal, completions, instance};
use crate::cli;
use crate::config::{ConfigError, MailOwner, QueuePaths, locate};
use crate::logging::Logger;
use crate::qshape_report::table::DomainTable;
use crate::qshape_report::{CountRequest, GroupBy, Logs, READERS_MAX, ScanRequest, scan_queues};
use crate::release::Release;
use crate::spool::Layout;
use crate::sys::dir::{Dir, FileKind};
use crate::sys::error_text::error_text;
use crate::sys::{process, rights, time};
use crate::worker_pool::readers::readers_for;
use arguments::{Arguments, Misuse, Mode, OutputFormat, help, options, parse};
use display::{Display, Settings};
use messages::Messages;
use selected::SelectionContext;

/// The program's name.
const PROGRAM: &str = "qshape";
/// Who reads main.cf for the original, and complains of it.
const POSTCONF: &str = "postconf";
/// What is counted unless the caller says so.
const QUEUES: [&str; 2] = ["incoming", "active"];
/// Perl's die.
const STATUS: u8 = 255;
/// The status when main.cf cannot be read, or the output not be written.
const STATUS_FAILED: u8 = 1;
/// Directories that are open on the way down a tree of queues.
const DEPTH: u32 = 8;

/// Its command line.
pub fn command() -> clap::Command {
    completions::of_table(&options())
}

/// Reads its command line, and nobody hears of it: not even that texts are
/// taken for numbers.
pub fn read(call: &Call, _: &mut Logger) -> Result<(), Fatal> {
    let parsed = parse(call.arguments.clone());
    parsed
        .map(drop)
        .map_err(|_| Fatal::already_reported(STATUS))
}

/// Runs qshape.
pub fn run(call: &Call) -> Result<(), Fatal> {
    process::die_of_closed_pipes();
    let words = Messages::of(call);
    let arguments = parse(call.arguments.clone());
    let arguments = arguments.map_err(|misuse| refuse(call, &words, &misuse))?;
    match arguments.mode {
        Mode::Help => return display::print(&help()),
        Mode::Version => return display::print(&super::front::version(PROGRAM)),
        Mode::Usage => {
            words.usage(release(call));
            return Err(Fatal::already_reported(STATUS));
        }
        Mode::Count => {}
    }
    let place = match &arguments.selection {
        Some(selection) => selected::find_place(call, &arguments, selection, &words)?,
        None => find_place(call, &arguments, &words)?,
    };
    let settings = Settings::of(&arguments, &words);
    count(&arguments, &settings, &place, &words)
}

/// Refuses a command line.
fn refuse(call: &Call, words: &Messages, misuse: &Misuse) -> Fatal {
    words.say(&misuse.0);
    words.usage(release(call));
    Fatal::already_reported(STATUS)
}

/// The release whose usage message is given.
fn release(call: &Call) -> Release {
    let outline = cli::outline(&options(), &call.arguments, &[]);
    let wanted = instance::InstanceChoice {
        directory: outline.directory.as_deref(),
        release: outline.release,
    };
    instance::release_of(call, wanted, POSTCONF)
}

/// Where queues and logs are found.
struct Place<'a> {
    /// What relative queues are relative to.
    base: Dir,
    /// The queues, as they were asked for.
    queues: Vec<Vec<u8>>,
    /// Where logs belong, if reasons are asked for.
    layout: Option<Layout>,
    /// What judges messages, if there is a selection.
    selection_context: Option<SelectionContext<'a>>,
}

/// Finds the queues, gives up root's rights, and goes to the queue directory
/// if it matters.
fn find_place(
    call: &Call,
    arguments: &Arguments,
    words: &Messages,
) -> Result<Place<'static>, Fatal> {
    let queues = queues(arguments);
    let all_absolute = queues.iter().all(|queue| queue.starts_with(b"/"));
    if all_absolute && arguments.by != Some(GroupBy::Reason) {
        drop_rights(call, || owner_of_any(arguments), words)?;
        let root = Path::new("/");
        return Ok(Place {
            base: Dir::open(root).map_err(|cause| cannot_go(words, root, &cause))?,
            queues,
            layout: None,
            selection_context: None,
        });
    }
    let (mut whereabouts, layout) = configured(arguments, words)?;
    let owner = || whereabouts.mail_owner(&mut Vec::new());
    drop_rights(call, owner, words)?;
    Ok(Place {
        base: enter(&whereabouts.queue_directory, words)?,
        queues,
        layout,
        selection_context: None,
    })
}

/// Goes to the queue directory, from where relative paths are.
fn enter(directory: &Path, words: &Messages) -> Result<Dir, Fatal> {
    let entered = std::env::set_current_dir(directory).and_then(|()| Dir::open(Path::new(".")));
    entered.map_err(|cause| cannot_go(words, directory, &cause))
}

/// The queues that are asked for.
fn queues(arguments: &Arguments) -> Vec<Vec<u8>> {
    let operands = arguments.operands.iter().map(|queue| queue.as_bytes());
    match arguments.operands.is_empty() {
        true => QUEUES.map(|queue| queue.as_bytes().to_vec()).to_vec(),
        false => operands.map(<[u8]>::to_vec).collect(),
    }
}

/// What main.cf says of the queues, and of the logs if reasons are asked for.
/// It complains in the name of the program that reads it for the original.
fn configured(
    arguments: &Arguments,
    words: &Messages,
) -> Result<(QueuePaths, Option<Layout>), Fatal> {
    let mut logger = Logger::without_log(POSTCONF);
    let mut warnings = Vec::new();
    let read = load(arguments, &mut warnings);
    for warning in warnings {
        logger.warning(warning);
    }
    let read = read.and_then(|mut whereabouts| {
        let layout = match arguments.by {
            Some(GroupBy::Reason) => {
                let (names, depth) = whereabouts.hashing(&mut Vec::new())?;
                Some(Layout::new(&names, depth))
            }
            _ => None,
        };
        Ok((whereabouts, layout))
    });
    read.map_err(|error| {
        logger.fatal(error.to_string());
        words.say(b"postconf failed");
        Fatal::already_reported(STATUS_FAILED)
    })
}

fn load(arguments: &Arguments, warnings: &mut Vec<String>) -> Result<QueuePaths, ConfigError> {
    let environment = std::env::var_os(locate::ENVIRONMENT);
    let directory: &OsStr = match (&arguments.config_directory, &environment) {
        (Some(option), _) => option,
        (None, Some(environment)) => environment,
        (None, None) => OsStr::new(locate::DEFAULT_DIRECTORY),
    };
    QueuePaths::load(POSTCONF, Path::new(directory), warnings)
}

/// The mail owner when no instance is asked for: that of main.cf if there is
/// one, else that of a Postfix which says nothing.
fn owner_of_any(arguments: &Arguments) -> Result<MailOwner, ConfigError> {
    let quiet = &mut Vec::new();
    let owner = load(arguments, quiet).and_then(|mut found| found.mail_owner(&mut Vec::new()));
    owner.or_else(|_| QueuePaths::default_mail_owner())
}

/// Becomes the mail owner if this is root: nothing in a spool is touched
/// before.
fn drop_rights(
    call: &Call,
    owner: impl FnOnce() -> Result<MailOwner, ConfigError>,
    words: &Messages,
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
        words.say(text.as_bytes());
        Fatal::already_reported(STATUS_FAILED)
    })
}

/// The queue directory cannot be entered: Perl's status is the error number.
fn cannot_go(words: &Messages, directory: &Path, cause: &io::Error) -> Fatal {
    let directory = directory.to_string_lossy();
    words.say(format!("chdir({directory}): {}", error_text(cause)).as_bytes());
    let status = cause
        .raw_os_error()
        .and_then(|errno| u8::try_from(errno).ok());
    Fatal::already_reported(status.filter(|status| *status > 0).unwrap_or(STATUS))
}

/// Refuses what is neither a directory nor a file: the walk passes over it,
/// and zeros would look as if there were no mail.
fn refuse_other_files(place: &Place<'_>, words: &Messages) -> Result<(), Fatal> {
    for queue in &place.queues {
        let found = place.base.stat(OsStr::from_bytes(queue));
        let kind = found.map(|stat| FileKind::of(&stat));
        if matches!(kind, Ok(FileKind::Link | FileKind::Other)) {
            words.unread(queue, &Errno::ENOTDIR.into());
            return Err(Fatal::already_reported(STATUS_FAILED));
        }
    }
    Ok(())
}

/// Counts everything and shows it.
fn count(
    arguments: &Arguments,
    settings: &Settings,
    place: &Place<'_>,
    words: &Messages,
) -> Result<(), Fatal> {
    let logs = place.layout.as_ref().map(|layout| Logs {
        spool: &place.base,
        layout,
    });
    let question = CountRequest {
        by: settings.by,
        ages: settings.ages,
        now: time::now() as f64,
        logs,
        queues: &place.queues,
        matching: place
            .selection_context
            .as_ref()
            .map(|selection_context| selection_context.matching(&place.base)),
    };
    let field = ScanRequest {
        base: &place.base,
        readers: readers_for(READERS_MAX, process::raise_open_files(), DEPTH),
    };
    if arguments.form == OutputFormat::Own {
        refuse_other_files(place, words)?;
    }
    let mut display = Display::new(settings, &arguments.numbers, words);
    let mut table = DomainTable::new(arguments.parents);
    scan_queues(&question, &field, &mut table, &mut display)?;
    display.finish(&table)
}
