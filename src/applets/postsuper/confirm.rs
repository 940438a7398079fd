//! Confirmation before any message is changed: counts the messages that would
//! be acted on, for `--max`, and asks for confirmation, for `--interactive`.
//!
//! No more messages than were counted are acted on, since messages that arrive
//! later were not confirmed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr, stdin};
use std::os::fd::AsFd;

use super::super::Fatal;
use super::super::listing::Collector;
use super::super::output;
use super::context::{ActionContext, ScanEnd};
use super::errors::fatal;
use super::journal::Deleted;
use crate::actions::{Action, WorkError};
use crate::listing::format::counts;
use crate::listing::{CountBy, CountPlan, Style, Totals};
use crate::logging::Logger;
use crate::sys::signals::Wake;
use crate::text::{Charset, make_printable};

/// The number of most common values that are shown.
const TOP: usize = 5;
/// The number of bytes of an answer that are read.
const ANSWER_MAX: usize = 64;
/// The number of bytes of a sender or reason that are shown.
const SHOWN_MAX: usize = 120;

/// Counts the messages, and asks for confirmation if requested. Returns the
/// largest number of messages that may be acted on; fails if there may be none.
///
/// # Errors
///
/// The answer is no, a limit would be exceeded, or messages cannot be counted.
/// All were reported.
pub fn ask_confirmation(
    context: ActionContext<'_>,
    logger: &mut Logger,
) -> Result<Option<u64>, Fatal> {
    let options = &context.arguments.options;
    let Some((action, argument)) = context.arguments.actions.first() else {
        return Ok(options.limit);
    };
    if !options.counts_first() {
        return Ok(options.limit);
    }
    if options.interactive && !(stdin().is_terminal() && stderr().is_terminal()) {
        let text = "--interactive needs a terminal, as standard input and standard error; \
                    without one: --dry-run to see, --max to be safe";
        return Err(fatal(logger, text));
    }
    let summary = count(context, *action, argument, logger)?;
    let messages = summary.totals.messages;
    if let Some(max) = options.max.filter(|max| messages > *max) {
        let text = format!("{messages} messages match, and --max is {max}: nothing was done");
        return Err(fatal(logger, &text));
    }
    let limit = options.limit.map_or(messages, |limit| limit.min(messages));
    // A dry run lists the messages instead of asking.
    if options.interactive && !options.dry_run && messages > 0 {
        ask(context, *action, limit, &summary, logger)?;
    }
    Ok(Some(limit))
}

/// Prints the number of messages that would be acted on, for the limit of all
/// instances together.
///
/// # Errors
///
/// The messages cannot be counted, or the number cannot be written. Both were
/// reported.
pub fn print_count(context: ActionContext<'_>, logger: &mut Logger) -> Result<(), Fatal> {
    let Some((action, argument)) = context.arguments.actions.first() else {
        return Ok(());
    };
    let summary = count(context, *action, argument, logger)?;
    output::print(logger, &summary.totals.messages.to_string())
}

fn count(
    context: ActionContext<'_>,
    action: Action,
    argument: &OsStr,
    logger: &mut Logger,
) -> Result<Collector, Fatal> {
    let options = &context.arguments.options;
    let selection = options.selection_of(argument);
    let rules = context.rules(logger)?;
    let plan = CountPlan {
        by: if options.interactive {
            vec![CountBy::From.into(), CountBy::Reason.into()]
        } else {
            Vec::new()
        },
        needs_sizes: true,
        ..CountPlan::default()
    };
    let mut summary = Collector::default();
    let look = Style::Counts(&plan).into();
    let listed = context.list(action, (selection, &rules), look, &mut summary, None);
    listed.map_err(|ended| context.end(&ended, logger))?;
    Ok(summary)
}

