//! Local time in the C locale, as ctime(3) and syslog(3) write it.
//!
//! Uses localtime_r(3) rather than a crate: Postfix's tools, and every line in
//! the mail log, use the C library's interpretation of TZ and /etc/localtime,
//! odd values included.

use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;

use super::process::is_only_thread;

/// The environment variable that names the time zone.
pub const ZONE_VARIABLE: &str = "TZ";

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A date and time of day in a time zone.
#[derive(Clone, Copy, Debug)]
pub struct LocalTime(libc::tm);

impl LocalTime {
    /// Returns the local time at `seconds` since the epoch; `None` if the year
    /// does not fit an int, for which ctime(3) has no result either.
    pub fn at(seconds: i64) -> Option<Self> {
        Self::of(seconds, Zone::Local)
    }

    /// Returns the time at `seconds` since the epoch in the given zone; `None`
    /// if the year does not fit an int.
    pub fn of(seconds: i64, zone: Zone) -> Option<Self> {
        let mut tm = MaybeUninit::<libc::tm>::uninit();
        // SAFETY: both pointers are valid for the call; either function fills
        // the whole structure when it returns non-null and only then is it
        // read. The environment, which they may read, is changed by
        // `set_zone` alone, while there is no other thread.
        let tm = unsafe {
            let filled = match zone {
                Zone::Local => libc::localtime_r(&seconds, tm.as_mut_ptr()),
                Zone::Utc => libc::gmtime_r(&seconds, tm.as_mut_ptr()),
            };
            if filled.is_null() {
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

    /// Appends `2026-11-23T13:00:15`.
    pub fn write_iso(&self, to: &mut String) {
        let (minute, second) = (self.0.tm_min, self.0.tm_sec);
        self.write_iso_hour(to);
        // Writing to a String cannot fail.
        let _ = write!(to, ":{minute:02}:{second:02}");
    }

    /// Appends `2026-11-23T13`.
    pub fn write_iso_hour(&self, to: &mut String) {
        let tm = &self.0;
        let (year, month) = (i64::from(tm.tm_year), i64::from(tm.tm_mon));
        let (year, month) = (year.saturating_add(1900), month.saturating_add(1));
        let (day, hour) = (tm.tm_mday, tm.tm_hour);
        // Writing to a String cannot fail.
        let _ = write!(to, "{year:04}-{month:02}-{day:02}T{hour:02}");
    }

    /// Appends `Nov 23 13:00:15`, the time stamp of a log line.
    pub fn write_stamp(&self, to: &mut String) {
        let tm = &self.0;
        let month = name(&MONTHS, tm.tm_mon);
        let (day, hour, minute, second) = (tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        // Writing to a String cannot fail.
        let _ = write!(to, "{month} {day:2} {hour:02}:{minute:02}:{second:02}");
    }
}

/// A date and time of day as a calendar and a clock show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The year, such as 2026.
    pub year: i32,
    /// The month, 1 to 12.
    pub month: i32,
    /// The day of the month, 1 to 31.
    pub day: i32,
    /// The hour, 0 to 23.
    pub hour: i32,
    /// The minute, 0 to 59.
    pub minute: i32,
    /// The second, 0 to 59.
    pub second: i32,
}

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The local time zone.
    Local,
    /// Coordinated Universal Time.
    Utc,
}

impl Calendar {
    /// Creates a value from year, month and day; hour, minute and second.
    pub fn new([year, month, day]: [i32; 3], [hour, minute, second]: [i32; 3]) -> Self {
        Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    /// Returns the seconds since the epoch; `None` if there is no such day.
    pub fn seconds(self, zone: Zone) -> Option<i64> {
        let LocalTime(mut tm) = LocalTime::of(0, Zone::Utc)?;
        tm.tm_year = self.year.checked_sub(1900)?;
        tm.tm_mon = self.month.checked_sub(1)?;
        tm.tm_mday = self.day;
        (tm.tm_hour, tm.tm_min, tm.tm_sec) = (self.hour, self.minute, self.second);
        tm.tm_isdst = -1;
        let (month, day) = (tm.tm_mon, tm.tm_mday);
        // SAFETY: both functions read and write the structure they are given;
        // for the environment, see `LocalTime::at`.
        let seconds = unsafe {
            match zone {
                Zone::Local => libc::mktime(&mut tm),
                Zone::Utc => libc::timegm(&mut tm),
            }
        };
        // The C library turns a 30th of February into a day in March.
        (tm.tm_mon == month && tm.tm_mday == day).then_some(seconds)
    }
}

/// Reads TZ and /etc/localtime, so that times are shown in that zone from now
/// on.
pub fn read_zone() {
    // mktime(3) does what tzset(3) does, which no crate provides.
    let _ = Calendar::new([1970, 1, 1], [0, 0, 0]).seconds(Zone::Local);
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
    fn a_year_that_does_not_fit_is_no_date() {
        assert!(LocalTime::at(i64::MAX).is_none());
        assert!(LocalTime::at(67_768_036_191_676_799).is_none());
        assert!(LocalTime::at(253_402_300_800).is_some());
    }
}
