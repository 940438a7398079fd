//! Parses the values of postqueue's options and reports values that are not
//! valid.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::super::Fatal;
use super::super::fatal::unavailable;
use super::options::USAGE;
use crate::listing::metrics::Top;
use crate::listing::{COUNTED_BY, CountKeys, SORT_KEYS_HINT, SortKey, TimeStyle};
use crate::logging::Logger;
use crate::selection;
use crate::selection::SelectionError;
use crate::text::digits;

/// The time between two drawings of `--watch` without a value.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// An error in a command line whose options all exist.
pub(super) enum Problem {
    /// Two of Postfix's options exclude each other.
    Contradiction,
    /// An error in the options that Postfix does not have.
    Wrong(String),
}

impl Problem {
    pub(super) fn report(self, logger: &mut Logger) -> Fatal {
        match self {
            Self::Contradiction => unavailable(logger, USAGE),
            Self::Wrong(text) => unavailable(logger, &text),
        }
    }
}

impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        Self::Wrong(error.to_string())
    }
}

pub(super) fn bad(option: &str, value: &OsString) -> Problem {
    Problem::Wrong(format!("bad value for --{option}: {}", value.display()))
}

pub(super) fn bad_because(option: &str, value: &OsString, hint: &str) -> Problem {
    Problem::Wrong(format!(
        "bad value for --{option}: {}: {hint}",
        value.display()
    ))
}

pub(super) fn text(option: &str, value: &OsString) -> Result<String, Problem> {
    let text = value.to_str().map(str::to_owned);
    text.ok_or_else(|| bad_because(option, value, "it is not UTF-8"))
}

pub(super) fn number<N: std::str::FromStr>(option: &str, value: &OsString) -> Result<N, Problem> {
    let number = digits(value.as_bytes());
    number.ok_or_else(|| bad_because(option, value, "give a number"))
}

pub(super) fn duration(option: &str, value: &OsString) -> Result<u64, Problem> {
    let seconds = value.to_str().and_then(selection::duration);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.ok_or_else(|| bad_because(option, value, "give a time such as 90m, 3d or 1w"))
}

/// The time between two drawings: 2 seconds unless the value is another time.
pub(super) fn refresh_interval(value: &OsString) -> Result<Duration, Problem> {
    if value.is_empty() {
        return Ok(REFRESH_INTERVAL);
    }
    match duration("watch", value) {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(bad_because("watch", value, "give a time such as 2s or 1m")),
    }
}

pub(super) fn time_style(value: &OsString) -> Result<TimeStyle, Problem> {
    let style = value.to_str().and_then(TimeStyle::parse);
    style.ok_or_else(|| bad_because("time-style", value, "use iso, epoch or relative"))
}

pub(super) fn keys(value: &OsString) -> Result<Vec<SortKey>, Problem> {
    let keys = value.to_str().and_then(SortKey::parse_list);
    keys.ok_or_else(|| bad_because("sort", value, SORT_KEYS_HINT))
}

pub(super) fn top(value: &OsString) -> Result<Top, Problem> {
    match digits(value.as_bytes()) {
        Some(top) => Ok(Top::First(top)),
        None if value == "all" => Ok(Top::All),
        None => Err(bad_because("top", value, "give a number, or all")),
    }
}

pub(super) fn counted_by(option: &str, value: &OsString) -> Result<Option<CountKeys>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    let by = value.to_str().and_then(CountKeys::parse);
    match by {
        Some(by) => Ok(Some(by)),
        None => {
            let names: Vec<&str> = COUNTED_BY.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            let hint = format!("messages are counted by one or two of {names}");
            Err(bad_because(option, value, &hint))
        }
    }
}
