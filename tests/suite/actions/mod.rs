//! Acting on a selection: the result is that of the pipeline around the real tools; dry
//! runs, limits, confirmation and reports; races and crashes.

mod bounds;
mod dry_run;
mod flushing;
mod interrupted;
mod notifying;
mod pipelines;
mod race;
mod separated;
mod terminal;
mod wrong;

use crate::selection::spool;
use crate::support::instance::{Builder, Instance};
use crate::support::postlog;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::Placed;
use crate::support::tree::{Labels, Snapshot};

/// An instance with the spool of the selection tests.
struct Filled {
    instance: Instance,
    placed: Vec<Placed>,
}

impl Filled {
    fn new() -> Self {
        Self::at(spool::now())
    }

    /// One that can be compared with another of the same time.
    fn at(now: i64) -> Self {
        Self::of(Instance::builder(), now)
    }

    /// One whose mail log can be collected.
    fn logged(now: i64) -> Self {
        Self::of(postlog::configure(Instance::builder()), now)
    }

    fn of(builder: Builder, now: i64) -> Self {
        let instance = builder.build();
        let placed = spool::fill_at(&instance, now);
        Self { instance, placed }
    }

    fn call(&self, arguments: &[&str]) -> Invocation {
        Invocation::new(Tool::Postsuper, arguments).env("MAIL_CONFIG", self.instance.etc())
    }

    /// Runs our postsuper.
    fn run_with(&self, arguments: &[&str], stdin: &str) -> Output {
        let call = self.call(arguments).stdin(stdin.as_bytes());
        call.run(Program::Ours, &self.instance)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    /// Runs our postsuper, which has to end well.
    fn done(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}\n{output:?}");
        output
    }

    fn labels(&self) -> Labels {
        Labels::of(&self.placed)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.instance.queue_directory(), &self.labels())
    }

    /// All IDs, one a line.
    fn ids(&self) -> String {
        let line = |placed: &Placed| format!("{}\n", placed.id());
        self.placed.iter().map(line).collect()
    }

    /// How many messages lie in a queue.
    fn count(&self, queue: &str) -> usize {
        let files = crate::postsuper::messages(&self.instance);
        files.iter().filter(|path| path.starts_with(queue)).count()
    }
}
