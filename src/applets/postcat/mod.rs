//! postcat: shows queue files.
//!
//! `arguments` parses the command line, `printer` finds and opens files, and
//! `matching` does so for a selection. The module `queue_file::render` formats
//! the contents.

pub mod arguments;
mod errors;
mod instances;
mod matching;
mod printer;
mod table;

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;

use super::{Call, Fatal, instance};
use crate::config::{Config, Unlisted};
use crate::logging::Logger;
use crate::queue_file::records::Buffers;
use crate::queue_file::render::{ContentsError, TextBuffer};
use crate::sys::{process, time};
use arguments::{OperandKind, PostcatArguments, PostcatMode, parse};
use errors::{PROGRAM, STATUS, failed, fatal};
use printer::{Damaged, IdSearch, OperandRun, StandardStreams};
use table::help;

/// The number of bytes to read at a time.
const READ_AHEAD: usize = 128 * 1024;

/// The applet's command line.
pub fn command() -> clap::Command {
    let files = clap::Arg::new("file")
        .num_args(0..)
        .value_hint(clap::ValueHint::FilePath);
    super::option_table::of_table(&table::options()).arg(files)
}

/// Runs postcat.
///
/// # Errors
///
/// The command line or main.cf is wrong, a file cannot be shown, or the output
/// cannot be written. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    process::die_of_closed_pipes();
    let program = call.program.to_string_lossy();
    let mut logger = Logger::without_log(&program);
    let arguments = parse(call, &mut logger)?;
    match arguments.mode {
        PostcatMode::Help => return print(&mut logger, &help()),
        PostcatMode::Version => return print(&mut logger, &super::front::version(PROGRAM)),
        PostcatMode::Show => {}
    }
    instances::run(call, arguments, logger, on_instance)
}

/// Reads main.cf of one instance, and prepares the process for its queue.
fn prepare(
    call: &Call,
    arguments: &PostcatArguments,
    logger: &mut Logger,
) -> Result<Config, Fatal> {
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, logger, STATUS)?;
    let group = config.check_setgid_group();
    group.map_err(|error| fatal(logger, error.to_string().as_bytes()))?;
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    time::read_zone();
    Ok(config)
}

/// Shows the files or messages of one instance.
fn on_instance(call: &Call, arguments: &PostcatArguments, mut logger: Logger) -> Result<(), Fatal> {
    let config = prepare(call, arguments, &mut logger)?;
    let spool = match arguments.operands_are {
        OperandKind::Files => None,
        OperandKind::Ids => Some(instance::enter_queue_directory(
            &config,
            &mut logger,
            STATUS,
        )?),
    };
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let stdout = stdout.map_err(|error| failed(&mut logger, &ContentsError::Output(error)))?;
    let screen = StandardStreams { stdout, logger };
    let search = spool.map(|spool| IdSearch::new(spool, &config));
    let printer = |search| OperandRun {
        look: arguments.look,
        instance: arguments.instance.clone(),
        plan: arguments.plan.or_all_parts(),
        start: arguments.start,
        search,
        postfix: config.postfix.clone(),
        output: TextBuffer::new(screen),
        damaged: Damaged::default(),
        buffers: Buffers::reading_ahead(READ_AHEAD),
    };
    match (&arguments.selection, search) {
        (Some(selection), Some(search)) => {
            let matching = (selection, &arguments.sort_spec);
            matching::run(printer(None), &search, matching, &config)
        }
        (_, search) => printer(search).print(&arguments.operands),
    }
}

fn print(logger: &mut Logger, text: &str) -> Result<(), Fatal> {
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| failed(logger, &ContentsError::Output(error)))
}
