//! The time and age formats of spoolbox's own listings.

use crate::sys::time::{LocalTime, Zone};
use crate::text::append;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeStyle {
    /// `2026-11-23T13:00:15`, in local time.
    Iso,
    /// Seconds since the epoch.
    Epoch,
    /// Time elapsed: `3d4h`.
    Relative,
}

impl TimeStyle {
    /// Looks up the format by the value of `--time-style`.
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "iso" => Some(Self::Iso),
            "epoch" => Some(Self::Epoch),
            "relative" => Some(Self::Relative),
            _ => None,
        }
    }
}

/// Formats times and ages relative to one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The format.
    pub style: TimeStyle,
    /// The current time, in seconds since the epoch.
    pub now: i64,
}

impl Clock {
    /// Appends a time.
    pub fn write(&self, seconds: i64, to: &mut Vec<u8>) {
        match self.style {
            TimeStyle::Iso => write_iso(seconds, Zone::Local, to),
            TimeStyle::Epoch => write_number(seconds, to),
            TimeStyle::Relative => self.write_age(seconds, to),
        }
    }

    /// Appends a time for programs: in the format `Iso`, with its offset from UTC.
    pub fn write_with_offset(&self, seconds: i64, to: &mut Vec<u8>) {
        self.write(seconds, to);
        if self.style == TimeStyle::Iso
            && let Some(time) = LocalTime::at(seconds)
        {
            let minutes = time.offset_seconds() / 60;
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, minutes) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
            append(to, format_args!("{sign}{hours:02}:{minutes:02}"));
        }
    }

    /// Appends the time elapsed since a time, in seconds if the format is `Epoch`.
    pub fn write_age(&self, seconds: i64, to: &mut Vec<u8>) {
        let age = self.age(seconds);
        match self.style {
            TimeStyle::Epoch => write_number(age, to),
            _ => write_duration(age, to),
        }
    }

    /// Seconds elapsed since a time; 0 if the time is in the future.
    pub fn age(&self, seconds: i64) -> i64 {
        self.now.saturating_sub(seconds).max(0)
    }
}

/// Appends `2026-11-23T13:00:15`, with a `Z` if the zone is UTC. A time whose year
/// is out of range is written as a number of seconds.
pub fn write_iso(seconds: i64, zone: Zone, to: &mut Vec<u8>) {
    match (zone.date_time(seconds), zone) {
        (Some(time), Zone::Local) => append(to, format_args!("{time:?}")),
        (Some(time), Zone::Utc) => append(to, format_args!("{time:?}Z")),
        (None, _) => write_number(seconds, to),
    }
}

/// Appends a duration in its two largest units: `45s`, `5h12m`, `3d4h`.
pub fn write_duration(seconds: i64, to: &mut Vec<u8>) {
    let seconds = seconds.unsigned_abs();
    let (days, hours) = (seconds / DAY, seconds % DAY / HOUR);
    let (minutes, rest) = (seconds % HOUR / MINUTE, seconds % MINUTE);
    match (days, hours, minutes) {
        (0, 0, 0) => append(to, format_args!("{rest}s")),
        (0, 0, minutes) => append(to, format_args!("{minutes}m{rest}s")),
        (0, hours, minutes) => append(to, format_args!("{hours}h{minutes}m")),
        (days, hours, _) => append(to, format_args!("{days}d{hours}h")),
    }
}

fn write_number(number: i64, to: &mut Vec<u8>) {
    append(to, format_args!("{number}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (3599, "59m59s"),
            (18_720, "5h12m"),
            (273_600, "3d4h"),
        ] {
            assert_eq!(text(|to| write_duration(seconds, to)), expected);
        }
    }

    #[test]
    fn times_are_shown_in_each_style() {
        let clock = |style| Clock {
            style,
            now: 1_795_438_875,
        };
        let shown = |style| text(|to| clock(style).write(1_795_438_815, to));
        assert_eq!(shown(TimeStyle::Epoch), "1795438815");
        assert_eq!(shown(TimeStyle::Relative), "1m0s");
        assert_eq!(
            text(|to| write_iso(1_795_438_815, Zone::Utc, to)),
            "2026-11-23T13:00:15Z"
        );
        assert_eq!(
            text(|to| write_iso(i64::MAX, Zone::Utc, to)),
            i64::MAX.to_string()
        );
    }

    #[test]
    fn times_in_the_future_have_age_zero() {
        let clock = Clock {
            style: TimeStyle::Epoch,
            now: 10,
        };
        assert_eq!((clock.age(20), clock.age(4)), (0, 6));
        assert_eq!(text(|to| clock.write_age(4, to)), "6");
    }
}
