//! A progress bar on standard error: how many, how fast, how much longer.
//!
//! Shown if it is wished and standard error is a terminal; else it does
//! nothing at all.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often it is drawn anew in a second, at most.
const REFRESH: u8 = 10;
/// Looks of a bar whose end is known, and of one whose end is not.
const BOUNDED: &str = "{bar:30} {human_pos}/{human_len} messages, {per_sec}, {eta} left";
const UNBOUNDED: &str = "{spinner} {human_pos} messages, {per_sec}";

/// A progress bar, if there is one.
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Whether one could be seen.
    pub fn can_be_seen() -> bool {
        stderr().is_terminal()
    }

    /// A bar for so many messages; of an unknown number without one.
    pub fn shown(total: Option<u64>) -> Self {
        let (template, bar) = match total {
            Some(total) => (BOUNDED, ProgressBar::new(total)),
            None => (UNBOUNDED, ProgressBar::no_length()),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REFRESH));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar: Some(bar) }
    }

    /// So many more are done.
    pub fn add(&self, messages: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(messages as u64);
        }
    }

    /// Writes something else to the terminal.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
