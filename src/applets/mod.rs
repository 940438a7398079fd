//! The applets, one for each command name, in one table.
//!
//! Dispatches the call and prepares the process before any applet runs: it is
//! sanitized, and rights that the applet may not keep are dropped.

mod authorization;
mod borrowed;
#[cfg(feature = "browse")]
mod browse;
mod call;
mod completions;
mod demo;
mod fatal;
mod flush;
mod front;
mod install;
mod instance;
mod instances;
mod listing;
mod long_options;
mod mail_owner;
mod option_table;
mod output;
pub mod postcat;
pub mod postfix;
pub mod postqueue;
pub mod postsuper;
mod progress;
pub mod qshape;
mod rate_limit;
mod sendmail;
pub mod table;
mod transfer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;

use crate::logging::Logger;
use crate::sys::error_text::error_text;
use crate::sys::process;
use crate::sys::process::ProcessIds;
use crate::sys::{rights, time};

use call::base_name;
pub use call::{Call, Inherited};
pub use fatal::Fatal;
use table::{Applet, BINARY, FRONT, Rights, find};

/// The exit status when the process cannot be set up, and for an unknown
/// applet.
const STATUS_UNUSABLE: u8 = 64;

type Run = fn(&Call) -> Result<(), Fatal>;

/// The function that runs an applet, and its command line for shell completion.
fn program(name: &str) -> Option<(Run, fn() -> Command)> {
    Some(match name {
        #[cfg(feature = "browse")]
        "browse" => (browse::run, browse::command),
        "completions" => (|call| completions::run(call, command), completions::command),
        "demo" => (demo::run, demo::command),
        "export" => (transfer::export::run, transfer::export::command),
        "import" => (transfer::import::run, transfer::import::command),
        "install" => (install::run_install, install::install_command),
        "mailq" => (sendmail::run_mailq, sendmail::command),
        "postcat" => (postcat::run, postcat::command),
        "postfix" => (postfix::run, postfix::command),
        "postqueue" => (postqueue::run, postqueue::command),
        "postsuper" => (postsuper::run, postsuper::command),
        "qshape" => (qshape::run, qshape::command),
        "sendmail" => (sendmail::run_sendmail, sendmail::command),
        "uninstall" => (install::run_uninstall, install::uninstall_command),
        FRONT => (front::run, front::command),
        _ => return None,
    })
}

/// The command line of an applet, or of the binary itself.
fn command(name: &str) -> Option<Command> {
    program(name).map(|(_, command)| command())
}

/// Runs the applet that the command line names. Called by `main` only.
pub fn main(mut arguments: Vec<OsString>) -> ExitCode {
    if let Err(cause) = process::sanitize_process() {
        return unusable(FRONT, &format!("open /dev/null: {}", error_text(&cause)));
    }
    time::read_zone();
    let program = if arguments.is_empty() {
        OsString::from(FRONT)
    } else {
        arguments.remove(0)
    };
    let call = Call::new(program, arguments, ProcessIds::of_this_process());
    match find(base_name(&call.program)) {
        Some(applet) => start(applet, &call),
        None => by_first_argument(call),
    }
}

/// Runs `spoolbox APPLET …`, or the binary under a name that is not an
/// applet's.
fn by_first_argument(mut call: Call) -> ExitCode {
    let applet = call.arguments.first().and_then(|name| find(name));
    match applet {
        Some(applet) => {
            call.program = call.arguments.remove(0);
            start(applet, &call)
        }
        None => start(&BINARY, &call),
    }
}

/// Gives up the rights that the applet may not keep, and runs it.
fn start(applet: &Applet, call: &Call) -> ExitCode {
    let dropped = match applet.rights {
        Rights::KeepsGroup => Ok(()),
        Rights::Own => rights::irrevocably_drop_borrowed_group(),
    };
    if let Err(error) = dropped.and_then(|()| rights::irrevocably_drop_borrowed_user()) {
        return unusable(applet.name, &error.to_string());
    }
    let Some((run, _)) = program(applet.name) else {
        return unusable(applet.name, "not in the table of programs");
    };
    match run(call) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => fatal.status().into(),
    }
}

/// Reports why the process cannot be set up.
fn unusable(name: &str, why: &str) -> ExitCode {
    Logger::without_log(name).fatal(why);
    STATUS_UNUSABLE.into()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_program_is_found_by_the_last_part_of_its_path() {
        assert!(find(base_name(OsStr::new("/usr/bin/mailq"))).is_some());
    }

    #[test]
    fn every_applet_has_a_program() {
        for applet in table::APPLETS.iter().chain([&BINARY]) {
            assert!(program(applet.name).is_some(), "{}", applet.name);
        }
    }
}
