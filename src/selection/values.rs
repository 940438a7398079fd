//! Parses the sizes, counts and times of selection options: `+10M`, `3d`,
//! `2026-11-23T13:00`.

use chrono::NaiveDate;

use crate::sys::time::Zone;
use crate::text::digits;

/// A lower or upper bound of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `+N`: this number or more.
    AtLeast(u64),
    /// `-N`: this number or less.
    AtMost(u64),
}

impl Bound {
    /// Parses a number of bytes with a sign and an optional unit: `+10M`.
    ///
    /// # Errors
    ///
    /// A hint at valid values.
    pub fn parse_size(text: &str) -> Result<Self, String> {
        Self::parse(text, size).ok_or_else(|| {
            let number = text.trim_start_matches(['+', '-']);
            let number = match size(number) {
                Some(_) => number,
                None => "10M",
            };
            format!("say +{number} for at least, -{number} for at most; units are k, M and G")
        })
    }

    /// Parses a number with a sign: `+50`.
    ///
    /// # Errors
    ///
    /// A hint at valid values.
    pub fn parse_count(text: &str) -> Result<Self, String> {
        let count = |text: &str| digits(text.as_bytes());
        Self::parse(text, count).ok_or_else(|| "say +50 for at least, -50 for at most".to_owned())
    }

    fn parse(text: &str, number: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("+", rest) => number(rest).map(Self::AtLeast),
            ("-", rest) => number(rest).map(Self::AtMost),
            _ => None,
        }
    }

    /// Whether a number is within the bound.
    pub fn admits(self, number: u64) -> bool {
        match self {
            Self::AtLeast(least) => number >= least,
            Self::AtMost(most) => number <= most,
        }
    }
}

/// Parses a size in bytes: digits with an optional unit k, M or G, which are powers
/// of 1024.
fn size(text: &str) -> Option<u64> {
    let last = text.chars().next_back()?;
    let unit: u64 = match last {
        'k' | 'K' => 1 << 10,
        'm' | 'M' => 1 << 20,
        'g' | 'G' => 1 << 30,
        _ => 1,
    };
    let number = match unit {
        1 => text,
        _ => text.strip_suffix(last)?,
    };
    digits::<u64>(number.as_bytes())?.checked_mul(unit)
}

/// The units of durations in seconds, in the order in which they can follow each
/// other.
const UNITS: [(char, i64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3600),
    ('m', 60),
    ('s', 1),
];

