//! postsuper: deletes, holds, releases, requeues and expires messages, and
//! repairs the queues (spec pages 01, 06 and 11).
//!
//! Owns who may call it, and the way from root's rights to the mail owner's.
//! `arguments` reads the command line, `operation` does what it asks for,
//! `trash` what is asked of the trash.

mod arguments;
mod delivery;
mod forecast;
mod old_order;
mod operation;
mod preview;
mod scene;
mod survey;
mod told;
mod trash;
mod wishes;

use std::os::unix::fs::MetadataExt;

use clap::{Arg, Command};

use super::progress::Progress;
use super::{Call, Fatal, completions, instance, postqueue};
use crate::config::Config;
use crate::diag::{Diag, OpenedAs, Severity};
use crate::release::Feature;
use crate::spool::actions::Selected;
use crate::spool::brake::Brake;
use crate::spool::mass::Field;
use crate::spool::moves::Removal;
use crate::spool::note::Tally;
use crate::spool::repair::Changes;
use crate::spool::{Layout, Queue};
use crate::sys::error_text::error_text;
use crate::sys::guarded::Account;
use crate::sys::process::Trust;
use crate::sys::process::raise_open_files;
use crate::sys::rights;
use crate::sys::signals::Interrupts;
use crate::sys::time;

use arguments::{Arguments, Misuse, Mode, help, scan, selected, usage};
use operation::Operation;
use scene::Scene;
use told::Memory;

/// The name of the man page and of the configuration's user.
const PROGRAM: &str = "postsuper";
/// The status of every failure.
const STATUS: u8 = 1;
/// The status of --strict if an ID was not there: no signal's number, which is
/// the status after a signal.
const STATUS_STRICT: u8 = 100;
/// What a set-uid process hears.
const SET_UID: &str = "this postfix command must not run as a set-uid process";
/// What everybody but root hears.
const NOT_ROOT: &str = "use of this command is reserved for the superuser";

/// Its command line.
pub fn command() -> Command {
    let queues = Arg::new("queue").num_args(0..);
    let ids = [arguments::ALL, arguments::MATCH, arguments::STDIN];
    completions::of_table(&arguments::options())
        .mut_args(|argument| match argument.get_value_names() {
            Some([name]) if *name == "ID" => completions::among(argument, ids),
            _ => argument,
        })
        .arg(completions::among(queues, Queue::REPAIRED.map(Queue::name)))
}

/// Reads its command line.
pub fn read(call: &Call, diag: &mut Diag) -> Result<(), Fatal> {
    let scanned = scan(call).map(drop);
    scanned.map_err(|misuse| complain(misuse, call, &call.base_name(), diag))
}

/// Runs postsuper.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut diag = instance::diag(call, &program, &program);
    let mut arguments = match parse_and_admit(call, &program, &mut diag)? {
        Admitted::Explanation(text) => return postqueue::print(&mut diag, &text),
        Admitted::Work(arguments) => arguments,
    };
    let wanted = instance::Wanted {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, &mut diag, STATUS)?;
    instance::import_environment(call, &config, instance::Unlisted::Kept, &diag);
    let group = config.check_setgid_group();
    group.map_err(|error| told(&mut diag, error.to_string()))?;
    if !config.postfix.has(Feature::ForcedExpire) {
        old_order::arrange(&mut arguments.actions, &mut diag);
    }
    let spool = instance::enter_queue_directory(&config, &mut diag, STATUS)?;
    admit_to(call, &config, &mut diag)?;
    match arguments.wishes.dry_run {
        true => drop_rights(call, &config, &mut diag)?,
        false => drop_rights_but_log(call, &config, &mut diag)?,
    }
    let interrupts = Interrupts::watch()
        .map_err(|error| told(&mut diag, format!("cannot watch signals: {error}")))?;
    let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
    let selected = selected(&arguments.operands);
    // All of them, before anything is done for the first.
    for queue in selected.iter().map(Selected::queue) {
        queue.map_err(|error| told(&mut diag, error.message()))?;
    }
    let scene = Scene {
        arguments: &arguments,
        config: &config,
        spool: &spool,
        layout: &layout,
        selected: &selected,
        interrupts: &interrupts,
    };
    match arguments.wishes.dry_run {
        true => {
            time::read_zone();
            preview::run(scene, &mut diag)
        }
        false => operate(scene, call, &mut diag),
    }
}

