//! The datagram socket of a logging daemon. It is connected when it is first
//! needed, if not before.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::sys::socket::send_datagrams;

/// The number of attempts to send a line: the daemon may have been restarted since
/// it accepted the connection.
const TRIES: usize = 2;

/// A datagram socket, connected or not.
#[derive(Debug)]
pub(super) struct LogSocket {
    path: PathBuf,
    connected: Option<UnixDatagram>,
}

impl LogSocket {
    /// Connects at once if possible, since the rights to do so may be given up
    /// later.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connected: connect(path).ok(),
        }
    }

    /// Whether a daemon accepted the connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

    /// Sends each line as a datagram, in order. Waits while the receiver's queue is
    /// full, and reconnects if the receiver was restarted. Returns the number of
    /// lines sent: fewer than there are if no daemon accepts the next one.
    pub(super) fn send(&mut self, lines: &[Vec<u8>]) -> usize {
        let mut sent: usize = 0;
        let mut tries = 0;
        while let Some(rest @ [_, ..]) = lines.get(sent..)
            && tries < TRIES
            && let Some(socket) = self.connection()
        {
            // A system call filter may not know sendmmsg(2).
            let done = match rest {
                [line, ..] if rest.len() == 1 || tries > 0 => socket.send(line).map(|_| 1),
                rest => send_datagrams(socket, rest),
            };
            if let Ok(count) = done {
                sent = sent.saturating_add(count);
                tries = 0;
            } else {
                self.connected = None;
                tries += 1;
            }
        }
        sent
    }

    /// Returns the connected socket; `None` if no daemon accepts the connection.
    fn connection(&mut self) -> Option<&UnixDatagram> {
        if self.connected.is_none() {
            self.connected = connect(&self.path).ok();
        }
        self.connected.as_ref()
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory, and the socket of a daemon in it.
    fn daemon() -> (tempfile::TempDir, PathBuf, UnixDatagram) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        (directory, path, daemon)
    }

    fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    fn received(daemon: &UnixDatagram, count: usize) -> Vec<Vec<u8>> {
        let receive = |_| {
            let mut line = [0; 100];
            let length = daemon.recv(&mut line).unwrap();
            line[..length].to_vec()
        };
        (0..count).map(receive).collect()
    }

    #[test]
    fn each_line_is_a_datagram_in_order() {
        let (_directory, path, daemon) = daemon();
        let mut socket = LogSocket::new(&path);
        let sent = lines(&["first", "second", "third"]);
        assert_eq!(socket.send(&sent), 3);
        assert_eq!(received(&daemon, 3), sent);
    }

    #[test]
    fn no_line_is_lost_when_the_daemon_was_restarted() {
        let (_directory, path, before) = daemon();
        let mut socket = LogSocket::new(&path);
        drop(before);
        std::fs::remove_file(&path).unwrap();
        let after = UnixDatagram::bind(&path).unwrap();
        let sent = lines(&["first", "second", "third"]);
        assert_eq!(socket.send(&sent), 3);
        assert_eq!(received(&after, 3), sent);
    }

    #[test]
    fn without_a_daemon_no_line_counts_as_sent() {
        let (_directory, path, daemon) = daemon();
        let mut socket = LogSocket::new(&path);
        drop(daemon);
        assert_eq!(socket.send(&lines(&["first", "second"])), 0);
    }
}
