//! `postqueue --count`: the number of messages, or a table of them by sender,
//! recipient, reason and others, as text or JSON.

use super::super::Fatal;
use super::super::listing;
use super::super::listing::{CountSummary, Session};
use super::super::output;
use super::super::output::Target;
use super::arguments::PostqueueArguments;
use super::mode::CountFormat;
use super::view::{clock, detail_rules, request};
use crate::listing::format::counts;
use crate::listing::metrics::Top;
use crate::listing::{CountKeys, CountPlan, Style};

/// Counts the queue and prints the result.
pub(super) fn run(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
    look: CountFormat,
    by: Option<&CountKeys>,
    mut target: Target<'_>,
) -> Result<(), Fatal> {
    let forecast = match by {
        Some(by) if by.needs_forecast() => Some(detail_rules(session.config, session.logger)?),
        _ => None,
    };
    let plan = CountPlan {
        by: by.cloned().into_iter().collect(),
        forecast,
        ..CountPlan::default()
    };
    let counted = listing::count(
        session.reborrow(),
        &request(arguments, Style::Counts(&plan)),
        &plan,
    )?;
    let text = match by {
        None => total(&counted, arguments, look),
        Some(by) => grouped(counted, arguments, look, by),
    };
    let written = target.write_all(&text);
    written.or_else(|error| output::output_failed(session.logger, &error))
}

fn total(counted: &CountSummary, arguments: &PostqueueArguments, look: CountFormat) -> Vec<u8> {
    let messages = counted.totals.messages;
    match look {
        CountFormat::Table => format!("{messages}\n").into_bytes(),
        CountFormat::Json => counts::total_json(messages, arguments.instance.as_deref()),
    }
}

/// The number of rows, if it is limited.
fn top(arguments: &PostqueueArguments) -> Option<usize> {
    match arguments.top {
        Some(Top::First(top)) => Some(top),
        Some(Top::All) | None => None,
    }
}

fn grouped(
    counted: CountSummary,
    arguments: &PostqueueArguments,
    look: CountFormat,
    by: &CountKeys,
) -> Vec<u8> {
    let instance = arguments.instance.as_deref();
    if let Some(mut names) = counted.names {
        names.truncate(top(arguments).unwrap_or(usize::MAX));
        return match look {
            CountFormat::Table => counts::queue_table(&names),
            CountFormat::Json => counts::queue_json(&names, instance),
        };
    }
    let groups = counted.counts.by.into_iter().next().unwrap_or_default();
    let rows = counts::rows(groups, by, top(arguments));
    match look {
        CountFormat::Table => counts::table(&rows, by, clock(arguments)),
        CountFormat::Json => counts::json(&rows, by, instance),
    }
}
