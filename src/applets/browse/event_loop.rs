//! Draws the screen, and waits for keys, results and the time of the next look
//! at the queue, until the user or a signal ends the program.

use std::io;
use std::io::BufWriter;
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crossterm::event;
use crossterm::event::{Event, KeyEventKind};
use ratatui::Terminal;

use super::ansi_backend::AnsiBackend;
use super::app::App;
use super::commands;
use super::keys::LoopRequest;
use super::views;
use crate::sys::full_screen::FullScreen;
use crate::sys::poll::{TerminalInput, poll_terminal};
use crate::sys::signals::Interrupts;

/// The terminal as ratatui draws on it.
pub type AnsiTerminal = Terminal<AnsiBackend<BufWriter<io::Stdout>>>;

/// The time between two drawings at least, if no key was pressed.
const FRAME: Duration = Duration::from_millis(40);
/// The longest wait for a key while results are expected, and otherwise.
const BUSY_WAIT: Duration = Duration::from_millis(15);
const IDLE_WAIT: Duration = Duration::from_millis(200);
/// How long results are taken before keys are looked at again.
const ANSWERS: Duration = Duration::from_millis(15);

/// Runs until the end.
///
/// # Errors
///
/// The terminal cannot be read or written.
pub fn run(app: &mut App, screen: &FullScreen, interrupts: &Interrupts) -> io::Result<()> {
    let mut terminal = terminal()?;
    let mut drawn: Option<Instant> = None;
    let mut size = terminal.size()?;
    // If a thread has panicked, so does the end of its scope.
    while !app.is_over && interrupts.caught().is_none() && app.background.is_running() {
        app.take_answers(ANSWERS);
        app.tick();
        app.work();
        // Asked once: a change between two questions would go unnoticed.
        let before = std::mem::replace(&mut size, terminal.size()?);
        app.is_changed |= size != before;
        if drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
            drawn = draw_changes(app, &mut terminal)?.or(drawn);
        }
        let busy = app.is_changed || app.is_reading() || app.is_acting;
        let wait = if app.has_work() {
            Duration::ZERO
        } else if busy || app.overview.is_counting {
            BUSY_WAIT
        } else {
            IDLE_WAIT
        };
        match await_event(wait)? {
            NextEvent::Ready => {
                take_events(app, screen, &mut terminal)?;
                // What keys show does not wait for results and work.
                drawn = draw_changes(app, &mut terminal)?.or(drawn);
            }
            NextEvent::None => {}
            // Nobody is there any more.
            NextEvent::HungUp => break,
        }
    }
    Ok(())
}

/// The terminal to draw on.
///
/// # Errors
///
/// Its size is not known.
pub fn terminal() -> io::Result<ManuallyDrop<AnsiTerminal>> {
    let backend = AnsiBackend::new(BufWriter::new(io::stdout()));
    // `FullScreen` shows the cursor again. When dropped, this would do so too, and
    // panic if the terminal is gone.
    Ok(ManuallyDrop::new(Terminal::new(backend)?))
}

/// Draws the screen if anything has changed. Returns when it was drawn.
fn draw_changes(app: &mut App, terminal: &mut AnsiTerminal) -> io::Result<Option<Instant>> {
    if !app.is_changed || app.is_over {
        return Ok(None);
    }
    app.is_changed = false;
    terminal.draw(|frame| views::draw(frame, app))?;
    Ok(Some(Instant::now()))
}

/// Whether there is an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextEvent {
    /// There is one.
    Ready,
    /// There was none until the limit.
    None,
    /// The terminal is gone.
    HungUp,
}

/// Waits for an event. crossterm is not asked when the terminal is gone: it would
/// read the end of the input for ever.
///
/// # Errors
///
/// The terminal cannot be read.
pub fn await_event(limit: Duration) -> io::Result<NextEvent> {
    for limit in [Duration::ZERO, limit] {
        if poll_terminal(io::stdin().as_fd(), limit)? == TerminalInput::HungUp {
            return Ok(NextEvent::HungUp);
        }
        if event::poll(Duration::ZERO)? {
            return Ok(NextEvent::Ready);
        }
    }
    Ok(NextEvent::None)
}

/// Clears the screen, so that the next drawing is a whole one. `Terminal::clear`
/// would ask the terminal for the place of its cursor, and wait for the answer.
///
/// # Errors
///
/// The terminal cannot be written.
pub fn draw_all(terminal: &mut AnsiTerminal) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(size.into())
}

/// Takes the events that are there, for a limited time: on a terminal that
/// draws slowly, keys would otherwise wait for one drawing each.
fn take_events(app: &mut App, screen: &FullScreen, terminal: &mut AnsiTerminal) -> io::Result<()> {
    let start = Instant::now();
    loop {
        take_event(app, screen, terminal)?;
        let is_last = app.is_over || start.elapsed() >= FRAME;
        if is_last || await_event(Duration::ZERO)? != NextEvent::Ready {
            return Ok(());
        }
    }
}

fn take_event(app: &mut App, screen: &FullScreen, terminal: &mut AnsiTerminal) -> io::Result<()> {
    let key = match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return Ok(()),
    };
    match commands::key(app, &key) {
        LoopRequest::Nothing | LoopRequest::Refresh => {}
        LoopRequest::Redraw => draw_all(terminal)?,
        LoopRequest::Suspend => {
            screen.suspend()?;
            draw_all(terminal)?;
        }
    }
    Ok(())
}