/// Shows the counts and asks. Fails unless the answer is yes.
fn ask(
    context: ActionContext<'_>,
    action: Action,
    limit: u64,
    summary: &Collector,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let deleted = context.arguments.journal.deleted();
    let text = question(action, deleted, limit, summary);
    // If the question cannot be written to the terminal, it counts as not
    // confirmed.
    let is_shown = stderr().lock().write_all(&text).is_ok();
    let is_yes = is_shown && answer(context).map_err(|ended| context.end(&ended, logger))?;
    if is_yes {
        Ok(())
    } else {
        Err(fatal(logger, "nothing was done"))
    }
}

fn question(action: Action, deleted: Deleted, limit: u64, summary: &Collector) -> Vec<u8> {
    let Totals { messages, bytes } = summary.totals;
    let s = if messages == 1 { "" } else { "s" };
    let mut out = format!("{messages} message{s}, {bytes} bytes\n").into_bytes();
    for (place, by, heading) in [
        (0, CountBy::From, "senders"),
        (1, CountBy::Reason, "reasons"),
    ] {
        let groups = summary.counts.by.get(place).cloned().unwrap_or_default();
        let rows = counts::rows(groups, &by.into(), Some(TOP));
        if !rows.is_empty() {
            out.extend_from_slice(format!("commonest {heading}:\n").as_bytes());
        }
        for (value, group) in rows {
            let mut value = cut(&value).to_vec();
            // The value is already printable within what smtputf8_enable
            // allows.
            make_printable(&mut value, Charset::StrictUtf8);
            out.extend_from_slice(format!("{:>9}  ", group.count).as_bytes());
            out.extend_from_slice(&value);
            out.push(b'\n');
        }
    }
    let which = match (limit < messages, limit) {
        (true, 1) => "the first of them".to_owned(),
        (true, _) => format!("the first {limit} of them"),
        (false, 1) => "this message".to_owned(),
        (false, _) => format!("these {limit} messages"),
    };
    let (what, to) = match action {
        Action::Delete if deleted == Deleted::InTrash => ("Move", " to the trash"),
        Action::Delete => ("Delete", ""),
        Action::Expire => ("Expire", ""),
        Action::ExpireAndRelease => ("Expire and release", ""),
        Action::Hold => ("Hold", ""),
        Action::Release => ("Release", ""),
        Action::Requeue => ("Requeue", ""),
        Action::Postpone => ("Postpone", ""),
        Action::DropRecipients => ("Drop recipients of", ""),
        Action::Bounce => ("Return", " to the sender"),
    };
    out.extend_from_slice(format!("{what} {which}{to}? [y/N] ").as_bytes());
    out
}

/// Returns the start of a value, cut between characters.
fn cut(value: &[u8]) -> &[u8] {
    let is_inside = |end: &usize| value.get(*end).is_some_and(|b| b & 0xc0 == 0x80);
    let mut ends = (0..=SHOWN_MAX.min(value.len())).rev();
    let end = ends.find(|end| !is_inside(end)).unwrap_or(0);
    value.get(..end).unwrap_or(value)
}

/// Whether the answer is yes. The end of input, an error and any other answer
/// count as no.
fn answer(context: ActionContext<'_>) -> Result<bool, ScanEnd> {
    let Ok(copy) = stdin().as_fd().try_clone_to_owned() else {
        return Ok(false);
    };
    let mut terminal = File::from(copy);
    let mut line = Vec::new();
    let mut buffer = [0; ANSWER_MAX];
    while !line.contains(&b'\n') && line.len() < ANSWER_MAX {
        match context.interrupts.wait_for(&terminal) {
            Ok(Wake::Readable) => {}
            Ok(Wake::Interrupted) => return Err(ScanEnd::Work(WorkError::Interrupted)),
            Err(_) => return Ok(false),
        }
        match terminal.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(false),
            Ok(length) => line.extend_from_slice(buffer.get(..length).unwrap_or_default()),
        }
    }
    let answer = line.trim_ascii();
    Ok(answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes"))
}
