//! Draws the list of instances, and waits for keys and for reports, until the user
//! or a signal ends the program.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crossterm::event;
use crossterm::event::{Event, KeyEventKind};

use super::super::event_loop::{AnsiTerminal, NextEvent, await_event, draw_all, terminal};
use super::super::keys::LoopRequest;
use super::super::opened::ScreenEnd;
use super::passes::CountingPasses;
use super::screens::InstanceScreens;
use super::state::InstanceList;
use super::{list_keys, list_view};
use crate::sys::poll::{Readiness, poll_for};

/// The time between two drawings at least, if no key was pressed.
const FRAME: Duration = Duration::from_millis(40);
/// The longest wait for a key and for a report.
const WAIT: Duration = Duration::from_millis(200);
/// How long reports are taken before keys are looked at again.
const REPORTS: Duration = Duration::from_millis(25);

/// Runs until the end.
///
/// # Errors
///
/// The terminal cannot be read or written.
pub fn run(list: &mut InstanceList, screens: InstanceScreens<'_>) -> io::Result<()> {
    let mut terminal = terminal()?;
    let mut passes = CountingPasses::new();
    let mut drawn: Option<Instant> = None;
    let mut size = terminal.size()?;
    draw(list, &mut terminal)?;
    while !list.is_over && screens.interrupts.caught().is_none() {
        let until = Instant::now().checked_add(REPORTS);
        passes.work(list, screens, until.unwrap_or_else(Instant::now));
        let before = std::mem::replace(&mut size, terminal.size()?);
        list.is_changed |= size != before;
        if drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) && list.is_changed {
            draw(list, &mut terminal)?;
            drawn = Some(Instant::now());
        }
        match await_any(&passes, list)? {
            NextEvent::Ready => {
                take_event(list, &mut passes, screens, &mut terminal)?;
                drawn = None;
            }
            NextEvent::None => {}
            NextEvent::HungUp => break,
        }
    }
    Ok(())
}

fn draw(list: &mut InstanceList, terminal: &mut AnsiTerminal) -> io::Result<()> {
    list.is_changed = false;
    terminal.draw(|frame| list_view::draw(frame, list))?;
    Ok(())
}

/// Waits for a key or a report. A change that is not drawn yet ends the wait in
/// time.
fn await_any(passes: &CountingPasses, list: &InstanceList) -> io::Result<NextEvent> {
    let limit = if list.is_changed { FRAME } else { WAIT };
    let stdin = io::stdin();
    let watched: Vec<_> = std::iter::once(stdin.as_fd())
        .chain(passes.outputs())
        .collect();
    poll_for(&watched, Readiness::Input, limit)?;
    await_event(Duration::ZERO)
}

fn take_event(
    list: &mut InstanceList,
    passes: &mut CountingPasses,
    screens: InstanceScreens<'_>,
    terminal: &mut AnsiTerminal,
) -> io::Result<()> {
    let key = match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return Ok(()),
    };
    match list_keys::key(list, &key) {
        LoopRequest::Nothing => {}
        LoopRequest::Redraw => draw_all(terminal)?,
        LoopRequest::Refresh => passes.begin_anew(),
        LoopRequest::Suspend => {
            screens.screen.suspend()?;
            draw_all(terminal)?;
        }
    }
    if let Some(place) = list.to_open.take() {
        passes.begin_anew();
        open(place, list, screens)?;
        draw_all(terminal)?;
    }
    Ok(())
}

/// Opens an instance, and lists the instances again after it.
fn open(place: usize, list: &mut InstanceList, screens: InstanceScreens<'_>) -> io::Result<()> {
    let Some(row) = list.rows().get(place) else {
        return Ok(());
    };
    // Keys in the memory of this process would be in that of its copy, and both
    // would act on them.
    while await_event(Duration::ZERO)? == NextEvent::Ready {
        event::read()?;
    }
    match screens.open(row)? {
        Ok(ScreenEnd::Back) => {}
        Ok(ScreenEnd::Quit) => list.is_over = true,
        Err(problem) => list.status = problem,
    }
    list.is_changed = true;
    Ok(())
}