/// Asks if that is wished, and works.
fn operate(scene: Scene<'_>, call: &Call, diag: &mut Diag) -> Result<(), Fatal> {
    let wishes = &scene.arguments.wishes;
    let rules = match wishes.selection.is_some() || wishes.one_by_one() {
        true => Some(scene.rules(diag)?),
        false => None,
    };
    let limit = survey::agree(scene, diag)?;
    let brake = Brake::new(limit, wishes.interval);
    let field = Field {
        spool: scene.spool,
        layout: scene.layout,
        selected: scene.selected,
        interrupts: scene.interrupts,
        brake: &brake,
        removal: Removal::Unlink,
        open_files: raise_open_files(),
    };
    let comment = wishes.comment.as_deref().map(str::as_bytes);
    let trash = trash::begin(&scene.arguments.trash, field, call, comment)
        .map_err(|error| told(diag, error.message()))?;
    let mut operation = Operation {
        arguments: scene.arguments,
        call,
        field: Field {
            removal: trash.as_ref().map_or(Removal::Unlink, Removal::ToTrash),
            ..field
        },
        config: scene.config,
        rules: rules.as_ref(),
        diag,
        tally: Tally::default(),
        changes: Changes::default(),
        memory: Memory::default(),
        progress: progress(scene),
        scene,
    };
    let ended = operation.run();
    drop(operation);
    if let Some(trash) = &trash {
        trash::finish(trash, scene.arguments, diag);
    }
    ended
}

/// A progress bar, if it is wished and can be seen.
fn progress(scene: Scene<'_>) -> Progress {
    match scene.arguments.wishes.progress && Progress::can_be_seen() {
        true => Progress::shown(scene.names()),
        false => Progress::default(),
    }
}

/// What a caller who may call is given.
enum Admitted {
    Explanation(String),
    Work(Box<Arguments>),
}

/// Refuses callers without the right to, before their options are looked at;
/// then reads the options.
fn parse_and_admit(call: &Call, program: &str, diag: &mut Diag) -> Result<Admitted, Fatal> {
    // Explanations are for everybody.
    let scanned = scan(call);
    if let Ok(arguments) = &scanned
        && let Some(text) = explanation(arguments.mode)
    {
        return Ok(Admitted::Explanation(text));
    }
    if call.caller.trust == Trust::BorrowedRights {
        return Err(told(diag, SET_UID));
    }
    let arguments = match call.caller.user.is_root() {
        true => scanned.map_err(|misuse| complain(misuse, call, program, diag))?,
        // A mail owner is admitted by an option, which is read without a word.
        false => scanned.map_err(|_| told(diag, NOT_ROOT))?,
    };
    let may_come = call.caller.user.is_root() || arguments.config_directory.is_some();
    if let (Some(wrong), true) = (&arguments.wrong, may_come) {
        return Err(told(diag, wrong));
    }
    match may_come {
        true => Ok(Admitted::Work(Box::new(arguments))),
        false => Err(told(diag, NOT_ROOT)),
    }
}

/// The text that is asked for instead of work.
fn explanation(mode: Mode) -> Option<String> {
    match mode {
        Mode::Help => Some(help()),
        Mode::Version => Some(super::front::version(PROGRAM)),
        Mode::Work => None,
    }
}

/// Refuses a caller who is not root, unless he is the mail owner of an
/// instance that he named, and its queue directory is his.
fn admit_to(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    let user = call.caller.user;
    let owns = || std::fs::metadata(".").is_ok_and(|found| found.uid() == user.as_raw());
    match user.is_root() || (user == config.mail_owner.uid && owns()) {
        true => Ok(()),
        false => Err(told(diag, NOT_ROOT)),
    }
}

/// As [`drop_rights`], and keeps maillog_file open if its directory is safe from
/// the mail owner; else opens it as the mail owner.
fn drop_rights_but_log(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    if call.caller.user.is_root() {
        let owner = &config.mail_owner;
        let owner = &Account::new(&owner.name, owner.uid, owner.gid);
        // What cannot be opened now is tried again below.
        let _ = diag.keep_log_file(config, OpenedAs::Root { owner });
    }
    drop_rights(call, config, diag)?;
    if let Err(error) = diag.keep_log_file(config, OpenedAs::MailOwner) {
        let why = error_text(&error);
        let text = format!("maillog_file cannot be opened, nothing will be on record there: {why}");
        diag.tell(Severity::Warning, text);
    }
    Ok(())
}

/// Becomes the mail owner, for good: nothing in the spool is touched before.
fn drop_rights(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    if !call.caller.user.is_root() {
        return Ok(());
    }
    let owner = &config.mail_owner;
    rights::irrevocably_become(owner.uid, owner.gid).map_err(|error| told(diag, error.to_string()))
}

fn complain(misuse: Misuse, call: &Call, program: &str, diag: &mut Diag) -> Fatal {
    match misuse {
        Misuse::Option(message) => {
            diag.option_error(program.as_bytes(), &message);
            told(diag, usage(call, program))
        }
        Misuse::RelativePath => told(diag, "-c requires absolute pathname"),
        Misuse::Contradiction(text) => told(diag, text),
    }
}

fn told(diag: &mut Diag, text: impl AsRef<[u8]>) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
