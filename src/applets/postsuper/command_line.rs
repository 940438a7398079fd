//! The command line of postsuper: its options in their order, and its operands.
//!
//! Checks which of them exclude each other. Changes nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::instances::{Instances, InstancesError};
use super::super::{Call, instance};
use super::arguments::{Notify, PostsuperArguments, PostsuperMode};
use super::errors::PROGRAM;
use super::journal::{OtherRequests, Task};
use super::options;
use super::options::STDIN;
use super::table::options;
use crate::actions::Action;
use crate::actions::repair_rules::{Purge, Structure};
use crate::cli;
use crate::cli::{ScanError, Scanned, Scanner};
use crate::release::Feature;
use crate::selection::Taken;
use crate::spool::{Queue, id};
use crate::text::to_printable;

/// The letters that not every release has.
const NEWER: [(char, Feature); 2] = [('e', Feature::ForcedExpire), ('f', Feature::ForcedExpire)];

/// An error in a command line.
pub enum CommandLineError {
    /// An option error with getopt's message; the usage message follows.
    Option(Vec<u8>),
    /// The value of -c is a relative path.
    RelativePath,
    /// Options that exclude each other, with a hint.
    Contradiction(String),
}

/// Parses the command line.
///
/// # Errors
///
/// The command line is wrong.
pub fn scan(call: &Call) -> Result<PostsuperArguments, CommandLineError> {
    let mut arguments = PostsuperArguments::default();
    let mut reading = options::ActionOptionsParser::new();
    let options = instance::options_of_release(call, options(), &NEWER, PROGRAM);
    let (words, message) = split_message(call.arguments.clone());
    let mut scanner = Scanner::new(&options, words);
    let scanned: Vec<Result<Scanned, ScanError>> = scanner.by_ref().collect();
    take_all(scanned, &options, &mut reading, &mut arguments)?;
    arguments.operands = match arguments.mode {
        PostsuperMode::Work => {
            let operands = scanner.operands();
            let operands = operands.without_options_or_value("the queue name", is_undone_id);
            operands.map_err(|error| CommandLineError::Contradiction(error.to_string()))?
        }
        PostsuperMode::Help | PostsuperMode::Version => Vec::new(),
    };
    if reading.drops_recipients() && arguments.mode == PostsuperMode::Work {
        take_message_operand(message, &mut arguments)?;
    }
    match reading.finish(&arguments.actions, arguments.other_work()) {
        Ok(options) => arguments.options = options,
        Err(wrong) => arguments.wrong = Some(wrong),
    }
    check_instances(&mut arguments);
    if arguments.mode == PostsuperMode::Work {
        arguments.task = task(&arguments)?;
        check_postponed(&arguments)?;
        check_notify(&arguments)?;
    }
    if arguments.actions.is_empty() && !arguments.repairs() && arguments.task.is_none() {
        arguments.purge = Purge::Unfinished;
        arguments.structure = Structure::Fix;
    }
    Ok(arguments)
}

/// Applies the options in their order.
fn take_all(
    scanned: Vec<Result<Scanned, ScanError>>,
    options: &[cli::Opt],
    reading: &mut options::ActionOptionsParser,
    arguments: &mut PostsuperArguments,
) -> Result<(), CommandLineError> {
    // --older is an option of a selection or of --trash-purge.
    let purges = scanned
        .iter()
        .any(|scanned| matches!(scanned, Ok(Scanned::Long("trash-purge", _))));
    for scanned in scanned {
        let scanned = scanned.map_err(|error| CommandLineError::Option(error.message()))?;
        check_value(&scanned, options)?;
        match &scanned {
            Scanned::Long(name @ "older", value) if purges => {
                arguments.journal.take(name, value);
            }
            _ if reading.take(&scanned) == Taken::Yes => {}
            _ => take(scanned, arguments)?,
        }
    }
    Ok(())
}

