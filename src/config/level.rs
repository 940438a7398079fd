//! Compatibility levels: versions such as `3.6` or `3.6.1`, which are compared part
//! by part.

use std::fmt;

use crate::text::whole_number;

/// A compatibility level. Missing parts are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level([i64; 3]);

/// Number of bits for each of the two lower parts of a level in Postfix, which
/// stores a level in a signed 64-bit number and refuses larger parts.
const PART_BITS: u32 = 10;

impl Level {
    /// A level of the form that was used before Postfix 3.6.
    pub const fn of_number(number: i64) -> Self {
        Self([number, 0, 0])
    }

    /// The level that a release introduced.
    pub const fn of_version(major: i64, minor: i64) -> Self {
        Self([major, minor, 0])
    }

    /// Parses one to three numbers separated by dots.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut level = Self::default();
        let mut parts = level.0.iter_mut();
        for (index, digits) in text.split(|&byte| byte == b'.').enumerate() {
            let number = number(digits)?;
            let limit = match index {
                0 => i64::MAX >> (PART_BITS * 2),
                _ => (1 << PART_BITS) - 1,
            };
            if number > limit {
                return None;
            }
            *parts.next()? = number;
        }
        Some(level)
    }
}

impl fmt::Display for Level {
    /// Omits parts at the end that are zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [major, 0, 0] => write!(f, "{major}"),
            [major, minor, 0] => write!(f, "{major}.{minor}"),
            [major, minor, patch] => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

/// Parses a number that is not negative.
fn number(text: &[u8]) -> Option<i64> {
    whole_number(text).filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(text: &str) -> Option<Level> {
        Level::parse(text.as_bytes())
    }

    #[test]
    fn parts_are_compared_as_numbers() {
        assert!(level("3.6") < level("3.10"));
        assert!(level("3.6.1") > level("3.6"));
        assert_eq!(level("3"), level("3.0.0"));
        assert_eq!(level("03. +6"), level("3.6"));
    }

    #[test]
    fn levels_that_postfix_refuses_are_refused() {
        for text in [
            "",
            "x",
            "-1",
            "3.",
            ".3",
            "3.6x",
            " 3 ",
            "3.6.1.2",
            "3..6",
            "3.1024",
            "8796093022208",
        ] {
            assert_eq!(level(text), None, "{text}");
        }
        assert!(level("8796093022207.1023.1023").is_some());
    }
}
