//! The flush client: asks the flush daemon to deliver one message, or the mail
//! for one site, now.
//!
//! Owns the connection, and which side sends first. The applets decide which sites
//! may be requested and what an answer means to the user.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use super::flush_conversation::{FirstSpeaker, converse};
pub use super::flush_protocol::{FlushError, FlushStatus, Request};
use crate::release::{Feature, Installed};
use crate::sys::poll::{Readiness, poll_for};
use crate::sys::socket::{Wait, connect_stream};

/// How long to wait for a greeting before the request is sent. The daemon may
/// be older than the installed release and never send one.
const GREETING_WAIT: Duration = Duration::from_secs(1);

/// A connection to a flush daemon, ready for one request.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    /// The path of the daemon's socket, for messages.
    path: String,
}

/// Connects to the daemon whose socket is at `path`. `timeout` limits the
/// connection and each read and write.
///
/// # Errors
///
/// The daemon does not accept the connection within this time.
pub fn connect(path: &Path, timeout: Duration) -> Result<Connection, FlushError> {
    let shown = path.to_string_lossy().into_owned();
    match open(path, timeout) {
        Ok(stream) => Ok(Connection {
            stream,
            path: shown,
        }),
        Err(cause) => Err(FlushError::Connect { path: shown, cause }),
    }
}

impl Connection {
    /// Sends a request and returns the answer. Warnings about the daemon's data
    /// are added to `warnings`.
    ///
    /// # Errors
    ///
    /// The daemon gave no answer.
    pub fn ask(
        self,
        request: Request<'_>,
        installed: &Installed,
        warnings: &mut Vec<String>,
    ) -> Result<FlushStatus, FlushError> {
        let order = self.order(installed);
        let (stream, path) = (&self.stream, &self.path);
        converse(stream, path, request, order, installed, warnings)
    }

    /// The request is sent first if no greeting can be expected, or if none
    /// arrives in time.
    fn order(&self, installed: &Installed) -> FirstSpeaker {
        if !installed.has(Feature::DaemonsGreet) {
            return FirstSpeaker::Request;
        }
        let timeout = self.stream.read_timeout().ok().flatten();
        let limit = timeout.map_or(GREETING_WAIT, |timeout| timeout.min(GREETING_WAIT));
        match poll_for(&[self.stream.as_fd()], Readiness::Input, limit) {
            Ok(ready) if !ready.is_empty() => FirstSpeaker::Greeting,
            // If waiting fails, the request is sent at once.
            Ok(_) | Err(_) => FirstSpeaker::Request,
        }
    }
}

fn open(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let stream = connect_stream(path, Wait::AtMost(timeout))?;
    // Zero stands for no time limit, but is an error to the system call.
    let limit = Some(timeout).filter(|limit| !limit.is_zero());
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    Ok(stream)
}
