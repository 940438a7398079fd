//! postcat for the instances that `--instance` or `--all-instances` chooses: the
//! messages that match in each, or the instances that have a queue ID.

use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use super::super::instance::InstanceChoice;
use super::super::instances;
use super::super::instances::{Asker, HostInstance, Instances};
use super::super::{Call, Fatal, instance};
use super::arguments::{DisplayMode, PostcatArguments};
use super::errors::{PROGRAM, STATUS, fatal};
use super::prepare;
use super::printer::IdSearch;
use crate::logging::Logger;
use crate::spool::id;
use crate::sys::child::ChildStdout;

/// The answer about a queue ID that the instance has.
const HAS: u8 = b'y';
/// The answer about one that it does not have.
const LACKS: u8 = b'n';

/// Carries out `show` for each chosen instance.
pub(super) fn run(
    call: &Call,
    mut arguments: PostcatArguments,
    mut logger: Logger,
    show: impl Fn(&Call, &PostcatArguments, Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let directory = arguments.config_directory.clone();
    let choice = InstanceChoice {
        directory: directory.as_deref(),
        release: arguments.release,
    };
    let mut asker = Asker {
        call,
        program: PROGRAM,
        logger: &mut logger,
        status: STATUS,
    };
    match arguments.instances.clone() {
        Instances::Default => show(call, &arguments, logger),
        Instances::Named(name) => {
            let instance = asker.named(choice, &name)?;
            instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
            show(call, &arguments, logger)
        }
        Instances::All => {
            let all = asker.all_to_view(choice)?;
            show_all(&mut asker, arguments, all, show)
        }
    }
}

/// Carries out `show` for each of these instances that has something to show.
fn show_all(
    asker: &mut Asker<'_>,
    mut arguments: PostcatArguments,
    all: Vec<HostInstance>,
    show: impl Fn(&Call, &PostcatArguments, Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let call = asker.call;
    let (shown, looked) = if arguments.selection.is_some() {
        let operands = arguments.operands.clone();
        let shown = all.into_iter();
        let shown = shown.map(|instance| (instance, operands.clone()));
        (shown.collect(), Ok(()))
    } else {
        with_ids(asker, &mut arguments, &all)?
    };
    let first = shown.first().map(|(instance, _)| instance.clone());
    let names: Vec<HostInstance> = shown.iter().map(|(instance, _)| instance.clone()).collect();
    let work = |instance: &HostInstance, logger: &mut Logger| {
        if arguments.look == DisplayMode::Records {
            instances::print_heading(instance, first.as_ref(), logger)?;
        }
        let operands = shown.iter().find(|(known, _)| known == instance);
        arguments.operands = operands.map_or_else(Vec::new, |(_, ids)| ids.clone());
        instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
        let own = Logger::without_log(&call.program.to_string_lossy());
        show(call, &arguments, own)
    };
    let ended = asker.each(&names, ChildStdout::Shared, work, |_, _| {});
    ended.and(looked)
}

/// The instances to show, with the operands for each.
type WithOperands = Vec<(HostInstance, Vec<OsString>)>;

/// Returns the instances that have one of the queue IDs, with the IDs that each
/// has, and whether all instances could be searched. Two instances may have the same
/// ID.
fn with_ids(
    asker: &mut Asker<'_>,
    arguments: &mut PostcatArguments,
    all: &[HostInstance],
) -> Result<(WithOperands, Result<(), Fatal>), Fatal> {
    let ids = arguments.operands.clone();
    if let Some(wrong) = ids.iter().find(|id| !id::is_valid(id.as_bytes())) {
        let text = [b"bad mail queue ID: ", wrong.as_bytes()].concat();
        return Err(fatal(asker.logger, &text));
    }
    let call = asker.call;
    let mut found = Vec::new();
    let look = |instance: &HostInstance, logger: &mut Logger| {
        instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
        let config = prepare(call, arguments, logger)?;
        let spool = instance::enter_queue_directory(&config, logger, STATUS)?;
        let search = IdSearch::new(spool, &config);
        let answer = |id: &OsString| match search.open(id.as_bytes()) {
            Ok(_) => HAS,
            Err(_) => LACKS,
        };
        let answers: Vec<u8> = ids.iter().map(answer).collect();
        let written = io::stdout().lock().write_all(&answers);
        written.map_err(|_| Fatal::already_reported(STATUS))
    };
    let looked = asker.each(all, ChildStdout::Collected, look, |instance, end| {
        let has = ids
            .iter()
            .zip(&end.output)
            .filter(|(_, answer)| **answer == HAS);
        let has: Vec<OsString> = has.map(|(id, _)| id.clone()).collect();
        if !has.is_empty() {
            found.push((instance.clone(), has));
        }
    });
    let is_found = |id: &&OsString| found.iter().any(|(_, ids)| ids.contains(id));
    if let Some(missing) = ids.iter().find(|id| !is_found(id)) {
        let text = [b"no instance has the queue ID ", missing.as_bytes()].concat();
        return Err(fatal(asker.logger, &text));
    }
    Ok((found, looked))
}
