//! `spoolbox` itself: prints its help and version, lists the applets, and
//! rejects names that are not an applet's.

use std::io::Write;

use clap::{Arg, ArgAction, Command};

use super::table::{APPLETS, FRONT};
use super::{Call, Fatal};
use crate::text::{Charset, make_printable};

/// The exit status of an invalid command line.
const STATUS_USAGE: u8 = 64;

/// Runs `spoolbox` without an applet.
///
/// # Errors
///
/// The command line is wrong, or names no applet. Both were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let matches = match command().try_get_matches_from(&call.arguments) {
        Ok(matches) => matches,
        Err(error) => return Err(complain(&error.to_string())),
    };
    let text = if matches.get_flag("version") {
        version(FRONT)
    } else if matches.get_flag("list") {
        APPLETS
            .iter()
            .map(|applet| format!("{}\n", applet.name))
            .collect()
    } else if let Some(name) = matches.get_one::<String>("APPLET") {
        return Err(complain(&unknown(name)));
    } else {
        explanation()
    };
    // A closed output is not an error, and other errors have nowhere to be
    // reported.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

/// The command line of `spoolbox`.
pub fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new(FRONT)
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("help").short('h'))
        .arg(flag("version").short('V'))
        .arg(flag("list"))
        .arg(Arg::new("APPLET"))
        .arg(
            Arg::new("ARGUMENTS")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true),
        )
}

/// The first line of `--version`.
pub fn version(program: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match program {
        FRONT => format!("{FRONT} {version}\n"),
        _ => format!("{program} ({FRONT}) {version}\n"),
    }
}

fn explanation() -> String {
    let width = APPLETS
        .iter()
        .map(|applet| applet.name.len())
        .max()
        .unwrap_or(0);
    let applets: String = APPLETS
        .iter()
        .map(|applet| format!("  {:width$}  {}\n", applet.name, applet.summary))
        .collect();
    format!(
        "{FRONT} {}: Postfix's queue tools in one binary

usage: {FRONT} APPLET [argument]...
       or call it by the name of an applet, through a link: mailq

applets (--help after a name describes its options):
{applets}
options:
  --help     print this help text
  --list     print the names of the applets, one per line
  --version  print the version

To try it without Postfix: {FRONT} demo
",
        env!("CARGO_PKG_VERSION")
    )
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = APPLETS.iter().map(|applet| applet.name).collect();
    format!("unknown applet: {name}; there are: {}", names.join(", "))
}

fn complain(text: &str) -> Fatal {
    let text = text.trim_start_matches("error: ");
    let mut line = format!("{FRONT}: {}", text.trim_end().replace('\n', " ")).into_bytes();
    make_printable(&mut line, Charset::Safe);
    line.push(b'\n');
    // Not logged in the mail log: `spoolbox` itself is not a mail program.
    let _ = std::io::stderr().lock().write_all(&line);
    Fatal::already_reported(STATUS_USAGE)
}
