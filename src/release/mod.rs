//! Releases of Postfix, and which behavior each of them has.
//!
//! - [`Release`]: a version number
//! - [`Feature`]: a behavior by name, with its first releases
//! - [`Installed`]: the Postfix of an instance, whose release is looked up in
//!   the daemons' files when it is first needed

mod feature;
mod installed;
mod program;

pub use feature::Feature;
pub use installed::{Installed, Utf8, charset_of};

use std::fmt;

use crate::text::digits;

/// A release of Postfix. A snapshot such as `3.12-20260821` counts as the first
/// release of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The 3 of 3.10.5.
    pub major: u32,
    /// The 10 of 3.10.5.
    pub minor: u32,
    /// The 5 of 3.10.5.
    pub patch: u32,
}

impl Release {
    /// The newest known release, which is used if the release cannot be
    /// determined.
    pub const NEWEST: Self = Self::new(3, 12, 0);

    /// Returns a release from its numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Parses a version as Postfix writes it, `3.10.5` or `3.12-20260821`, or a
    /// line of releases, `3.5`, which stands for its first release. `None` if
    /// the text is not a version.
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, suffix) = match text.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (text, None),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
        if suffix.is_some_and(|suffix| suffix.is_empty() || !suffix.chars().all(is_plain)) {
            return None;
        }
        let mut parts = numbers.split('.').map(|part| digits(part.as_bytes()));
        let (major, minor) = (parts.next()??, parts.next()??);
        let patch = match parts.next() {
            Some(patch) => patch?,
            None => 0,
        };
        let is_all = parts.next().is_none();
        is_all.then_some(Self::new(major, minor, patch))
    }

    /// Whether this release has a feature.
    pub fn has(self, feature: Feature) -> bool {
        let since = feature.since();
        let line = |of: &Self| (of.major, of.minor);
        since.last().is_some_and(|newest| self >= *newest)
            || since
                .iter()
                .any(|first| line(first) == line(&self) && self >= *first)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        for (text, expected) in [
            ("3.5", Some((3, 5, 0))),
            ("3.7.11", Some((3, 7, 11))),
            ("3.12-20260821", Some((3, 12, 0))),
            ("3.11.0-RC1", Some((3, 11, 0))),
            ("2.11.3", Some((2, 11, 3))),
            ("10.0.0", Some((10, 0, 0))),
        ] {
            let expected = expected.map(|(major, minor, patch)| Release::new(major, minor, patch));
            assert_eq!(Release::parse(text), expected, "{text}");
        }
        for text in [
            "",
            "3",
            "3.",
            ".5",
            "3.x",
            "3.5.",
            "3.5.x",
            "3.5.1.2",
            "+3.5",
            "3.-5",
            " 3.5",
            "3.5 ",
            "3.5-",
            "3.5-\x1b[2J",
            "newest",
            "99999999999.1",
            "3.99999999999",
        ] {
            assert_eq!(Release::parse(text), None, "{text:?}");
        }
        assert!(Release::parse("3.9.9") < Release::parse("3.10.0"));
    }

    #[test]
    fn a_release_newer_than_any_known_has_every_feature() {
        for text in ["3.13.0", "4.0.0"] {
            let release = Release::parse(text).unwrap();
            assert!(Feature::ALL.into_iter().all(|feature| release.has(feature)));
        }
        assert!(Feature::ALL.into_iter().all(|f| Release::NEWEST.has(f)));
    }

    #[test]
    fn no_feature_is_lost_in_a_later_release_of_a_line() {
        for feature in Feature::ALL {
            let since = feature.since();
            assert!(
                since.windows(2).all(|pair| pair[0] < pair[1]),
                "{feature:?}"
            );
            for minor in 0..14 {
                let has = |patch| Release::new(3, minor, patch).has(feature);
                assert!(
                    (0..40).all(|patch| !has(patch) || has(patch + 1)),
                    "{feature:?} {minor}"
                );
            }
        }
    }
}
