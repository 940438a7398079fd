//! Replaces postlogd(8): collects what a tool writes to the mail log.
//!
//! The instance needs a maillog_file (see [`configure`]); the tools then send
//! each line as a datagram to public/postlog.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::instance::{Builder, Instance, set_mode};

/// Longest wait for our own mark to come back.
const PATIENCE: Duration = Duration::from_secs(60);
/// The line that says: all before this has arrived.
const MARK: &[u8] = b"mark";
/// The line that ends the collecting thread.
const STOP: &[u8] = b"stop";

/// Adds the settings that send the log to public/postlog.
pub fn configure(builder: Builder) -> Builder {
    builder
        .set("maillog_file", "@ROOT@/mail.log")
        .set("maillog_file_prefixes", "@ROOT@")
}

/// A bound public/postlog.
pub struct Postlog {
    path: PathBuf,
    lines: Receiver<Vec<u8>>,
}

impl Postlog {
    /// Binds public/postlog of the instance and starts to collect.
    pub fn start(instance: &Instance) -> Self {
        let path = instance.queue_directory().join("public/postlog");
        let socket = UnixDatagram::bind(&path).expect("public/postlog");
        set_mode(&path, 0o777);
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut buffer) {
                let line = buffer.get(..length).unwrap_or_default();
                if line == STOP || sender.send(line.to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { path, lines }
    }

    /// The lines since the last call, without their time and process ID.
    pub fn take(&self) -> Vec<String> {
        self.take_whole()
            .iter()
            .map(|line| normalized(line))
            .collect()
    }

    /// The lines since the last call.
    pub fn take_whole(&self) -> Vec<Vec<u8>> {
        self.send(MARK);
        let mut taken = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the mark");
            if line == MARK {
                return taken;
            }
            taken.push(line);
        }
    }

    fn send(&self, bytes: &[u8]) {
        let socket = UnixDatagram::unbound().expect("a socket");
        // At the end of a test the directory may be gone already.
        let _ = socket.send_to(bytes, &self.path);
    }
}

impl Drop for Postlog {
    fn drop(&mut self) {
        self.send(STOP);
        let _ = fs::remove_file(&self.path);
    }
}

/// A log line from after its time stamp, the process ID in its tag left out;
/// what is not ASCII is escaped.
fn normalized(line: &[u8]) -> String {
    const STAMP: usize = "Mmm dd hh:mm:ss ".len();
    let text = line.get(STAMP..).unwrap_or(line).escape_ascii().to_string();
    let Some((tag, rest)) = text.split_once("]: ") else {
        return text;
    };
    match tag.rsplit_once('[') {
        Some((name, pid)) if pid.bytes().all(|b| b.is_ascii_digit()) => format!("{name}: {rest}"),
        _ => text,
    }
}
