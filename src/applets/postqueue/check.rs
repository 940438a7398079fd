//! `postqueue --check`: the output line and the exit status of a monitoring
//! plugin.
//!
//! Whatever is wrong, from the command line to a queue that cannot be read, there
//! is one line on standard output and an exit status of at most 3, as the rules of
//! such plugins require.

use std::io;
use std::io::Write;

use super::super::instances::{Asker, HostInstance};
use super::super::listing;
use super::super::listing::{CountSummary, Session};
use super::super::{Call, Fatal};
use super::arguments::PostqueueArguments;
use super::check_line::{Finding, Threshold, performance_datum, printable, queues_of, words};
use super::mode::{OutputScope, Thresholds};
use super::view::{detail_rules, request};
use crate::listing::format::counts;
use crate::listing::metrics::Top;
use crate::listing::{CountBy, CountKeys, CountPlan, NONE, OTHERS, Style};
use crate::logging::Logger;
use crate::sys::child::ChildStdout;
use crate::sys::time;

/// The number of values that a line names without `--top`, and of instances.
const NAMED_MAX: usize = 10;
/// Separates text and performance data on the way from the process that reads an
/// instance.
const SEPARATOR: char = '\t';

/// The state that is reported to a monitoring system, in order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MonitorState {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl MonitorState {
    /// The exit status.
    fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The state that an exit status reports.
    fn of_status(status: Option<i32>) -> Self {
        match status {
            Some(0) => Self::Ok,
            Some(1) => Self::Warning,
            Some(2) => Self::Critical,
            _ => Self::Unknown,
        }
    }

    fn of(value: u64, warn: Option<u64>, crit: Option<u64>) -> Self {
        let above = |limit: Option<u64>| limit.is_some_and(|limit| value > limit);
        match (above(crit), above(warn)) {
            (true, _) => Self::Critical,
            (false, true) => Self::Warning,
            (false, false) => Self::Ok,
        }
    }
}

/// Whether the command line asks for a check, even if it has an error.
pub(super) fn is_asked_for(call: &Call) -> bool {
    let is_it = |text: &str| text == "--check" || text.starts_with("--check=");
    call.arguments.iter().filter_map(|a| a.to_str()).any(is_it)
}

/// Ends a check that failed before it had a result: prints a line with the error,
/// which was reported.
pub(super) fn unknown(logger: &Logger) -> Fatal {
    let finding = Finding {
        text: printable(logger.cause()),
        ..Finding::default()
    };
    print_line(MonitorState::Unknown, &finding);
    Fatal::already_reported(MonitorState::Unknown.status())
}

/// Prints why an instance could not be checked, for the process that combines the
/// results: a monitoring system often drops standard error.
pub(super) fn print_cause(fatal: Fatal, logger: &Logger) {
    if fatal.status() > MonitorState::Unknown.status() {
        let cause = printable(logger.cause()).replace(SEPARATOR, " ");
        // Without this line, the result refers to standard error.
        let _ = io::stdout().lock().write_all(cause.as_bytes());
    }
}

/// Checks the queue of an instance. If it is one of several, prints the result for
/// the process that combines them.
pub(super) fn run(session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    let (state, finding) = find(session, arguments)?;
    match arguments.scope {
        OutputScope::Single => print_line(state, &finding),
        OutputScope::OneOfSeveral => {
            let line = format!("{}{SEPARATOR}{}\n", finding.text, finding.data.join(" "));
            // Without this line, the state is unknown.
            let _ = io::stdout().lock().write_all(line.as_bytes());
        }
    }
    end(state)
}

/// Checks all instances and prints one line for all of them: the worst state, and
/// what is wrong where.
pub(super) fn run_all(
    asker: &mut Asker<'_>,
    instances: &[HostInstance],
    work: impl FnMut(&HostInstance, &mut Logger) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let mut worst = MonitorState::Ok;
    let mut troubled = Vec::new();
    let mut finding = Finding::default();
    // The states are in `worst`.
    let _ = asker.each(instances, ChildStdout::Collected, work, |instance, done| {
        let line = String::from_utf8_lossy(&done.output).into_owned();
        let (state, text) = match line.trim_end_matches('\n').split_once(SEPARATOR) {
            Some((text, data)) => {
                finding.data.push(data.to_owned());
                (MonitorState::of_status(done.status), text.to_owned())
            }
            None if line.trim().is_empty() => {
                let text = "the queue cannot be read, see standard error";
                (MonitorState::Unknown, text.to_owned())
            }
            None => (MonitorState::Unknown, line.trim().to_owned()),
        };
        worst = worst.max(state);
        if state != MonitorState::Ok {
            let name = printable(instance.label().as_bytes());
            troubled.push((state, format!("{name}: {}: {text}", state.word())));
        }
    });
    finding.text = summary(instances.len(), troubled);
    print_line(worst, &finding);
    end(worst)
}

