//! Conversion between seconds since the epoch and dates with times of day.
//!
//! UTC is converted by chrono, local time by localtime_r(3) and mktime(3):
//! Postfix's tools, and every line in the mail log, use the C library's
//! interpretation of TZ and /etc/localtime. chrono's `Local` shows UTC for
//! `CET-1CEST`, `EST5EDT4` and `AAA+25`, and is 27 seconds off in `right/UTC`.

use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use nix::libc;

use super::process::is_only_thread;

/// The environment variable that names the time zone.
pub const ZONE_VARIABLE: &str = "TZ";

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The local time zone.
    Local,
    /// Coordinated Universal Time.
    Utc,
}

impl Zone {
    /// Returns the date and time at `seconds` since the epoch; `None` if the year
    /// is not between -262143 and 262142.
    pub fn date_time(self, seconds: i64) -> Option<NaiveDateTime> {
        match self {
            Self::Local => LocalTime::at(seconds)?.date_time(),
            Self::Utc => DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc()),
        }
    }

    /// Returns the seconds since the epoch. A local time that a clock change
    /// skips or repeats is converted as by mktime(3).
    pub fn seconds(self, time: NaiveDateTime) -> Option<i64> {
        match self {
            Self::Local => local_seconds(time),
            Self::Utc => Some(time.and_utc().timestamp()),
        }
    }
}

/// A date and time of day in the local time zone, in the formats of ctime(3) and
/// syslog(3).
#[derive(Clone, Copy, Debug)]
pub struct LocalTime(libc::tm);

impl LocalTime {
    /// Returns the local time at `seconds` since the epoch; `None` if the year
    /// does not fit an int, for which ctime(3) has no result either.
    pub fn at(seconds: i64) -> Option<Self> {
        let mut tm = MaybeUninit::<libc::tm>::uninit();
        // SAFETY: both pointers are valid for the call; the function fills the
        // whole structure when it returns non-null and only then is it read.
        // The environment, which it may read, is changed by `set_zone` alone,
        // while there is no other thread.
        let tm = unsafe {
            if libc::localtime_r(&seconds, tm.as_mut_ptr()).is_null() {
                return None;
            }
            tm.assume_init()
        };
        tm.tm_year.checked_add(1900)?;
        Some(Self(tm))
    }

    /// Appends `Mon Nov 23 13:00:15`.
    pub fn write_date(&self, to: &mut String) {
        to.push_str(name(&DAYS, self.0.tm_wday));
        to.push(' ');
        self.write_stamp(to);
    }

    /// Appends `Mon Nov 23 13:00:15 2026`, as ctime(3) does.
    pub fn write_date_with_year(&self, to: &mut String) {
        self.write_date(to);
        let year = i64::from(self.0.tm_year).saturating_add(1900);
        // Writing to a String cannot fail.
        let _ = write!(to, " {year}");
    }

    /// Appends `Nov 23 13:00:15`, the time stamp of a log line.
    pub fn write_stamp(&self, to: &mut String) {
        let tm = &self.0;
        let month = name(&MONTHS, tm.tm_mon);
        to.push_str(month);
        push_two_digits(to, ' ', (' ', tm.tm_mday));
        push_two_digits(to, ' ', ('0', tm.tm_hour));
        push_two_digits(to, ':', ('0', tm.tm_min));
        push_two_digits(to, ':', ('0', tm.tm_sec));
    }

    /// Returns the offset from UTC in seconds, which is positive in the east.
    pub fn offset_seconds(&self) -> i64 {
        self.0.tm_gmtoff
    }

    fn date_time(&self) -> Option<NaiveDateTime> {
        let tm = &self.0;
        let unsigned = |number: libc::c_int| u32::try_from(number).ok();
        let year = tm.tm_year.checked_add(1900)?;
        let month = unsigned(tm.tm_mon)?.checked_add(1)?;
        let date = NaiveDate::from_ymd_opt(year, month, unsigned(tm.tm_mday)?)?;
        let (hour, minute) = (unsigned(tm.tm_hour)?, unsigned(tm.tm_min)?);
        // This is how chrono represents a leap second. The zones in right/ have
        // leap seconds.
        let (second, nanosecond) = match unsigned(tm.tm_sec)? {
            60 => (59, 1_000_000_000),
            second => (second, 0),
        };
        date.and_hms_nano_opt(hour, minute, second, nanosecond)
    }
}

/// Appends a separator and a number below 100, padded to two characters.
///
/// Measured, a listing: the same with format macros took 1 % of the processor time.
fn push_two_digits(to: &mut String, separator: char, (padding, number): (char, libc::c_int)) {
    let digit = |number: libc::c_int| {
        let digit = u32::try_from(number).ok();
        digit
            .and_then(|digit| char::from_digit(digit % 10, 10))
            .unwrap_or('?')
    };
    to.push(separator);
    to.push(if number < 10 {
        padding
    } else {
        digit(number / 10)
    });
    to.push(digit(number));
}

fn local_seconds(time: NaiveDateTime) -> Option<i64> {
    let signed = |number: u32| libc::c_int::try_from(number).ok();
    let LocalTime(mut tm) = LocalTime::at(0)?;
    tm.tm_year = time.year().checked_sub(1900)?;
    tm.tm_mon = signed(time.month0())?;
    tm.tm_mday = signed(time.day())?;
    tm.tm_hour = signed(time.hour())?;
    tm.tm_min = signed(time.minute())?;
    tm.tm_sec = signed(time.second())?;
    tm.tm_isdst = -1;
    // SAFETY: the function reads and writes the structure that it is given; for
    // the environment, see `LocalTime::at`.
    Some(unsafe { libc::mktime(&mut tm) })
}

/// Reads TZ and /etc/localtime, so that times are shown in that zone from now
/// on.
pub fn read_zone() {
    // mktime(3) does what tzset(3) does, which no crate provides.
    let _ = local_seconds(NaiveDateTime::default());
}

/// Sets the environment variable TZ, or removes it. Times are shown in the new
/// zone after the next [`read_zone`].
///
/// # Errors
///
/// `ResourceBusy` if the process has other threads, which could be reading the
/// environment at the same time; `InvalidInput` for a value that contains a
/// NUL. Nothing is changed then.
pub fn set_zone(zone: Option<&OsStr>) -> io::Result<()> {
    if zone.is_some_and(|zone| zone.as_encoded_bytes().contains(&0)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if !is_only_thread() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // SAFETY: no other thread reads the environment, because there is none.
    unsafe {
        match zone {
            Some(zone) => std::env::set_var(ZONE_VARIABLE, zone),
            None => std::env::remove_var(ZONE_VARIABLE),
        }
    }
    Ok(())
}

/// Returns the current time in seconds since the epoch.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

fn name<'a>(names: &[&'a str], index: libc::c_int) -> &'a str {
    usize::try_from(index)
        .ok()
        .and_then(|i| names.get(i))
        .copied()
        .unwrap_or("???")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_that_does_not_fit_is_rejected() {
        assert!(LocalTime::at(i64::MAX).is_none());
        assert!(LocalTime::at(67_768_036_191_676_799).is_none());
        assert!(LocalTime::at(253_402_300_800).is_some());
        assert!(Zone::Utc.date_time(i64::MAX).is_none());
        assert!(Zone::Local.date_time(67_768_036_191_676_700).is_none());
    }
}
