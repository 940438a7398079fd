//! Checks which options of postqueue can be combined.

use super::mode::{CountFormat, PostqueueMode, Thresholds, View};
use super::values::Problem;
use crate::listing::CountKeys;
use crate::listing::metrics::Top;

/// Refuses options that do not apply to a mode.
pub(super) fn check_modifiers(mode: &PostqueueMode, given: &[&'static str]) -> Result<(), Problem> {
    let times = |name: &&&str| given.iter().filter(|other| *other == *name).count();
    let twice = ["limit", "rate"].iter().find(|name| times(name) > 1);
    if let (Some(name), PostqueueMode::FlushMatching) = (twice, mode) {
        let text = format!("--{name} is given twice: give it once");
        return Err(Problem::Wrong(text));
    }
    match given.iter().find(|name| !applies(name, mode, given)) {
        Some(name) => {
            let text = format!("--{name} requires {}", required_by(name));
            Err(Problem::Wrong(text))
        }
        None => Ok(()),
    }
}

/// Returns what an option requires, for an error message.
fn required_by(name: &str) -> &'static str {
    match name {
        "sort" => "a listing",
        "limit" | "progress" => "a listing or -i MATCH",
        "rate" | "dry-run" => "-i MATCH",
        "wait" => "-f, -i or -s, without --dry-run",
        "reverse" => "--sort",
        "top" => "--count=BY, --prometheus or --check",
        "watch" => "a listing or --count of one instance, without --null",
        "null" => "--ids, --oneline or --format",
        "time-style" => "-p, --oneline, --csv, --format or --count=BY",
        "detail" => "-j",
        "output" => "--prometheus",
        _ => "--check",
    }
}

/// Whether an option applies to the mode.
fn applies(name: &str, mode: &PostqueueMode, given: &[&'static str]) -> bool {
    use PostqueueMode as Mode;
    match name {
        "sort" => matches!(mode, Mode::List(_)),
        "limit" | "progress" => matches!(mode, Mode::List(_) | Mode::FlushMatching),
        "rate" | "dry-run" => *mode == Mode::FlushMatching,
        "wait" => {
            matches!(mode, Mode::Flush(_) | Mode::FlushMatching) && !given.contains(&"dry-run")
        }
        "reverse" => given.contains(&"sort"),
        "top" => matches!(mode, Mode::Count(_, Some(_)) | Mode::Metrics | Mode::Check),
        "watch" => matches!(mode, Mode::List(_) | Mode::Count(..)) && !given.contains(&"null"),
        "null" => matches!(
            mode,
            Mode::List(View::Oneline | View::Ids | View::Format(_))
        ),
        "time-style" => shows_times(mode),
        "detail" => matches!(mode, Mode::List(View::DetailedJson)),
        "output" => *mode == Mode::Metrics,
        _ => *mode == Mode::Check,
    }
}

/// Whether the output contains times for people to read.
fn shows_times(mode: &PostqueueMode) -> bool {
    use PostqueueMode as Mode;
    !matches!(
        mode,
        Mode::List(View::Json | View::DetailedJson)
            | Mode::Count(CountFormat::Json, _)
            | Mode::Count(_, None)
            | Mode::Metrics
            | Mode::Check
            | Mode::Flush(_)
            | Mode::FlushMatching
    )
}

/// Refuses a check of values without a threshold for their numbers.
pub(super) fn check_values(
    mode: &PostqueueMode,
    thresholds: &Thresholds,
    by: Option<&CountKeys>,
) -> Result<(), Problem> {
    let has_limit = thresholds.warn.or(thresholds.crit).is_some();
    if *mode == PostqueueMode::Check && by.is_some() && !has_limit {
        let text = "--by needs --warn N or --crit N, the number of messages of one value";
        return Err(Problem::Wrong(text.to_owned()));
    }
    Ok(())
}

/// Refuses a check without thresholds, or one that is critical before it warns.
pub(super) fn check_thresholds(
    mode: &PostqueueMode,
    thresholds: &Thresholds,
    top: Option<Top>,
) -> Result<(), Problem> {
    if *mode != PostqueueMode::Check {
        return Ok(());
    }
    if top == Some(Top::All) {
        let text = "--check needs a number of values: --top 3";
        return Err(Problem::Wrong(text.to_owned()));
    }
    let Thresholds {
        warn,
        crit,
        warn_age,
        crit_age,
    } = *thresholds;
    if [warn, crit, warn_age, crit_age].iter().all(Option::is_none) {
        let text = "--check needs --warn N, --crit N, --warn-age T or --crit-age T";
        return Err(Problem::Wrong(text.to_owned()));
    }
    for (warn, crit, name) in [(warn, crit, ""), (warn_age, crit_age, "-age")] {
        if let (Some(warn), Some(crit)) = (warn, crit)
            && warn > crit
        {
            let text = format!("--warn{name} is above --crit{name}");
            return Err(Problem::Wrong(text));
        }
    }
    Ok(())
}
