//! `postqueue --count`: how many messages there are, and by what.

use std::io::Write;

use super::arguments::{Arguments, CountLook};
use super::{clock, request};
use crate::applets::Fatal;
use crate::applets::list::{self, Counted, Session};
use crate::listing::count_form;
use crate::listing::{CountBy, CountPlan, Style};

/// Counts, and prints what was counted.
pub(super) fn run(
    mut session: Session<'_>,
    arguments: &Arguments,
    look: CountLook,
    by: Option<CountBy>,
) -> Result<(), Fatal> {
    let plan = CountPlan {
        by: by.into_iter().collect(),
        ..CountPlan::default()
    };
    let counted = list::count(
        session.again(),
        &request(arguments, Style::Counts(&plan)),
        &plan,
    )?;
    let text = match by {
        None => total(&counted, arguments, look),
        Some(by) => grouped(counted, arguments, look, by),
    };
    let written = std::io::stdout().lock().write_all(&text);
    written.or_else(|error| list::output_failed(session.diag, &error))
}

fn total(counted: &Counted, arguments: &Arguments, look: CountLook) -> Vec<u8> {
    let messages = counted.totals.messages;
    match look {
        CountLook::Table => format!("{messages}\n").into_bytes(),
        CountLook::Json => count_form::total_json(messages, arguments.instance.as_deref()),
    }
}

fn grouped(counted: Counted, arguments: &Arguments, look: CountLook, by: CountBy) -> Vec<u8> {
    let instance = arguments.instance.as_deref();
    if let Some(mut names) = counted.names {
        names.truncate(arguments.top.unwrap_or(usize::MAX));
        return match look {
            CountLook::Table => count_form::queue_table(&names),
            CountLook::Json => count_form::queue_json(&names, instance),
        };
    }
    let groups = counted.counts.by.into_iter().next().unwrap_or_default();
    let rows = count_form::rows(groups, by, arguments.top);
    match look {
        CountLook::Table => count_form::table(&rows, by, clock(arguments)),
        CountLook::Json => count_form::json(&rows, by, instance),
    }
}