/// Refuses queue IDs for all instances.
fn check_instances(arguments: &mut PostsuperArguments) {
    let names_undone = arguments.journal.undoes() && !arguments.operands.is_empty();
    let names_messages = arguments.names_messages() || names_undone;
    if arguments.instances == Instances::All && names_messages {
        let text = "a queue ID names a message of one instance: use --instance NAME, or MATCH \
                    and a selection";
        arguments.wrong.get_or_insert_with(|| text.to_owned());
    }
}

/// Takes the message of `--drop-recipient=P ID` out of the command line, so that
/// options may follow it, as they may follow `-d ID`.
fn split_message(mut words: Vec<OsString>) -> (Vec<OsString>, Option<OsString>) {
    let is_option = |word: &OsString| word.as_bytes().starts_with(b"-") && word != STDIN;
    let options = words.iter().take_while(|word| *word != "--");
    let mut at = None;
    for (place, word) in options.enumerate() {
        let after = match word.as_bytes() {
            b"--drop-recipient" => 2,
            word if word.starts_with(b"--drop-recipient=") => 1,
            _ => continue,
        };
        at = Some(place.saturating_add(after));
    }
    let is_message = |at: &usize| words.get(*at).is_some_and(|word| !is_option(word));
    let message = at.filter(is_message).map(|at| words.remove(at));
    (words, message)
}

/// Adds the action of `--drop-recipient`; its message may also be the first operand.
fn take_message_operand(
    message: Option<OsString>,
    arguments: &mut PostsuperArguments,
) -> Result<(), CommandLineError> {
    let has_operand = !arguments.operands.is_empty();
    let message = match message {
        Some(message) => message,
        None if has_operand => arguments.operands.remove(0),
        None => {
            let text = "--drop-recipient needs a message: postsuper --drop-recipient=P ID";
            return Err(CommandLineError::Contradiction(text.to_owned()));
        }
    };
    arguments.actions.push((Action::DropRecipients, message));
    Ok(())
}

/// Refuses a long option in place of a queue ID: `-d --dry-run -d ALL` must not
/// lose the dry run.
fn check_value(scanned: &Scanned, options: &[cli::Opt]) -> Result<(), CommandLineError> {
    match scanned {
        Scanned::Short(letter, value) if cli::is_long_option(options, value) => {
            let text = format!(
                "option requires an argument -- '{letter}'; {} is an option",
                to_printable(value.as_bytes())
            );
            Err(CommandLineError::Option(text.into_bytes()))
        }
        _ => Ok(()),
    }
}

/// Refuses `--notify` without an action after which there is something to deliver.
fn check_notify(arguments: &PostsuperArguments) -> Result<(), CommandLineError> {
    let releases = |(action, _): &(Action, OsString)| action.causes_deliveries();
    if arguments.notify == Notify::No || arguments.actions.iter().any(releases) {
        return Ok(());
    }
    let text = "--notify is for actions that cause deliveries: -H, -f, -r and --bounce";
    Err(CommandLineError::Contradiction(text.to_owned()))
}

/// Returns the request to the journal; `None` if there is none.
fn task(arguments: &PostsuperArguments) -> Result<Option<Task>, CommandLineError> {
    let is_delete = |(action, _): &(Action, OsString)| *action == Action::Delete;
    let others = OtherRequests {
        deletes: arguments.actions.iter().any(is_delete),
        acts: !arguments.actions.is_empty(),
        repairs: arguments.repairs(),
        names_queues: !arguments
            .operands
            .iter()
            .all(|operand| is_undone_id(operand)),
        names_messages: !arguments.operands.is_empty(),
        selects: arguments.options.selection.is_some(),
    };
    let task = arguments.journal.task(others);
    task.map_err(CommandLineError::Contradiction)
}

