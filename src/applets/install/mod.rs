//! install and uninstall: the binary installs itself, either in place of
//! Postfix's tools or next to them, and removes itself again.
//!
//! Defines the command lines and prints the results. `layout` lists the items,
//! `plan` and `removal` compute the steps, `step` carries them out, and
//! `manifest` records them.

mod diversion;
mod found;
mod layout;
mod manifest;
mod owner;
mod page;
mod plan;
mod removal;
mod step;
mod target;

use std::path::PathBuf;

use anyhow::{Context, Error, Result, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use nix::unistd::geteuid;

use super::long_options;
use super::long_options::{ParsedOptions, print, warn};
use super::{Call, Fatal};
use owner::Owners;
use plan::ReplacedTool;
use removal::Uninstall;
use step::InstallStep;
use target::InstallTarget;

const INSTALL: &str = "spoolbox install";
const UNINSTALL: &str = "spoolbox uninstall";
const DEFAULT_PREFIX: &str = "/usr/local";

/// Runs install.
///
/// # Errors
///
/// The command line is wrong, or a step failed. It was reported.
pub fn run_install(call: &Call) -> Result<(), Fatal> {
    run(call, install_command(), INSTALL, install)
}

/// The command line of install.
pub fn install_command() -> Command {
    common(INSTALL)
        .about("Installs programs, links and manual pages below a prefix")
        .arg(
            flag("divert")
                .help("Rename Postfix's files of the same names (Debian)")
                .conflicts_with("destdir"),
        )
}

/// Runs uninstall.
///
/// # Errors
///
/// The command line is wrong, or a step failed. It was reported.
pub fn run_uninstall(call: &Call) -> Result<(), Fatal> {
    run(call, uninstall_command(), UNINSTALL, uninstall)
}

/// The command line of uninstall.
pub fn uninstall_command() -> Command {
    common(UNINSTALL).about("Removes the files that install created below a prefix")
}

fn common(name: &'static str) -> Command {
    let directory = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("DIR")
            .value_hint(clap::ValueHint::DirPath)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new(name)
        .arg(
            directory("prefix")
                .default_value(DEFAULT_PREFIX)
                .help("Install below this directory"),
        )
        .arg(directory("destdir").help("Use this directory in place of /, to create a package"))
        .arg(flag("dry-run").help("Print the steps without changing anything"))
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn run(
    call: &Call,
    command: Command,
    program: &str,
    work: fn(&ArgMatches) -> Result<()>,
) -> Result<(), Fatal> {
    let report = |error: Error| long_options::complain(program, &error);
    match long_options::parse(command, &call.arguments) {
        Ok(ParsedOptions::Text(text)) => print(&text),
        Ok(ParsedOptions::Work(matches)) => work(&matches),
        Err(error) => Err(error),
    }
    .map_err(report)
}

fn install(matches: &ArgMatches) -> Result<()> {
    let (target, mode) = asked(matches)?;
    let owners = Owners::of(&target)?;
    let postfixs = if matches.get_flag("divert") {
        ReplacedTool::MakeRoom
    } else {
        ReplacedTool::Stay
    };
    let steps = plan::install(&target, &owners, postfixs)?;
    if let Some(lack) = &owners.lack {
        warn(INSTALL, lack);
    }
    if steps.is_empty() {
        return print("Everything is in place.\n");
    }
    perform(&steps, mode).context("not finished: repeat it, or call uninstall")
}

fn uninstall(matches: &ArgMatches) -> Result<()> {
    let (target, mode) = asked(matches)?;
    let removal = Uninstall::of(&target)?;
    for reason in &removal.stays {
        warn(UNINSTALL, &format!("kept: {reason}"));
    }
    perform(&removal.steps, mode)?;
    if !removal.is_complete() {
        bail!("not everything was removed: correct that and repeat it");
    }
    Ok(())
}

/// Whether steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Execution {
    Do,
    OnlyPrint,
}

/// Reads the options that both applets have. Fails if the caller lacks the
/// rights.
fn asked(matches: &ArgMatches) -> Result<(InstallTarget, Execution)> {
    let directory = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let prefix = directory("prefix").unwrap_or_else(|| DEFAULT_PREFIX.into());
    let target = InstallTarget::new(prefix, directory("destdir"))?;
    let mode = if matches.get_flag("dry-run") {
        Execution::OnlyPrint
    } else {
        Execution::Do
    };
    ensure!(
        mode == Execution::OnlyPrint || !target.is_this_system() || geteuid().is_root(),
        "only root can do that: run it as root, or with --dry-run or --destdir"
    );
    Ok((target, mode))
}

/// Carries out the steps and prints each one afterwards. A closed output does
/// not stop an installation halfway.
fn perform(steps: &[InstallStep], mode: Execution) -> Result<()> {
    for step in steps {
        if mode == Execution::Do {
            step.perform()?;
        }
        let _ = print(&format!("{step}\n"));
    }
    match mode {
        Execution::Do => Ok(()),
        Execution::OnlyPrint => print("Nothing was changed: this was a dry run.\n"),
    }
}
