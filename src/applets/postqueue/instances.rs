//! More than one instance: the one that is named, or all of them, as
//! multi_instance_directories lists them.
//!
//! Each instance has rights, a log and a queue directory of its own, all for
//! the whole process; so each is looked at by a process of its own.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::arguments::{Arguments, CountLook, Mode, View};
use super::{PROGRAM, STATUS, told};
use crate::applets::{Call, Fatal, instance, list};
use crate::config::Config;
use crate::diag::Diag;
use crate::sys::error_text::error_text;
use crate::text::shown;

/// What the instance without a name is called, as by postmulti(1).
const NAMELESS: &str = "-";

/// The configuration of the instance of that name.
pub(super) fn named(
    call: &Call,
    config: Config,
    name: &str,
    diag: &mut Diag,
) -> Result<Config, Fatal> {
    let mut names = vec![name_of(&config)];
    let directories = directories(&config);
    if names.iter().any(|known| known == name) {
        return Ok(config);
    }
    for directory in directories {
        let config = instance::configure(call, Some(&directory), PROGRAM, diag, STATUS)?;
        if name_of(&config) == name {
            return Ok(config);
        }
        names.push(name_of(&config));
    }
    let names = names.join(", ");
    let text = format!("there is no instance {name}; there are: {names}");
    Err(told(diag, &text))
}

/// Does for each instance what is asked for, one after the other. Goes on
/// behind one that fails.
pub(super) fn each(
    call: &Call,
    arguments: &Arguments,
    config: &Config,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    let mut names = vec![name_of(config)];
    for directory in directories(config) {
        let config = instance::configure(call, Some(&directory), PROGRAM, diag, STATUS)?;
        names.push(name_of(&config));
    }
    let mut ended = Ok(());
    for (number, name) in names.iter().enumerate() {
        if is_for_people(arguments) {
            let gap = if number == 0 { "" } else { "\n" };
            let heading = format!("{gap}==> {name} <==\n");
            let written = std::io::stdout().lock().write_all(heading.as_bytes());
            if let Err(error) = written {
                return list::output_failed(diag, &error);
            }
        }
        match start(arguments, name) {
            Ok(true) => {}
            Ok(false) => ended = Err(Fatal::told(STATUS)),
            Err(error) => {
                let text = format!("cannot start another {PROGRAM}: {}", error_text(&error));
                return Err(told(diag, &text));
            }
        }
    }
    ended
}

/// Whether what is printed says nothing of the instance by itself.
fn is_for_people(arguments: &Arguments) -> bool {
    matches!(
        arguments.mode,
        Some(Mode::List(View::Text) | Mode::Count(CountLook::Table, _))
    )
}

/// Runs the same command for the instance of that name; whether it ended well.
fn start(arguments: &Arguments, name: &str) -> std::io::Result<bool> {
    std::io::stdout().lock().flush()?;
    let status = Command::new(std::env::current_exe()?)
        .arg0(PROGRAM)
        .arg(format!("--instance={name}"))
        .args(&arguments.passed_on)
        .stdin(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// The directories of the other instances.
fn directories(config: &Config) -> Vec<OsString> {
    let separates = |b: &u8| *b == b',' || b.is_ascii_whitespace();
    let words = config.multi_instance_directories.split(separates);
    words
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect()
}

fn name_of(config: &Config) -> String {
    match config.multi_instance_name.as_slice() {
        [] => NAMELESS.to_owned(),
        name => shown(name),
    }
}
