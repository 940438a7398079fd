//! `postqueue --watch`: a listing or count that is drawn on the terminal again
//! and again, in the place of the previous one, as watch(1) does.
//!
//! Only as much of it is made as fits on the screen. The first failure ends it;
//! a later one, as when the mail system is restarted, is shown instead of the
//! queue.

use std::io;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::super::Fatal;
use super::super::borrowed::Connections;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable, watch_signals};
use super::super::listing::Session;
use super::super::output::Target;
use super::arguments::PostqueueArguments;
use super::show;
use crate::listing::write_iso;
use crate::sys::error_text::error_text;
use crate::sys::full_screen::FullScreen;
use crate::sys::poll::{TerminalInput, poll_terminal};
use crate::sys::signals::Interrupts;
use crate::sys::terminal;
use crate::sys::time::{Zone, now};
use crate::text::columns::cut_to_columns;
use crate::text::{Charset, make_printable};

/// The longest wait before the size of the terminal and the signals are looked
/// at.
const TICK: Duration = Duration::from_millis(250);
/// The size of a terminal that does not know its own.
const USUAL_SIZE: (usize, usize) = (24, 80);
/// The number of bytes that are kept for each column: characters have up to
/// four, and some take no column.
const BYTES_PER_COLUMN: usize = 8;

/// What the user wants after a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WatchStep {
    Draw,
    End,
}

/// Draws until the user or a signal ends it.
pub(super) fn run(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
    interval: Duration,
) -> Result<(), Fatal> {
    let checked = FullScreen::check();
    checked.map_err(|error| unavailable(session.logger, format!("--watch: {error}")))?;
    let interrupts = watch_signals(STATUS_UNAVAILABLE, session.logger)?;
    session.connections = Connections::MoreToCome;
    // The first one reports its errors as a listing without --watch does.
    let mut frame = draw(&mut session, arguments)?;
    session.logger.keep();
    session.logger.stop_logging();
    let screen = FullScreen::begin();
    let ended = screen.map_err(io::Error::other).and_then(|screen| {
        loop {
            frame.show(interval)?;
            if wait(&screen, &interrupts, interval)? == WatchStep::End {
                return Ok(());
            }
            frame = again(&mut session, arguments);
        }
    });
    match (ended, interrupts.caught()) {
        (_, Some(signal)) => {
            let status = u8::try_from(signal).ok().and_then(|s| s.checked_add(128));
            Err(Fatal::already_reported(
                status.unwrap_or(STATUS_UNAVAILABLE),
            ))
        }
        (Ok(()), None) => Ok(()),
        (Err(error), None) => {
            // Standard error is no longer kept: the screen is the user's again.
            let text = format!("postqueue: fatal: --watch: {}\n", error_text(&error));
            let _ = io::stderr().lock().write_all(text.as_bytes());
            Err(Fatal::already_reported(STATUS_UNAVAILABLE))
        }
    }
}

fn draw(session: &mut Session<'_>, arguments: &PostqueueArguments) -> Result<Frame, Fatal> {
    let mut frame = Frame::of_terminal();
    show(session.reborrow(), arguments, Target::Writer(&mut frame))?;
    Ok(frame)
}

/// Draws again; messages, as of a mail system that is down, come first.
fn again(session: &mut Session<'_>, arguments: &PostqueueArguments) -> Frame {
    let mut body = Frame::of_terminal();
    // A failure has been reported; its text is kept.
    let _ = show(session.reborrow(), arguments, Target::Writer(&mut body));
    let mut frame = Frame::of_terminal();
    // The frame refuses what does not fit.
    let _ = frame.write_all(&session.logger.take_kept());
    let _ = frame.write_all(&body.text);
    frame
}

/// Waits for the next drawing.
fn wait(screen: &FullScreen, interrupts: &Interrupts, interval: Duration) -> io::Result<WatchStep> {
    let start = Instant::now();
    let size = terminal::size();
    loop {
        let left = interval.saturating_sub(start.elapsed());
        if interrupts.caught().is_some() {
            return Ok(WatchStep::End);
        }
        if left.is_zero() || terminal::size() != size {
            return Ok(WatchStep::Draw);
        }
        let stdin = io::stdin();
        match poll_terminal(stdin.as_fd(), left.min(TICK))? {
            TerminalInput::Ready => {}
            TerminalInput::Nothing => continue,
            TerminalInput::HungUp => return Ok(WatchStep::End),
        }
        let mut keys = [0; 64];
        let length = stdin.lock().read(&mut keys)?;
        return match keys.get(..length).and_then(<[u8]>::first) {
            Some(0x1a) => {
                screen.suspend()?;
                Ok(WatchStep::Draw)
            }
            // Without a key, the terminal is gone.
            Some(b'q' | b'Q' | 0x03 | 0x04) | None => Ok(WatchStep::End),
            Some(_) => Ok(WatchStep::Draw),
        };
    }
}

/// As much of an output as fits on the screen.
struct Frame {
    text: Vec<u8>,
    rows: usize,
    columns: usize,
    bytes_max: usize,
}

impl Frame {
    fn of_terminal() -> Self {
        let (rows, columns) = terminal::size().unwrap_or(USUAL_SIZE);
        // The first row is the heading, and the last one stays empty.
        let rows = rows.saturating_sub(2).max(1);
        Self {
            text: Vec::new(),
            rows,
            columns,
            bytes_max: rows
                .saturating_mul(columns)
                .saturating_mul(BYTES_PER_COLUMN),
        }
    }

    fn is_full(&self) -> bool {
        let lines = self.text.iter().filter(|b| **b == b'\n').count();
        lines >= self.rows || self.text.len() >= self.bytes_max
    }

    /// Draws it over the previous one.
    fn show(&self, interval: Duration) -> io::Result<()> {
        let mut heading = format!("Every {} s, last at ", interval.as_secs()).into_bytes();
        write_iso(now(), Zone::Local, &mut heading);
        heading.extend_from_slice(b" (q: quit, space: now)");
        let mut out = b"\x1b[H".to_vec();
        self.put(heading, &mut out);
        for line in self.text.split(|b| *b == b'\n').take(self.rows) {
            self.put(line.to_vec(), &mut out);
        }
        out.extend_from_slice(b"\x1b[J");
        let mut stdout = io::stdout().lock();
        stdout.write_all(&out)?;
        stdout.flush()
    }
}

impl Frame {
    /// Appends a line, as far as it fits into the width.
    fn put(&self, mut line: Vec<u8>, out: &mut Vec<u8>) {
        line.iter_mut()
            .filter(|b| **b == b'\t')
            .for_each(|b| *b = b' ');
        // Postfix's own format may contain control characters in UTF-8.
        make_printable(&mut line, Charset::Safe);
        let line = String::from_utf8_lossy(&line);
        out.extend_from_slice(cut_to_columns(&line, self.columns).as_bytes());
        out.extend_from_slice(b"\x1b[K\r\n");
    }
}

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = self.bytes_max.saturating_sub(self.text.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.text.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_no_more_than_the_screen_shows() {
        let mut frame = Frame {
            text: Vec::new(),
            rows: 3,
            columns: 10,
            bytes_max: 100,
        };
        frame.write_all(b"1\n2\n3\n4\n").unwrap();
        let refused = frame.write_all(b"5\n").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
        let mut endless = Frame {
            text: Vec::new(),
            rows: 3,
            columns: 10,
            bytes_max: 100,
        };
        assert!(endless.write_all(&[b'x'; 1000]).is_err());
        assert_eq!(endless.text.len(), 100);
    }
}
