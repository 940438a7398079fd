//! Compares two runs byte for byte, and runs many cases at once.
//!
//! Owns how a difference is shown and how to repeat it. Nothing is trimmed or
//! sorted before it is compared, unless a caller asks for it.
//!
//! Without SPOOLBOX_LONG a sample of the cases is run. SPOOLBOX_SEED draws other
//! cases, SPOOLBOX_CASES=N the first N of them; SPOOLBOX_CASE=N runs one again,
//! and SPOOLBOX_KEEP=1 leaves its files.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::instance::Instance;
use super::run::{Invocation, Output, Program};
use super::{DEFAULT_SEED, Extent, number_from_environment, under_test};

/// More failing cases than this are only counted.
const SHOWN: usize = 8;
/// Real Postfix sleeps a second before it ends on an error, so more threads
/// than processors.
const THREADS: usize = 6;
/// One case of this many is in a sample,
const SAMPLED: u64 = 8;
/// and at least this many are.
const SAMPLED_MIN: u64 = 60;

/// Runs ours and theirs on the same spool; says how they differ.
pub fn same_output(instance: &Instance, call: &Invocation) -> Result<Output, String> {
    let theirs = call.run(Program::Theirs, instance);
    let ours = call.run(under_test(), instance);
    same(call, &ours, &theirs).map(|()| theirs)
}

/// Compares two runs of one call; says how they differ.
pub fn same(call: &Invocation, ours: &Output, theirs: &Output) -> Result<(), String> {
    match difference(ours, theirs) {
        None => Ok(()),
        Some(text) => Err(format!("{}\n{text}", shown(call))),
    }
}

/// How two runs differ; `None` if they do not.
pub fn difference(ours: &Output, theirs: &Output) -> Option<String> {
    let mut text = String::new();
    if ours.ended != theirs.ended {
        let _ = writeln!(
            text,
            "  ended: ours {:?}, theirs {:?}",
            ours.ended, theirs.ended
        );
    }
    for (name, left, right) in [
        ("stdout", &ours.stdout, &theirs.stdout),
        ("stderr", &ours.stderr, &theirs.stderr),
    ] {
        if let Some(line) = first_different_line(left, right) {
            let _ = write!(text, "  {name}: {line}");
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The first line in which two texts differ, with the line before it.
pub fn first_different_line(ours: &[u8], theirs: &[u8]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let left: Vec<&[u8]> = ours.split_inclusive(|&b| b == b'\n').collect();
    let right: Vec<&[u8]> = theirs.split_inclusive(|&b| b == b'\n').collect();
    let same = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let mut text = format!("line {} differs\n", same + 1);
    if let Some(before) = same.checked_sub(1).and_then(|line| left.get(line)) {
        let _ = writeln!(text, "    both:   {}", readable(before));
    }
    let line = |lines: &[&[u8]]| lines.get(same).map_or("(no more)".into(), |l| readable(l));
    let _ = writeln!(text, "    ours:   {}", line(&left));
    let _ = writeln!(text, "    theirs: {}", line(&right));
    Some(text)
}

/// How two lists of lines differ, in order.
pub fn different_lines(name: &str, ours: &[String], theirs: &[String]) -> Result<(), String> {
    let joined = |lines: &[String]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
    match first_different_line(joined(ours).as_bytes(), joined(theirs).as_bytes()) {
        None => Ok(()),
        Some(line) => Err(format!("  {name}: {line}")),
    }
}

/// The command line of a call, as one could type it.
pub fn shown(call: &Invocation) -> String {
    let mut text = String::from(" ");
    for (name, value) in &call.env {
        let _ = write!(
            text,
            " {}={}",
            name.to_string_lossy(),
            value.to_string_lossy()
        );
    }
    let _ = write!(text, " {}", call.tool.name());
    for argument in &call.args {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    let _ = write!(text, "   (user {:?}, in {})", call.user, call.cwd.display());
    text
}

fn readable(line: &[u8]) -> String {
    const LONGEST: usize = 600;
    let text = line.escape_ascii().to_string();
    match text.get(..LONGEST) {
        Some(start) => format!("{start}... ({} bytes)", line.len()),
        None => text,
    }
}

/// Which generated cases a test runs.
#[derive(Clone, Copy, Debug)]
pub struct Cases {
    pub seed: u64,
    pub first: u64,
    pub count: u64,
    /// From one case to the next.
    pub step: u64,
}

impl Cases {
    /// `count` cases of the seed, or a sample of them, or as many as
    /// SPOOLBOX_CASES says, or the one that SPOOLBOX_CASE names.
    pub fn from_environment(count: u64) -> Self {
        let all = Self::all(count);
        let is_chosen = ["SPOOLBOX_CASE", "SPOOLBOX_CASES"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        if is_chosen || Extent::from_environment() != Extent::Sample {
            return all;
        }
        all.sample()
    }

    /// The same, but all of them where no other number is asked for.
    pub fn all(count: u64) -> Self {
        let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
        let (first, count) = match number_from_environment("SPOOLBOX_CASE") {
            Some(first) => (first, 1),
            None => (
                0,
                number_from_environment("SPOOLBOX_CASES").unwrap_or(count),
            ),
        };
        Self {
            seed,
            first,
            count,
            step: 1,
        }
    }

    /// Some of them, spread over all.
    fn sample(self) -> Self {
        let count = (self.count / SAMPLED).max(SAMPLED_MIN).min(self.count);
        Self {
            count,
            step: self.count.checked_div(count).unwrap_or(1),
            ..self
        }
    }

    /// Runs all of them, several at a time, and fails if one did, showing how
    /// to repeat it.
    pub fn run(self, test: &str, check: impl Fn(u64, u64) -> Result<(), String> + Sync) {
        let next = AtomicU64::new(0);
        let failures = Mutex::new(Vec::new());
        let work = || loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return;
            }
            let case = self.first + number * self.step;
            let checked = catch_unwind(AssertUnwindSafe(|| check(self.seed, case)));
            let checked = checked.unwrap_or_else(|_| Err("  panicked, see above".into()));
            if let Err(text) = checked {
                failures.lock().expect("no panic").push((case, text));
            }
        };
        thread::scope(|scope| {
            for _ in 0..THREADS.min(usize::try_from(self.count).unwrap_or(1)) {
                scope.spawn(work);
            }
        });
        self.report(test, failures.into_inner().expect("no panic"));
    }

    fn report(self, test: &str, mut failures: Vec<(u64, String)>) {
        if failures.is_empty() {
            return;
        }
        failures.sort();
        let mut text = String::new();
        for (case, what) in failures.iter().take(SHOWN) {
            let _ = writeln!(
                text,
                "\ncase {case}; again: SPOOLBOX_SEED={} SPOOLBOX_CASE={case} SPOOLBOX_KEEP=1 \
                 cargo test --test suite {test}\n{what}",
                self.seed
            );
        }
        let numbers: Vec<u64> = failures.iter().map(|(case, _)| *case).collect();
        panic!(
            "{} of {} cases differ (seed {}): {numbers:?}\n{text}",
            failures.len(),
            self.count,
            self.seed
        );
    }
}

/// Keeps the files of a failed case if SPOOLBOX_KEEP is set, and says where.
pub fn keep_if_asked(instance: &mut Instance, result: Result<(), String>) -> Result<(), String> {
    result.map_err(|mut text| {
        if std::env::var_os("SPOOLBOX_KEEP").is_some() {
            let _ = writeln!(text, "  kept: {}", instance.keep().display());
        }
        text
    })
}