/// Parses a duration such as `90m` or `1h30m` into seconds: digits and the unit w,
/// d, h, m or s; a smaller unit may follow a larger one.
pub fn duration(text: &str) -> Option<i64> {
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut sum = 0i64;
    loop {
        let at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(at);
        let letter = tail.chars().next()?;
        let (_, seconds) = units.find(|(unit, _)| *unit == letter)?;
        let number = digits::<i64>(number.as_bytes())?;
        sum = sum.checked_add(number.checked_mul(*seconds)?)?;
        rest = tail.get(1..)?;
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

/// Parses a duration, which counts forward from `now`, or a date. The result is in
/// seconds since the epoch.
///
/// # Errors
///
/// The text is neither; the error says what to write instead.
pub fn future_moment(text: &str, now: i64) -> Result<i64, String> {
    at_distance(text, |seconds| now.checked_add(seconds))
}

/// Parses a duration, which counts back from `now`, or a date. The result is in
/// seconds since the epoch.
///
/// # Errors
///
/// The text is neither; the error says what to write instead.
pub fn moment(text: &str, now: i64) -> Result<i64, String> {
    at_distance(text, |seconds| now.checked_sub(seconds))
}

fn at_distance(text: &str, from_now: impl Fn(i64) -> Option<i64>) -> Result<i64, String> {
    duration(text)
        .and_then(from_now)
        .or_else(|| date(text))
        .ok_or_else(|| {
            "give a time such as 90m, 1h30m, 3d or 1w, or a date such as 2026-11-23 or \
             2026-11-23T13:00"
                .to_owned()
        })
}

/// Parses a time that is still to come: a duration, which counts from `now`, or a
/// date. The result is in seconds since the epoch.
///
/// # Errors
///
/// The text is neither, or the time has passed; the error says what to write
/// instead.
pub fn coming_moment(text: &str, now: i64) -> Result<i64, String> {
    let time = duration(text)
        .and_then(|seconds| now.checked_add(seconds))
        .or_else(|| date(text));
    match time {
        Some(time) if time > now => Ok(time),
        Some(_) => Err("that time has passed".to_owned()),
        None => Err(
            "give a time from now such as 90m or 2h, or a date such as 2026-12-01T08:00".to_owned(),
        ),
    }
}

/// Parses `2026-11-23`, optionally followed by `T13:00` or `T13:00:15` (or with a
/// blank in place of the `T`), into seconds since the epoch. The time is local
/// unless it ends in `Z`.
fn date(text: &str) -> Option<i64> {
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, Zone::Utc),
        None => (text, Zone::Local),
    };
    let (day, clock) = match text.split_once(['T', ' ']) {
        Some((day, clock)) => (day, Some(clock)),
        None => (text, None),
    };
    let &[year, month, day] = numbers(day, '-')?.as_slice() else {
        return None;
    };
    let (hour, minute, second) = match *numbers(clock.unwrap_or("0:0"), ':')?.as_slice() {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    zone.seconds(date.and_hms_opt(hour, minute, second)?)
}

fn numbers(text: &str, separator: char) -> Option<Vec<u32>> {
    let parts = text.split(separator);
    parts.map(|part| digits(part.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_a_sign() {
        assert_eq!(Bound::parse_size("+10M"), Ok(Bound::AtLeast(10 << 20)));
        assert_eq!(Bound::parse_size("-4k"), Ok(Bound::AtMost(4096)));
        assert_eq!(Bound::parse_size("+0"), Ok(Bound::AtLeast(0)));
        for wrong in [
            "10M",
            "",
            "+",
            "+M",
            "++1",
            "+1.5M",
            "+1x",
            "+99999999999999999999",
            "+ü",
        ] {
            assert!(Bound::parse_size(wrong).is_err(), "{wrong}");
        }
        assert!(
            Bound::parse_size("10M")
                .unwrap_err()
                .starts_with("say +10M")
        );
        assert_eq!(Bound::parse_count("+50"), Ok(Bound::AtLeast(50)));
        assert!(Bound::parse_count("+50k").is_err());
        assert!(Bound::AtMost(5).admits(5) && !Bound::AtMost(5).admits(6));
    }

    #[test]
    fn times_are_given_as_durations_or_dates() {
        assert_eq!(moment("90m", 10_000), Ok(4600));
        assert_eq!(moment("1w", 1_000_000), Ok(395_200));
        assert_eq!(moment("1h30m", 10_000), Ok(4600));
        assert_eq!(moment("5m10s", 1000), Ok(690));
        assert_eq!(moment("1d12h", 200_000), Ok(70_400));
        assert_eq!(future_moment("1h30m", 10_000), Ok(15_400));
        assert_eq!(future_moment("1970-01-02Z", 0), Ok(86_400));
        assert_eq!(moment("2026-11-23T13:00:15Z", 0), Ok(1_795_438_815));
        assert_eq!(moment("2026-11-23 13:00Z", 0), Ok(1_795_438_800));
        assert_eq!(moment("2026-11-23Z", 0), Ok(1_795_392_000));
        for wrong in [
            "",
            "3",
            "d",
            "-3d",
            "3 d",
            "12h1d",
            "1h1h",
            "1h30",
            "h",
            "2026-02-30",
            "2026-13-01",
            "2026-11",
            "tomorrow",
            "2026-11-23T24:00",
            "2026-11-23T",
            "2026-11-23T13",
            "99999999999999999999d",
            "9223372036854775807w",
        ] {
            assert!(moment(wrong, 0).is_err(), "{wrong}");
        }
    }
}
