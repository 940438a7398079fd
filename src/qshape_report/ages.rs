//! The age buckets: their limits, headings and the bucket of an age.
//!
//! All numbers are floating point, as the options are in Perl: `-b 3.7` and `-t
//! 0.5` are valid there.

use crate::text::numbers;

/// Seconds in a minute, the unit of `-t`.
const MINUTE: f64 = 60.0;
/// The maximum number of buckets, since each is a column.
const COUNT_MAX: f64 = 10_000.0;

/// How the limit of a bucket follows from the previous one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Growth {
    /// It is twice the previous one.
    #[default]
    Doubling,
    /// It is the previous one plus the limit of the first bucket.
    Linear,
}

/// The age buckets.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// The limit of the first bucket in minutes.
    minutes: f64,
    /// The number of buckets. If it is an integer, the last bucket has no
    /// limit.
    count: f64,
    growth: Growth,
}

impl Ages {
    /// Returns `count` buckets, the first with a limit of `minutes`. Both must
    /// be positive.
    pub fn new(minutes: f64, count: f64, growth: Growth) -> Self {
        Self {
            minutes,
            count: count.min(COUNT_MAX),
            growth,
        }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.count as usize
    }

    /// Returns the bucket of an age in seconds, counted from 1. It is 0 or
    /// greater than the number of columns only if there is less than one
    /// bucket.
    pub fn bucket(&self, age: f64) -> usize {
        let units = age / MINUTE / self.minutes;
        if units < 1.0 {
            return 1;
        }
        let bucket = match self.growth {
            Growth::Linear => (units + 1.0).trunc(),
            Growth::Doubling => 2.0 + (units.ln() / 2f64.ln()).trunc(),
        };
        // An age that is not a number is in the last bucket.
        let bucket = if bucket < self.count {
            bucket
        } else {
            self.count
        };
        bucket as usize
    }

    /// The limit of each bucket in minutes; `None` for one without a limit.
    fn limits(&self) -> impl Iterator<Item = Option<f64>> {
        (1..=self.columns()).map(|column| {
            let column = column as f64;
            let factor = match self.growth {
                Growth::Linear => column,
                Growth::Doubling => 2f64.powf(column - 1.0),
            };
            (column != self.count).then_some(self.minutes * factor)
        })
    }

    /// The heading of each column: its limit, or the previous limit with a `+`.
    pub fn headings(&self) -> Vec<String> {
        let mut last = 0.0;
        let heading = |limit: Option<f64>| match limit {
            Some(limit) => {
                last = limit;
                numbers::format(limit)
            }
            None => format!("{}+", numbers::format(last)),
        };
        self.limits().map(heading).collect()
    }

    /// The limit of each bucket in seconds; `None` for one without a limit.
    pub fn limits_in_seconds(&self) -> impl Iterator<Item = Option<f64>> {
        self.limits()
            .map(|limit| limit.map(|minutes| minutes * MINUTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(minutes: f64, count: f64, growth: Growth) -> String {
        Ages::new(minutes, count, growth).headings().join(" ")
    }

    // Observed with qshape of Postfix 3.7.11.
    #[test]
    fn headings_are_the_limits() {
        use Growth::{Doubling, Linear};
        assert_eq!(headings(5.0, 4.0, Doubling), "5 10 20 20+");
        assert_eq!(headings(5.0, 4.0, Linear), "5 10 15 15+");
        assert_eq!(headings(3.7, 3.0, Doubling), "3.7 7.4 7.4+");
        assert_eq!(headings(5.0, 3.7, Doubling), "5 10 20");
        assert_eq!(headings(5.0, 1.0, Doubling), "0+");
        assert_eq!(headings(5.0, 0.5, Doubling), "");
    }

    #[test]
    fn an_age_at_a_limit_is_in_the_next_bucket() {
        let ages = Ages::new(5.0, 10.0, Growth::Doubling);
        for (age, bucket) in [(-99.0, 1), (299.0, 1), (300.0, 2), (599.0, 2), (600.0, 3)] {
            assert_eq!(ages.bucket(age), bucket);
        }
        for power in 0..8 {
            let limit = 300.0 * 2f64.powi(power);
            let bucket = usize::try_from(power).unwrap() + 2;
            assert_eq!(ages.bucket(limit), bucket);
            assert_eq!(ages.bucket(limit - 1.0), bucket - 1);
        }
        assert_eq!(ages.bucket(f64::NAN), 10);
        assert_eq!(ages.bucket(f64::INFINITY), 10);
        let linear = Ages::new(5.0, 10.0, Growth::Linear);
        assert_eq!((linear.bucket(599.0), linear.bucket(600.0)), (2, 3));
        assert_eq!(linear.bucket(1e9), 10);
    }
}