/// The text about all instances, the worst of them first.
fn summary(count: usize, mut troubled: Vec<(MonitorState, String)>) -> String {
    let fine = count.saturating_sub(troubled.len());
    let s = if fine == 1 { "" } else { "s" };
    troubled.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    let more = troubled.len().saturating_sub(NAMED_MAX);
    troubled.truncate(NAMED_MAX);
    let mut parts: Vec<String> = troubled.into_iter().map(|(_, text)| text).collect();
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    if fine > 0 {
        parts.push(format!("{fine} instance{s} OK"));
    }
    parts.join("; ")
}

fn print_line(state: MonitorState, finding: &Finding) {
    let Finding { text, data } = finding;
    let data = if data.is_empty() {
        String::new()
    } else {
        format!(" | {}", data.join(" "))
    };
    let line = format!("MAILQ {} - {text}{data}\n", state.word());
    // If standard output is closed, only the status is left to say it.
    let _ = io::stdout().lock().write_all(line.as_bytes());
}

fn end(state: MonitorState) -> Result<(), Fatal> {
    match state {
        MonitorState::Ok => Ok(()),
        other => Err(Fatal::already_reported(other.status())),
    }
}

/// Counts the queue and evaluates the counts.
fn find(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
) -> Result<(MonitorState, Finding), Fatal> {
    let Thresholds {
        warn_age, crit_age, ..
    } = arguments.thresholds;
    let senders = arguments.top.map(|_| CountBy::From.into());
    let by = arguments.by.clone().or(senders);
    let forecast = match &by {
        Some(by) if by.needs_forecast() => Some(detail_rules(session.config, session.logger)?),
        _ => None,
    };
    let plan = CountPlan {
        by: [CountBy::Queue.into()].into_iter().chain(by).collect(),
        forecast,
        ages_at: None,
        needs_sizes: warn_age.is_some() || crit_age.is_some(),
    };
    let request = request(arguments, Style::Counts(&plan));
    let counted = listing::count(session.reborrow(), &request, &plan)?;
    Ok(evaluate(&counted, arguments, time::now()))
}

/// Returns the state of the queue and its description.
fn evaluate(
    counted: &CountSummary,
    arguments: &PostqueueArguments,
    now: i64,
) -> (MonitorState, Finding) {
    let Thresholds {
        warn,
        crit,
        warn_age,
        crit_age,
    } = arguments.thresholds;
    let instance = match arguments.scope {
        OutputScope::Single => None,
        OutputScope::OneOfSeveral => arguments.instance.as_deref(),
    };
    let mut finding = Finding::default();
    let mut state = number(
        counted,
        arguments,
        (instance, Threshold { warn, crit }),
        &mut finding,
    );
    if warn_age.is_some() || crit_age.is_some() {
        let ages = Threshold {
            warn: warn_age,
            crit: crit_age,
        };
        state = state.max(oldest(counted, (ages, now), instance, &mut finding));
    }
    if let Some(corrupt @ 1..) = counted.corrupt {
        finding.text.push_str(&format!(", {corrupt} corrupt"));
        let data = performance_datum(instance, "corrupt", corrupt, Threshold::default());
        finding.data.push(data);
    }
    if let (None, Some(Top::First(top))) = (&arguments.by, arguments.top) {
        let senders = largest(counted, &CountBy::From.into(), top);
        let senders: Vec<String> = senders.iter().map(named).collect();
        if !senders.is_empty() {
            let senders = senders.join(", ");
            finding.text.push_str(&format!("; top senders: {senders}"));
        }
    }
    (state, finding)
}

