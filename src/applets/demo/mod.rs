//! demo: creates a small mail queue to try the other applets on, without
//! Postfix.
//!
//! Prints the results. `messages` defines the messages; `instance` writes them.

mod instance;
mod messages;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Arg, Command, value_parser};
use nix::unistd::{Uid, User};

use super::long_options;
use super::long_options::{ParsedOptions, print};
use super::{Call, Fatal, postqueue};
use instance::Instance;

const PROGRAM: &str = "spoolbox demo";
/// Candidates for the owner of the queue if the caller is root; the first one
/// that exists is used.
const OWNERS_FOR_ROOT: [&str; 2] = ["postfix", "nobody"];

/// Runs demo.
///
/// # Errors
///
/// The demo cannot be written or shown, which was reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let report = |error: anyhow::Error| long_options::complain(PROGRAM, &error);
    let directory = match long_options::parse(command(), &call.arguments) {
        Ok(ParsedOptions::Text(text)) => return print(&text).map_err(report),
        Ok(ParsedOptions::Work(mut matches)) => matches.remove_one("DIR"),
        Err(error) => return Err(report(error)),
    };
    let instance = write(call, directory).map_err(report)?;
    print(&introduction(&instance)).map_err(report)?;
    list(call, &instance)?;
    print(&suggestions(&instance)).map_err(report)
}

/// The applet's command line.
pub fn command() -> Command {
    let directory = Arg::new("DIR")
        .help("A new or empty directory (default: a new temporary one)")
        .value_parser(value_parser!(PathBuf));
    Command::new(PROGRAM)
        .about("Creates a small mail queue to try the other applets with")
        .arg(directory)
}

/// Writes the instance with the caller's rights.
fn write(call: &Call, directory: Option<PathBuf>) -> Result<Instance> {
    let owner = owner(call.caller.user)?;
    let directory = match directory {
        Some(directory) => directory,
        None => fresh_directory()?,
    };
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let directory = directory
        .canonicalize()
        .with_context(|| format!("cannot find {}", directory.display()))?;
    let mut entries = std::fs::read_dir(&directory)
        .with_context(|| format!("cannot read {}", directory.display()))?;
    ensure!(
        entries.next().is_none(),
        "{} is not empty: name a new directory",
        directory.display()
    );
    Instance::write(&directory, owner, &messages::all())
}

/// The mail owner. Without root's rights, this is the caller.
fn owner(user: Uid) -> Result<User> {
    if !user.is_root() {
        let found = User::from_uid(user).context("cannot look up the user")?;
        return found.with_context(|| format!("user ID {user} has no name"));
    }
    for name in OWNERS_FOR_ROOT {
        if let Ok(Some(user)) = User::from_name(name) {
            return Ok(user);
        }
    }
    bail!("there is neither a user postfix nor a user nobody; run it as an ordinary user")
}

/// Creates a new directory below the temporary directory. Creating it reserves
/// the name, so nobody else can have put anything into it.
fn fresh_directory() -> Result<PathBuf> {
    let base = std::env::temp_dir();
    let process = std::process::id();
    for attempt in 0..1000 {
        let directory = base.join(format!("spoolbox-demo-{process}-{attempt}"));
        match std::fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot create {}", directory.display()));
            }
        }
    }
    bail!("no free name in {}", base.display())
}

fn introduction(instance: &Instance) -> String {
    format!(
        "A mail queue with {} messages is in {}.\n\
         No mail system runs on it: the warning below is the one that Postfix gives then.\n\n\
         $ mailq\n",
        instance.messages,
        instance.directory.display()
    )
}

/// Lists the instance with the applet that the user will call next.
fn list(call: &Call, instance: &Instance) -> Result<(), Fatal> {
    let etc = instance.directory.join("etc").into_os_string();
    let arguments = vec![OsString::from("-c"), etc, OsString::from("-p")];
    postqueue::run(&Call::new("postqueue", arguments, call.caller))
}

fn suggestions(instance: &Instance) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("spoolbox"));
    let program = program.display();
    let etc = instance.directory.join("etc");
    let etc = etc.display();
    let commands = [
        format!("{program} postqueue -c {etc} -j"),
        format!("{program} postqueue -c {etc} -p | grep -c '^[0-9A-Za-z]'"),
        format!(
            "{program} postqueue -c {etc} -p | awk '/^[0-9A-Za-z].*@bulk.example$/ {{ print $1 }}'"
        ),
        format!("{program} postqueue -c {etc} --dialect=3.11 -j | grep orig_address"),
        format!("{program} qshape -c {etc} deferred"),
    ];
    let mut text = String::from("\nTo try:\n");
    for command in commands {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {command}");
    }
    let _ = writeln!(text, "To remove it: rm -r {}", instance.directory.display());
    text
}
