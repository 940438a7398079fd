//! A progress bar on standard error: the number of messages, the rate and the
//! remaining time.
//!
//! Shown if it is requested and standard error is a terminal with cursor
//! control; otherwise it does nothing. The line always fits the width of the
//! terminal, and is in ASCII unless the locale uses UTF-8.

use std::fmt::Write as _;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::sys::terminal;

/// The maximum number of redraws per second.
const REFRESH: u8 = 10;
/// The template: one key for the whole line.
const TEMPLATE: &str = "{line}";
/// Limits of the width of the bar, in columns.
const BAR_MAX: usize = 30;
const BAR_MIN: usize = 5;
/// The width in columns of a terminal that does not report it.
const WIDTH: usize = 80;

/// A progress bar, possibly hidden.
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Whether a progress bar would be visible.
    pub fn can_be_seen() -> bool {
        stderr().is_terminal() && !terminal::is_dumb()
    }

    /// A progress bar for this number of messages; `None` if the number is
    /// unknown.
    pub fn shown(total: Option<u64>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REFRESH));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            let symbols = Symbols::of_locale();
            let line = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let width = terminal::columns_of_stderr().unwrap_or(WIDTH);
                let line = Progression::of(state).line(width, symbols);
                // An error affects the bar only, so it is ignored.
                let _ = out.write_str(&line);
            };
            bar.set_style(style.with_key("line", line));
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar: Some(bar) }
    }

    /// Adds this number of finished messages.
    pub fn add(&self, messages: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(messages as u64);
        }
    }

    /// Hides the bar while `write` writes to the terminal.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// The characters of a bar: the finished part and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Symbols {
    done: char,
    left: char,
}

impl Symbols {
    const ASCII: Self = Self {
        done: '#',
        left: '.',
    };
    const BLOCKS: Self = Self {
        done: '\u{2588}',
        left: '\u{2591}',
    };

    /// The characters that the caller's locale can show. As in POSIX, the first
    /// of these variables that is set and not empty decides.
    fn of_locale() -> Self {
        let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
        let mut values = variables.into_iter().filter_map(std::env::var_os);
        let locale = values.find(|value| !value.is_empty()).unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") {
            Self::BLOCKS
        } else {
            Self::ASCII
        }
    }
}

/// The progress of the work.
#[derive(Clone, Copy, Debug)]
struct Progression {
    done: u64,
    total: Option<u64>,
    /// Messages per second.
    rate: f64,
}

impl Progression {
    fn of(state: &ProgressState) -> Self {
        Self {
            done: state.pos(),
            total: state.len(),
            rate: state.per_sec(),
        }
    }

    /// The line, at least one column narrower than `width`, since some
    /// terminals wrap at the last column. If it is too long, the least
    /// important parts are left out first: the bar, the time, the rate.
    fn line(self, width: usize, symbols: Symbols) -> String {
        let room = width.saturating_sub(1);
        let count = match self.total {
            Some(total) => format!("{}/{total} messages", self.done),
            None => format!("{} messages", self.done),
        };
        let rate = format!("{count}, {}", rate(self.rate));
        let full = match self.left() {
            Some(left) => format!("{rate}, {} left", time(left)),
            None => rate.clone(),
        };
        let for_bar = room.saturating_sub(full.len()).saturating_sub(1);
        if self.total.is_some() && for_bar >= BAR_MIN {
            return format!("{} {full}", self.bar(for_bar.min(BAR_MAX), symbols));
        }
        let fitting = [full, rate, count].into_iter().find(|l| l.len() <= room);
        fitting.unwrap_or_else(|| self.done.to_string().chars().take(room).collect())
    }

    /// The remaining time at this rate; `None` if it is unknown.
    fn left(self) -> Option<Duration> {
        let messages = self.total?.saturating_sub(self.done);
        let seconds = (messages as f64 / self.rate).ceil();
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn bar(self, width: usize, symbols: Symbols) -> String {
        let total = self.total.unwrap_or(0).max(1);
        let filled = (self.done.min(total) as f64 / total as f64 * width as f64) as usize;
        let mut bar = String::new();
        bar.extend(std::iter::repeat_n(symbols.done, filled.min(width)));
        bar.extend(std::iter::repeat_n(
            symbols.left,
            width.saturating_sub(filled),
        ));
        bar
    }
}

/// Formats the messages per second, rounded for quick reading.
fn rate(per_second: f64) -> String {
    let digits = usize::from(per_second < 9.95);
    format!("{per_second:.digits$}/s")
}

/// Formats a time in its two largest units.
fn time(left: Duration) -> String {
    let seconds = left.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match (hours, minutes) {
        (0, 0) => write!(text, "{seconds}s"),
        (0, _) => write!(text, "{minutes}m{:02}s", seconds % 60),
        _ => write!(text, "{hours}h{minutes:02}m"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, total: Option<u64>, rate: f64) -> Progression {
        Progression { done, total, rate }
    }

    #[test]
    fn a_line_never_reaches_the_last_column() {
        for width in 0..200 {
            for state in [
                at(0, Some(0), 0.0),
                at(5, None, 99.9399),
                at(123_456_789, Some(1_234_567_890), 123_456.789),
                at(u64::MAX, Some(1), f64::MAX),
            ] {
                let line = state.line(width, Symbols::BLOCKS);
                let columns = line.chars().count();
                assert!(columns < width.max(1), "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_rate_is_rounded() {
        for (per_second, expected) in [
            (99.9399, "100/s"),
            (9.96, "10/s"),
            (9.94, "9.9/s"),
            (0.25, "0.2/s"),
            (0.0, "0.0/s"),
        ] {
            assert_eq!(rate(per_second), expected);
        }
    }

    #[test]
    fn a_time_is_not_invented() {
        let line = at(0, Some(9), 0.0).line(80, Symbols::ASCII);
        assert!(line.ends_with(" 0/9 messages, 0.0/s"), "{line}");
        let line = at(9, Some(9), 3.0).line(80, Symbols::ASCII);
        assert!(line.ends_with("9/9 messages, 3.0/s, 0s left"), "{line}");
        let line = at(0, Some(7500), 1.0).line(80, Symbols::ASCII);
        assert!(line.ends_with(", 2h05m left"), "{line}");
    }

    #[test]
    fn the_least_important_parts_are_left_out_first() {
        let state = at(123, Some(410), 12.3);
        for (width, expected) in [
            (
                80,
                "#########..................... 123/410 messages, 12/s, 24s left",
            ),
            (45, "###........ 123/410 messages, 12/s, 24s left"),
            (37, "123/410 messages, 12/s, 24s left"),
            (30, "123/410 messages, 12/s"),
            (20, "123/410 messages"),
            (10, "123"),
        ] {
            assert_eq!(state.line(width, Symbols::ASCII), expected);
        }
    }
}
