//! Parses the value of `--rate`: a number of messages per second, minute or
//! hour, such as 10/s. The callers enforce the limit.

use std::ffi::OsStr;
use std::time::Duration;

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
        let is_number = count.bytes().all(|b| b.is_ascii_digit());
        let count = count.parse().ok().filter(|_| is_number)?;
        unit.checked_div(count)
    });
    interval.ok_or_else(|| "give a number per second, minute or hour: 10/s, 30/m, 500/h".to_owned())
}
