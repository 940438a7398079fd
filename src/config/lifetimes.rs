//! The parameters that say when a message is returned as undeliverable, for
//! listings that show it.

use std::time::Duration;

use super::error::ConfigError;
use super::settings::Config;

/// The time that a message stays in the queue before it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// maximal_queue_lifetime.
    pub message: Duration,
    /// bounce_queue_lifetime, for messages from the null sender.
    pub bounce: Duration,
}

impl Lifetimes {
    /// Both times in seconds, that of messages from the null sender second.
    pub fn seconds(&self) -> (i64, i64) {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        (seconds(self.message), seconds(self.bounce))
    }
}

impl Config {
    /// Reads maximal_queue_lifetime and bounce_queue_lifetime.
    ///
    /// # Errors
    ///
    /// One of them is no time.
    pub fn lifetimes(&self, warnings: &mut Vec<String>) -> Result<Lifetimes, ConfigError> {
        let mut parameters = self.parameters.clone();
        let mut time = |name: &'static str, default: &[u8]| {
            let mut value = parameters.take(name, default, warnings)?;
            // The default unit of these two parameters is the day.
            if value.last().is_some_and(u8::is_ascii_digit) {
                value.push(b'd');
            }
            parameters.time(name, &value, 0)
        };
        Ok(Lifetimes {
            message: time("maximal_queue_lifetime", b"5d")?,
            bounce: time("bounce_queue_lifetime", b"5d")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LoadState;

    fn lifetimes(main_cf: &str) -> Result<Lifetimes, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("main.cf"), main_cf).unwrap();
        let config = Config::load_for(
            "postqueue",
            directory.path(),
            None,
            &mut LoadState::default(),
        )?;
        config.lifetimes(&mut Vec::new())
    }

    #[test]
    fn a_number_without_a_unit_is_in_days() {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let owner = "mail_owner = nobody\n";
        let found = lifetimes(owner).unwrap();
        assert_eq!((found.message, found.bounce), (days(5), days(5)));
        let text = format!("{owner}maximal_queue_lifetime = 2\nbounce_queue_lifetime = 1h\n");
        let found = lifetimes(&text).unwrap();
        assert_eq!((found.message, found.bounce.as_secs()), (days(2), 3600));
        assert!(lifetimes(&format!("{owner}maximal_queue_lifetime = x\n")).is_err());
    }
}
