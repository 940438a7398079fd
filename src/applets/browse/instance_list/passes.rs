//! The passes over all instances: one process at a time for each of the two ways
//! to count, so that hundreds of instances never mean hundreds of processes, and
//! one that takes long does not keep the numbers of the others back.

use std::collections::VecDeque;
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::super::context::ChosenInstance;
use super::counting::{CountedBy, count};
use super::report::InstanceReport;
use super::screens::InstanceScreens;
use super::state::InstanceList;
use crate::sys::child;
use crate::sys::child::RunningChild;
use crate::sys::error_text::error_text;
use crate::sys::poll::{Readiness, poll_for};

/// The shortest time between the end of a pass and the next one.
const NAMES_AFTER: Duration = Duration::from_secs(3);
const MESSAGES_AFTER: Duration = Duration::from_secs(10);
/// The time between two passes, as a multiple of the time that a pass takes, so
/// that many instances or large queues do not keep the machine busy.
const REFRESH_FACTOR: u32 = 40;
/// With more instances than this, later passes by names are only over those on
/// the screen. The others are counted again with their messages.
const ALL_AGAIN_MAX: usize = 200;
/// The largest report.
const REPORT_MAX: usize = 64 * 1024;

/// The passes.
#[derive(Debug)]
pub struct CountingPasses([CountingPass; 2]);

impl CountingPasses {
    /// The passes before the first one.
    pub fn new() -> Self {
        Self([CountedBy::Names, CountedBy::Messages].map(CountingPass::new))
    }

    /// Begins passes that are due, and takes reports that are there, until a time.
    pub fn work(&mut self, list: &mut InstanceList, screens: InstanceScreens<'_>, until: Instant) {
        loop {
            let mut is_ready = false;
            for pass in &mut self.0 {
                is_ready |= pass.step(list, screens);
            }
            if !is_ready || Instant::now() >= until {
                break;
            }
        }
        let [names, _] = &self.0;
        list.is_changed |= list.is_counting != names.is_first;
        list.is_counting = names.is_first;
    }

    /// Where reports arrive.
    pub fn outputs(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let running = self.0.iter().filter_map(|pass| pass.running.as_ref());
        running.map(|running| running.output.as_fd())
    }

    /// Ends the processes, and counts all instances from now on.
    pub fn begin_anew(&mut self) {
        for pass in &mut self.0 {
            pass.running = None;
            pass.left.clear();
            pass.counts_all = true;
            pass.due = Instant::now();
        }
    }
}

/// A pass, or the wait for the next one.
#[derive(Debug)]
struct CountingPass {
    by: CountedBy,
    /// The places of the instances that are still to be counted.
    left: VecDeque<usize>,
    /// The number of instances of this pass.
    length: usize,
    running: Option<RunningCount>,
    began: Instant,
    due: Instant,
    /// Whether the next pass is over all instances.
    counts_all: bool,
    /// Whether no pass has ended.
    is_first: bool,
}

/// A process that counts.
#[derive(Debug)]
struct RunningCount {
    place: usize,
    child: RunningChild,
    output: PipeReader,
    lines: Vec<u8>,
}

impl CountingPass {
    fn new(by: CountedBy) -> Self {
        Self {
            by,
            left: VecDeque::new(),
            length: 0,
            running: None,
            began: Instant::now(),
            due: Instant::now(),
            counts_all: true,
            is_first: true,
        }
    }

    /// Goes on, without waiting. Returns whether there may be more to do at once.
    fn step(&mut self, list: &mut InstanceList, screens: InstanceScreens<'_>) -> bool {
        if let Some(running) = self.running.take() {
            return self.read(running, list);
        }
        if self.left.is_empty() {
            if self.due > Instant::now() {
                return false;
            }
            self.left = self.places(list).into();
            self.length = self.left.len();
            self.counts_all = false;
            self.began = Instant::now();
        }
        if let Some(place) = self.left.pop_front() {
            self.begin(place, list, screens);
        }
        true
    }

    /// The instances of the next pass, those on the screen first.
    fn places(&self, list: &InstanceList) -> Vec<usize> {
        let mut places = list.visible();
        let is_small = list.rows().len() <= ALL_AGAIN_MAX;
        if self.counts_all || is_small || self.by == CountedBy::Messages {
            let mut is_visible = vec![false; list.rows().len()];
            for place in &places {
                if let Some(visible) = is_visible.get_mut(*place) {
                    *visible = true;
                }
            }
            let others = (0..).zip(is_visible).filter(|(_, visible)| !visible);
            places.extend(others.map(|(place, _)| place));
        }
        places
    }

    /// Starts the process for an instance.
    fn begin(&mut self, place: usize, list: &mut InstanceList, screens: InstanceScreens<'_>) {
        let Some(row) = list.rows().get(place) else {
            return;
        };
        let chosen = ChosenInstance {
            directory: Some(row.directory.clone()),
            name: None,
        };
        match start(&chosen, self.by, screens) {
            Ok((child, output)) => {
                self.running = Some(RunningCount {
                    place,
                    child,
                    output,
                    lines: Vec::new(),
                });
            }
            Err(error) => {
                let problem = format!("cannot start a process: {}", error_text(&error));
                let report = InstanceReport {
                    name: None,
                    counts: Err(problem),
                };
                self.end(place, report, list);
            }
        }
    }

    /// Reads what is there of a report.
    fn read(&mut self, mut running: RunningCount, list: &mut InstanceList) -> bool {
        let is_ready = poll_for(&[running.output.as_fd()], Readiness::Input, Duration::ZERO);
        if is_ready.is_ok_and(|ready| ready.is_empty()) {
            self.running = Some(running);
            return false;
        }
        let mut piece = [0; 4096];
        let length = running.output.read(&mut piece).unwrap_or(0);
        let piece = piece.get(..length).unwrap_or_default();
        running.lines.extend_from_slice(piece);
        if length > 0 && running.lines.len() < REPORT_MAX {
            self.running = Some(running);
            return true;
        }
        let report = InstanceReport::parse(&String::from_utf8_lossy(&running.lines));
        self.end(running.place, report, list);
        // A report that is too long is not read to its end.
        if length == 0 {
            let _ = running.child.wait();
        }
        true
    }

    /// How long the next pass is going to take, by the time that each instance of
    /// this one took. The first pass may have been over many more.
    fn next_takes(&self, list: &InstanceList) -> Duration {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let each = self.began.elapsed() / count(self.length).max(1);
        each.saturating_mul(count(self.places(list).len()))
    }

    /// Takes a report; the last one ends the pass.
    fn end(&mut self, place: usize, report: InstanceReport, list: &mut InstanceList) {
        list.take(place, report);
        if self.left.is_empty() {
            let after = match self.by {
                CountedBy::Names => NAMES_AFTER,
                CountedBy::Messages => MESSAGES_AFTER,
            };
            let wait = self.next_takes(list).saturating_mul(REFRESH_FACTOR);
            let due = Instant::now().checked_add(wait.max(after));
            self.due = due.unwrap_or(self.due);
            self.is_first = false;
        }
    }
}

/// Starts a process that counts the messages of an instance.
fn start(
    chosen: &ChosenInstance,
    by: CountedBy,
    screens: InstanceScreens<'_>,
) -> std::io::Result<(RunningChild, PipeReader)> {
    let (output, mut writer) = std::io::pipe()?;
    let parent = std::process::id();
    let child = child::start(move || {
        let report = count(screens.call, chosen, by, screens.interrupts, parent);
        let written = writer.write_all(report.to_lines().as_bytes());
        u8::from(written.is_err())
    })?;
    Ok((child, output))
}
