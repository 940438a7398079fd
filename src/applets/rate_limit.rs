//! Parses the value of `--rate`: a number of messages per second, minute or
//! hour, such as 10/s. The callers enforce the limit.

use std::ffi::OsStr;
use std::time::Duration;

use crate::text::digits;

/// Returns the delay between two messages.
///
/// # Errors
///
/// A hint at valid values.
pub fn interval(value: &OsStr) -> Result<Duration, String> {
    let parts = value.to_str().and_then(|text| text.split_once('/'));
    let interval = parts.and_then(|(count, per)| {
        let unit = match per {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return None,
        };
        unit.checked_div(digits(count.as_bytes())?)
    });
    interval.ok_or_else(|| "give a number per second, minute or hour: 10/s, 30/m, 500/h".to_owned())
}
