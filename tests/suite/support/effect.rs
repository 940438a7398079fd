//! Compares tools that change a spool: the same spool is built twice, each
//! program works on one of them, and what is left is compared, together with
//! what was printed and logged.
//!
//! The two spools differ in their inode numbers, and so in names and in the
//! order of directories: see `tree` for the labels that stand for them.

use super::compare::{difference, different_lines};
use super::generate::Spool;
use super::postlog::Postlog;
use super::run::{Ended, Invocation, Output, Program};
use super::tree::{Labels, Snapshot};

/// Whether the order of printed lines says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOrder {
    /// They come in the order of the arguments.
    AsPrinted,
    /// They come in the order of a directory, which differs between copies.
    Any,
}

/// What ours says of a NUL in a line of standard input, and Postfix does not.
const NUL_WARNING: &str = ": text after a NUL is ignored; ";

/// Takes the warnings of a NUL out of what was printed; how many there were.
pub fn without_nul_warnings(output: &mut Output) -> usize {
    let lines = output.stderr.split_inclusive(|&b| b == b'\n');
    let is_one = |line: &&[u8]| {
        let mut parts = line.windows(NUL_WARNING.len());
        parts.any(|part| part == NUL_WARNING.as_bytes())
    };
    let (warnings, rest): (Vec<&[u8]>, Vec<&[u8]>) = lines.partition(is_one);
    let count = warnings.len();
    output.stderr = rest.concat();
    count
}

/// All that a run did.
pub struct Effect {
    order: LineOrder,
    pub output: Output,
    pub log: Vec<String>,
    pub tree: Snapshot,
}

impl Effect {
    /// Runs a program on a spool and looks at the result.
    pub fn of(program: Program, spool: &Spool, call: &Invocation, order: LineOrder) -> Self {
        let labels = Labels::of(&spool.placed);
        let collector = Postlog::start(&spool.instance);
        let mut output = call.run(program, &spool.instance);
        let mut log = collector.take();
        let warnings = without_nul_warnings(&mut output);
        log.retain(|line| !line.contains(NUL_WARNING));
        assert!(warnings <= call.args.len(), "once for each -: {output:?}");
        drop(collector);
        let root = spool.instance.root().to_string_lossy().into_owned();
        let canonical = |text: &str| {
            let text = labels.canonical_text(&text.replace(&root, "@ROOT@"));
            in_order(text, order)
        };
        Self {
            order,
            output: Output {
                ended: output.ended,
                stdout: canonical(&output.stdout_text()).into_bytes(),
                stderr: canonical(&output.stderr_text()).into_bytes(),
            },
            log: canonical(&log.join("\n"))
                .lines()
                .map(str::to_owned)
                .collect(),
            tree: Snapshot::of(&spool.instance.queue_directory(), &labels),
        }
    }

    /// How two effects differ. Where the order of a directory decides what a
    /// run that ends on an error gets done before, only its status counts.
    pub fn compare(&self, theirs: &Self) -> Result<(), String> {
        let both_failed =
            self.output.ended == theirs.output.ended && self.output.ended != Ended::Exited(0);
        if both_failed && self.order == LineOrder::Any {
            return Ok(());
        }
        let mut text = difference(&self.output, &theirs.output).unwrap_or_default();
        if let Err(lines) = different_lines("log", &self.log, &theirs.log) {
            text.push_str(&lines);
        }
        text.push_str(&self.tree.difference(&theirs.tree).unwrap_or_default());
        if text.is_empty() { Ok(()) } else { Err(text) }
    }
}

fn in_order(text: String, order: LineOrder) -> String {
    match order {
        LineOrder::AsPrinted => text,
        LineOrder::Any => {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.iter().map(|line| format!("{line}\n")).collect()
        }
    }
}
