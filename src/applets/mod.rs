//! The applets, one for each command name, in one table.
//!
//! Dispatches the call and prepares the process before any applet runs: it is
//! sanitized, and rights that the applet may not keep are dropped.

mod authorization;
mod borrowed;
mod call;
mod completions;
mod demo;
mod fatal;
mod flush;
mod front;
mod install;
mod instance;
mod listing;
mod long_options;
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

use std::ffi::{OsStr, OsString};
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

/// The name of the binary, under which it prints its own help.
pub const FRONT: &str = "spoolbox";
/// The exit status when the process cannot be set up, and for an unknown
/// applet.
const STATUS_UNUSABLE: u8 = 64;

/// An applet.
#[derive(Clone, Copy, Debug)]
pub struct Applet {
    /// The command name.
    pub name: &'static str,
    /// A one-line description.
    pub summary: &'static str,
    /// The rights of a set-gid binary that the applet keeps.
    rights: Rights,
    run: fn(&Call) -> Result<(), Fatal>,
    /// The command line, for shell completion.
    command: fn() -> Command,
}

/// The rights of a set-gid binary that an applet keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    /// The group, which can reach the sockets below `public/`.
    KeepsGroup,
    /// None: the applet runs with the caller's own rights.
    Own,
}

/// All applets.
pub const APPLETS: [Applet; 11] = [
    Applet {
        name: "completions",
        summary: "print a script for command-line completion in a shell",
        rights: Rights::Own,
        run: completions::run,
        command: completions::command,
    },
    Applet {
        name: "demo",
        summary: "create a small mail queue to try the other applets with",
        rights: Rights::Own,
        run: demo::run,
        command: demo::command,
    },
    Applet {
        name: "install",
        summary: "install the tools below a prefix",
        rights: Rights::Own,
        run: install::run_install,
        command: install::install_command,
    },
    Applet {
        name: "mailq",
        summary: "list the mail queue",
        rights: Rights::KeepsGroup,
        run: sendmail::run_mailq,
        command: sendmail::command,
    },
    Applet {
        name: "postcat",
        summary: "show queue files",
        rights: Rights::Own,
        run: postcat::run,
        command: postcat::command,
    },
    Applet {
        name: "postfix",
        summary: "flush the mail queue (postfix flush); no other command",
        rights: Rights::Own,
        run: postfix::run,
        command: postfix::command,
    },
    Applet {
        name: "postqueue",
        summary: "list, count, monitor and flush the mail queue",
        rights: Rights::KeepsGroup,
        run: postqueue::run,
        command: postqueue::command,
    },
    Applet {
        name: "postsuper",
        summary: "delete, hold, release, requeue and expire messages; repair the queues",
        rights: Rights::Own,
        run: postsuper::run,
        command: postsuper::command,
    },
    Applet {
        name: "qshape",
        summary: "count queued mail by domain and age",
        rights: Rights::Own,
        run: qshape::run,
        command: qshape::command,
    },
    Applet {
        name: "sendmail",
        summary: "list and flush the mail queue (sendmail -bp, -q); not to send mail",
        rights: Rights::KeepsGroup,
        run: sendmail::run_sendmail,
        command: sendmail::command,
    },
    Applet {
        name: "uninstall",
        summary: "remove the files that install created",
        rights: Rights::Own,
        run: install::run_uninstall,
        command: install::uninstall_command,
    },
];

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
        None => {
            let front = Applet {
                name: FRONT,
                summary: "",
                rights: Rights::Own,
                run: front::run,
                command: front::command,
            };
            start(&front, &call)
        }
    }
}

fn find(name: &OsStr) -> Option<&'static Applet> {
    APPLETS.iter().find(|applet| name == applet.name)
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
    match (applet.run)(call) {
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
    use super::*;

    #[test]
    fn applets_are_found_by_their_exact_name() {
        assert!(find(base_name(OsStr::new("/usr/bin/mailq"))).is_some());
        for name in ["Mailq", "mailq2", "gmailq", "", "xpostqueue"] {
            assert!(find(OsStr::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn the_table_is_in_order_without_doubles() {
        assert!(APPLETS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
