//! The messages of postfix(1) about a compatibility_level that is not the newest one.
//!
//! Owns the words, which differ from release to release. What a level changes
//! is decided by the defaults of parameters, see `table`.

use super::level::Level;
use super::settings::Config;
use crate::release::Feature;

/// The newest level before levels were versions.
const NUMBER: i64 = 2;

impl Config {
    /// The lines about backwards-compatible defaults; none if the level is the
    /// newest one of the release. Observed with Postfix 3.4.13, 3.5.25, 3.6.4,
    /// 3.7.11, 3.8.6, 3.10.13 and 3.11.7.
    pub fn compatibility_messages(&self) -> Vec<String> {
        let newest = if !self.postfix.has(Feature::LevelIsVersion) {
            Level::of_number(NUMBER)
        } else if self.postfix.has(Feature::LevelThreeEleven) {
            Level::of_version(3, 11)
        } else {
            Level::of_version(3, 6)
        };
        let value = self.parameters.value(b"compatibility_level");
        let level = value.ok().and_then(|value| Level::parse(&value));
        if level.is_none_or(|level| level >= newest) {
            return Vec::new();
        }
        let verb = if self.postfix.has(Feature::LevelIsUsed) {
            "using"
        } else {
            "running with"
        };
        let scheme = if self.postfix.has(Feature::SecureAddresses) {
            "https"
        } else {
            "http"
        };
        vec![
            format!("Postfix is {verb} backwards-compatible default settings"),
            format!("See {scheme}://www.postfix.org/COMPATIBILITY_README.html for details"),
            format!(
                "To disable backwards compatibility use \"postconf compatibility_level={newest}\" \
                 and \"postfix reload\""
            ),
        ]
    }
}