/// Refuses to postpone messages outside of deferred.
fn check_postponed(arguments: &PostsuperArguments) -> Result<(), CommandLineError> {
    let postpones = |(action, _): &(Action, OsString)| *action == Action::Postpone;
    let is_other = |queue: &&OsString| *queue != Queue::Deferred.name();
    let other = arguments.operands.iter().find(is_other);
    match other.filter(|_| arguments.actions.iter().any(postpones)) {
        Some(queue) => Err(CommandLineError::Contradiction(format!(
            "--postpone is for deferred: the time of a file in {} is not that of its next attempt",
            to_printable(queue.as_bytes())
        ))),
        None => Ok(()),
    }
}

/// Whether an operand after --undo is a queue ID, or stands for those on
/// standard input; the name of a queue or of a batch is not.
fn is_undone_id(operand: &OsStr) -> bool {
    let name = operand.as_bytes();
    let has_inode = || id::inode(name).is_some_and(|inode| inode > 0);
    operand == STDIN || (id::is_valid(name) && has_inode())
}

fn take(option: Scanned, arguments: &mut PostsuperArguments) -> Result<(), CommandLineError> {
    if let Scanned::Long(name, value) = &option {
        let taken = arguments.instances.take(name, value);
        let wrong = |error: InstancesError| CommandLineError::Contradiction(error.to_string());
        if taken.map_err(wrong)? {
            return Ok(());
        }
    }
    let action = match option {
        Scanned::Short('c', value) => {
            if !Path::new(&value).is_absolute() {
                return Err(CommandLineError::RelativePath);
            }
            arguments.config_directory = Some(value);
            return Ok(());
        }
        Scanned::Long("dialect", value) => {
            let bad = || format!("bad value for --dialect: {}", value.display());
            let release = cli::release(&value);
            arguments.release =
                Some(release.ok_or_else(|| CommandLineError::Contradiction(bad()))?);
            return Ok(());
        }
        Scanned::Short('d', value) => (Action::Delete, value),
        Scanned::Short('e', value) => (Action::Expire, value),
        Scanned::Short('f', value) => (Action::ExpireAndRelease, value),
        Scanned::Short('h', value) => (Action::Hold, value),
        Scanned::Short('H', value) => (Action::Release, value),
        Scanned::Short('r', value) => (Action::Requeue, value),
        Scanned::Long("postpone", value) => (Action::Postpone, value),
        Scanned::Long("bounce", value) => (Action::Bounce, value),
        other => {
            switch(other, arguments);
            return Ok(());
        }
    };
    arguments.actions.push(action);
    Ok(())
}

/// Applies an option without a value.
fn switch(option: Scanned, arguments: &mut PostsuperArguments) {
    match option {
        Scanned::Short('p', _) => arguments.purge = Purge::Unfinished,
        Scanned::Short('s', _) if arguments.structure == Structure::Leave => {
            arguments.structure = Structure::Fix;
        }
        Scanned::Short('S', _) => arguments.structure = Structure::FixRedundant,
        Scanned::Long(name, value) if arguments.journal.take(name, &value) => {}
        Scanned::Long("notify", _) => arguments.notify = Notify::WhenMoved,
        // The first of `--help` and `--version` wins.
        Scanned::Long("help", _) if arguments.mode == PostsuperMode::Work => {
            arguments.mode = PostsuperMode::Help
        }
        Scanned::Long("version", _) if arguments.mode == PostsuperMode::Work => {
            arguments.mode = PostsuperMode::Version;
        }
        _ => {}
    }
}

/// Returns the usage message of the instance's release.
pub fn usage(call: &Call, program: &str) -> String {
    let outline = cli::outline(&options(), &call.arguments, &[]);
    let wanted = instance::InstanceChoice {
        directory: outline.directory.as_deref(),
        release: outline.release,
    };
    let release = instance::release_of(call, wanted, PROGRAM);
    let expire = if release.has(Feature::ForcedExpire) {
        " [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)]"
    } else {
        ""
    };
    format!(
        "usage: {program} [-c config_dir] [-d queue_id (delete)]{expire} \
         [-h queue_id (hold)] [-H queue_id (un-hold)] \
         [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] \
         [-S (redundant structure fix)][-v (verbose)] [queue...]"
    )
}
