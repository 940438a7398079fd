//! postfix: `postfix flush`, which is `postqueue -f` for the superuser.
//!
//! Starting, stopping and checking the mail system is not supported.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal, instance, output, postqueue};
use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Scanned, Scanner, Value};
use crate::config::{Config, Unlisted};
use crate::logging::{Logger, Severity};
use crate::release::{Feature, Release};
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::time;
use crate::text::to_printable;

/// The exit status of every failure before postqueue takes over.
const STATUS: u8 = 1;
/// The supported command.
const FLUSH: &str = "flush";

const OPTIONS: [Opt; 5] = [
    cli::CONFIG_DIRECTORY,
    Opt::short(
        'D',
        Value::None,
        "accepted for compatibility, without effect",
    ),
    cli::VERBOSE,
    cli::HELP,
    cli::VERSION,
];

/// The requested operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PostfixMode {
    #[default]
    Command,
    Help,
    Version,
}

impl PostfixMode {
    fn explanation(self) -> Option<String> {
        match self {
            Self::Help => Some(help()),
            Self::Version => Some(super::front::version("postfix")),
            Self::Command => None,
        }
    }
}

/// A parsed command line.
#[derive(Debug, Default)]
pub struct PostfixArguments {
    mode: PostfixMode,
    config_directory: Option<OsString>,
    command: OsString,
}

/// The applet's command line.
pub fn command() -> clap::Command {
    super::option_table::of_table(&OPTIONS)
}

/// Runs `postfix flush`.
///
/// # Errors
///
/// Any command but flush, a wrong command line, or what postqueue fails with.
/// All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut logger = Logger::of_mail_system(&program, &instance::environment(call));
    if release(call).has(Feature::PostfixOnStandardError) {
        logger.write_to_any_standard_error();
    }
    // Help and version are available to every user.
    if let Ok(arguments) = parse(call, &program, &mut Logger::unheard(&program))
        && let Some(text) = arguments.mode.explanation()
    {
        return output::print(&mut logger, &text);
    }
    if !call.caller.user.is_root() || call.caller.trust == Trust::BorrowedRights {
        logger.error("to submit mail, use the Postfix sendmail command");
        return Err(fatal(
            &mut logger,
            "the postfix command is reserved for the superuser",
        ));
    }
    let arguments = parse(call, &program, &mut logger)?;
    let directory = arguments.config_directory.as_deref();
    let wanted = instance::InstanceChoice::at(directory);
    let config = instance::configure(call, wanted, "postfix", &mut logger, STATUS)?;
    for line in config.compatibility_messages() {
        logger.info(line);
    }
    check_directories(&config, &mut logger)?;
    if arguments.command != FLUSH {
        let command = to_printable(arguments.command.as_bytes());
        let text = format!("unknown command: '{command}'. This postfix knows one: {FLUSH}");
        return Err(fatal(&mut logger, &text));
    }
    instance::import_environment(call, &config, Unlisted::Dropped, &logger);
    // Postfix runs postqueue in a process of its own, which reads TZ anew.
    time::read_zone();
    let directory = config.config_directory.as_os_str().to_owned();
    postqueue::run(&Call {
        inherited: instance::leave(&config, Some(directory)),
        ..Call::new("postqueue", vec!["-f".into()], call.caller)
    })
}

/// The release of the instance that a call is for.
fn release(call: &Call) -> Release {
    let outline = cli::outline(&OPTIONS, &call.arguments, &[]);
    let wanted = instance::InstanceChoice::at(outline.directory.as_deref());
    instance::release_of(call, wanted, "postfix")
}

/// Parses the command line.
///
/// # Errors
///
/// An option is unknown, or the operand is missing or is not `flush`. The error
/// has been reported.
pub fn parse(call: &Call, program: &str, logger: &mut Logger) -> Result<PostfixArguments, Fatal> {
    let mut arguments = PostfixArguments::default();
    let mut scanner = Scanner::new(&OPTIONS, call.arguments.clone());
    for scanned in scanner.by_ref() {
        match scanned {
            Ok(Scanned::Short('c', directory)) if !Path::new(&directory).is_absolute() => {
                return Err(fatal(logger, "-c requires absolute pathname"));
            }
            Ok(Scanned::Short('c', directory)) => arguments.config_directory = Some(directory),
            Ok(Scanned::Long("help", _)) => arguments.mode = PostfixMode::Help,
            Ok(Scanned::Long("version", _)) => arguments.mode = PostfixMode::Version,
            Ok(_) => {}
            Err(error) => {
                logger.option_error(program.as_bytes(), &error.message());
                let usage = format!("usage: {program} [-c config_dir] [-Dv] command");
                return Err(fatal(logger, &usage));
            }
        }
    }
    if arguments.mode == PostfixMode::Command {
        let operands = scanner.operands().without_options("the command");
        // Postfix has no such message, so it is not limited to terminals.
        let operands = operands.map_err(|error| {
            logger.report(Severity::Fatal, error.to_string());
            Fatal::already_reported(STATUS)
        })?;
        arguments.command = operands.into_iter().next().unwrap_or_default();
    }
    Ok(arguments)
}

/// Checks that the mail system's directories exist, which every command
/// requires.
fn check_directories(config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    let directories = [
        &config.command_directory,
        &config.daemon_directory,
        &config.queue_directory,
    ];
    for directory in directories {
        std::env::set_current_dir(directory).map_err(|error| {
            let directory = to_printable(directory.as_os_str().as_bytes());
            fatal(
                logger,
                &format!("chdir({directory}): {}", error_text(&error)),
            )
        })?;
    }
    Ok(())
}

/// The text of `--help`.
fn help() -> String {
    let page = HelpPage {
        usage: &["postfix [-c DIR] flush"],
        about: &[
            "Tries to deliver all mail now. It replaces the command flush of Postfix's postfix. \
             Other commands are not supported.",
        ],
        groups: &[OptionGroup::new("Options", &OPTIONS)],
        examples: &[
            ("postfix flush", "Try to deliver all mail now."),
            (
                "postfix -c /etc/postfix-out flush",
                "Try to deliver all mail of another instance now.",
            ),
        ],
    };
    page.text()
}

fn fatal(logger: &mut Logger, text: &str) -> Fatal {
    Fatal::report(STATUS, logger, text)
}