/// Evaluates the number of messages, or with `--by` the number of each value, and
/// describes it.
fn number(
    counted: &CountSummary,
    arguments: &PostqueueArguments,
    (instance, threshold): (Option<&str>, Threshold),
    finding: &mut Finding,
) -> MonitorState {
    let messages = counted.totals.messages;
    let s = if messages == 1 { "" } else { "s" };
    let queues = queues_of(arguments.selection.as_ref());
    finding.text = format!("{messages} message{s}{queues}");
    let Some(by) = &arguments.by else {
        finding.text.push_str(&threshold.words(u64::to_string));
        let data = performance_datum(instance, "messages", messages, threshold);
        finding.data.push(data);
        return MonitorState::of(messages, threshold.warn, threshold.crit);
    };
    let data = performance_datum(instance, "messages", messages, Threshold::default());
    finding.data.push(data);
    per_value(counted, (by, threshold), (arguments.top, instance), finding)
}

/// Evaluates the age of the oldest message at the time `now`, and describes it.
fn oldest(
    counted: &CountSummary,
    (ages, now): (Threshold, i64),
    instance: Option<&str>,
    finding: &mut Finding,
) -> MonitorState {
    let groups = counted.counts.by.first().into_iter().flatten();
    let oldest = groups.map(|(_, group)| group.oldest).min();
    let age = oldest.map_or(0, |time| now.saturating_sub(time).max(0).unsigned_abs());
    let limits = ages.words(|seconds| words(*seconds));
    let text = format!(", the oldest {}{limits}", words(age));
    finding.text.push_str(&text);
    let data = performance_datum(instance, "oldest", age, ages);
    finding.data.push(data.replacen(';', "s;", 1));
    MonitorState::of(age, ages.warn, ages.crit)
}

/// Evaluates the values of a grouping, each against the thresholds, and describes
/// those above them.
fn per_value(
    counted: &CountSummary,
    (by, threshold): (&CountKeys, Threshold),
    (top, instance): (Option<Top>, Option<&str>),
    finding: &mut Finding,
) -> MonitorState {
    let all = largest(counted, by, usize::MAX);
    let state = |count: u64| MonitorState::of(count, threshold.warn, threshold.crit);
    let above = all
        .iter()
        .filter(|(_, count)| state(*count) != MonitorState::Ok);
    let above = above.count();
    let most = all.first().map_or(0, |(_, count)| *count);
    let named_max = match top {
        Some(Top::First(top)) => top,
        _ => NAMED_MAX,
    };
    let shown = if above == 0 { 1 } else { above.min(named_max) };
    let names: Vec<String> = all.iter().take(shown).map(named).collect();
    let more = above.saturating_sub(shown);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let (by, limits) = (by.name(), threshold.words(u64::to_string));
    let text = match (above, names.is_empty()) {
        (0, true) => format!(", no {by} above{limits}"),
        (0, false) => format!(", no {by} above{limits}, the largest {}", names.join(", ")),
        _ => format!(", {above} {by} above{limits}: {}{more}", names.join(", ")),
    };
    finding.text.push_str(&text);
    let data = performance_datum(instance, "largest", most, threshold);
    finding.data.push(data);
    let above = u64::try_from(above).unwrap_or(u64::MAX);
    let data = performance_datum(instance, "above", above, Threshold::default());
    finding.data.push(data);
    state(most)
}

/// The values with the largest counts. Messages without the property, and those
/// whose values were too many to count, belong to no value.
fn largest(counted: &CountSummary, by: &CountKeys, top: usize) -> Vec<(Vec<u8>, u64)> {
    let groups = counted.counts.by.get(1).cloned().unwrap_or_default();
    let rows = counts::rows(groups, by, None).into_iter();
    let rows = rows.map(|(value, group)| (value, group.count));
    let mut rows: Vec<_> = rows
        .filter(|(value, _)| value != NONE && value != OTHERS)
        .collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    rows.truncate(top);
    rows
}

fn named((value, count): &(Vec<u8>, u64)) -> String {
    let value = if value.is_empty() {
        b"<>"
    } else {
        value.as_slice()
    };
    format!("{} {count}", printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_largest_value_that_is_ok() {
        assert_eq!(MonitorState::of(5, Some(5), Some(10)), MonitorState::Ok);
        assert_eq!(
            MonitorState::of(6, Some(5), Some(10)),
            MonitorState::Warning
        );
        assert_eq!(
            MonitorState::of(11, Some(5), Some(10)),
            MonitorState::Critical
        );
        assert_eq!(MonitorState::of(11, None, Some(10)), MonitorState::Critical);
        assert_eq!(MonitorState::of(u64::MAX, None, None), MonitorState::Ok);
    }
}
