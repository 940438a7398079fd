//! A program on a pseudo-terminal of its own, and what a user sees there: the
//! screen that its output draws.
//!
//! The terminal is the program's controlling terminal, so that it gets the
//! signals of one. The state of the terminal can be compared with that before.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::tcgetattr;
use nix::unistd::Pid;

use super::pty;
use super::pty::Pty;

/// How long a test waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(40);
/// The pause between two looks at the screen.
const PAUSE: Duration = Duration::from_millis(10);

/// Everything that the program has written.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

/// A program on a terminal.
pub struct OnScreen {
    pub child: Child,
    keyboard: File,
    pty_slave: OwnedFd,
    before: String,
    seen: Arc<Mutex<Seen>>,
}

impl OnScreen {
    /// Starts `command` on a terminal of this size. Its argv[0] is lost.
    pub fn start(command: &Command, (rows, columns): (u16, u16)) -> Self {
        let pty = pty::open();
        pty.resize(rows, columns);
        let Pty { master, slave } = pty;
        let before = state(&slave);
        let copy = || File::from(slave.try_clone().expect("dup"));
        let mut on_terminal = Command::new("setsid");
        // nohup(1), and a shell that starts a command in the background, have
        // their children ignore signals, and the program would too.
        let signals = "--default-signal=HUP,INT,QUIT,TERM";
        on_terminal.args(["--ctty", "env", signals]);
        on_terminal.arg(command.get_program());
        on_terminal.args(command.get_args());
        if let Some(directory) = command.get_current_dir() {
            on_terminal.current_dir(directory);
        }
        on_terminal.env_clear();
        on_terminal.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => on_terminal.env(name, value),
                None => on_terminal.env_remove(name),
            };
        }
        on_terminal.stdin(copy()).stdout(copy()).stderr(copy());
        let child = on_terminal.spawn().expect("setsid starts");
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new(rows, columns, 0),
            bytes: Vec::new(),
        }));
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("dup");
        let to = Arc::clone(&seen);
        thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(length) = reader.read(&mut buffer) {
                let part = buffer.get(..length).unwrap_or_default();
                let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                to.bytes.extend_from_slice(part);
                // The model fails where what was drawn for another size does
                // not fit.
                let drawn = catch_unwind(AssertUnwindSafe(|| to.parser.process(part)));
                if drawn.is_err() {
                    let (rows, columns) = to.parser.screen().size();
                    to.parser = vt100::Parser::new(rows, columns, 0);
                }
            }
        });
        Self {
            child,
            keyboard,
            pty_slave: slave,
            before,
            seen,
        }
    }

    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The screen as lines without blanks at their ends.
    pub fn text(&self) -> String {
        self.seen(|seen| {
            let (_, columns) = seen.parser.screen().size();
            let rows = seen.parser.screen().rows(0, columns);
            rows.map(|row| format!("{}\n", row.trim_end())).collect()
        })
    }

    /// Everything that was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen(|seen| seen.bytes.clone())
    }

    /// Types some keys.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("a terminal");
    }

    /// Waits until the screen is as wanted; returns it.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "not seen: {what}\n{text}");
            thread::sleep(PAUSE);
        }
    }

    /// Waits until the screen contains a text; returns it.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen does not contain a text; returns it.
    pub fn wait_without(&self, text: &str) -> String {
        self.wait_until(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.parser.screen_mut().set_size(rows, columns);
        drop(seen);
        let pty = Pty {
            master: OwnedFd::from(self.keyboard.try_clone().expect("dup")),
            slave: self.pty_slave.try_clone().expect("dup"),
        };
        pty.resize(rows, columns);
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process ID");
        kill(Pid::from_raw(id), signal).expect("kill");
    }

    /// Waits for the end of the program; returns its status, and checks that
    /// the terminal is as it was.
    pub fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(Instant::now() < deadline, "no end\n{}", self.text());
            thread::sleep(PAUSE);
        };
        // What it wrote last has been read when the screen is the usual one.
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.is_full_screen() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        assert!(!self.is_full_screen(), "the alternate screen is left on");
        assert!(!self.is_last_of("\u{1b}[?25l", "\u{1b}[?25h"), "no cursor");
        assert_eq!(state(&self.pty_slave), self.before, "the terminal's modes");
        status.code()
    }

    /// Whether the alternate screen is shown.
    pub fn is_full_screen(&self) -> bool {
        self.is_last_of("\u{1b}[?1049h", "\u{1b}[?1049l")
    }

    /// Whether the first of two sequences was written last.
    fn is_last_of(&self, first: &str, second: &str) -> bool {
        self.seen(|seen| {
            let last = |sequence: &str| {
                let mut places = seen.bytes.windows(sequence.len());
                places.rposition(|place| place == sequence.as_bytes())
            };
            last(first) > last(second)
        })
    }

    /// The modes of the terminal.
    pub fn modes_are_as_before(&self) -> bool {
        state(&self.pty_slave) == self.before
    }
}

impl Drop for OnScreen {
    fn drop(&mut self) {
        // It has ended unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn state(terminal: &impl AsFd) -> String {
    let found = tcgetattr(terminal).expect("tcgetattr");
    format!(
        "{:?} {:?} {:?} {:?}",
        found.input_flags, found.output_flags, found.control_flags, found.local_flags
    )
}
