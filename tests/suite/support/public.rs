//! Replaces the daemons in `public/`: FIFOs and sockets that record what
//! they are sent.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::instance::{Instance, set_mode};

/// How long a socket waits for more from its caller.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the daemons of an instance listen.
pub fn directory(instance: &Instance) -> PathBuf {
    instance.queue_directory().join("public")
}

/// Removes all that stands there.
pub fn clear(instance: &Instance) {
    for entry in fs::read_dir(directory(instance)).expect("public").flatten() {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = match is_directory {
            true => fs::remove_dir(&path),
            false => fs::remove_file(&path),
        };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Makes a FIFO that everybody may write to.
pub fn make_fifo(path: &Path) {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    set_mode(path, 0o622);
}

/// Makes a socket on which no server listens. None ever did: a listener that
/// is closed could live on for a moment, in a process that is just starting.
pub fn make_deaf_socket(path: &Path) {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).expect("a socket");
    let address = UnixAddr::new(path).expect("an address");
    bind(socket.as_raw_fd(), &address).expect("bind");
    set_mode(path, 0o777);
}

/// A FIFO with a reader.
pub struct Fifo(File);

impl Fifo {
    pub fn make(path: &Path) -> Self {
        make_fifo(path);
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path);
        Self(reader.expect("the FIFO"))
    }

    /// What was written, once the writer is gone.
    pub fn taken(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).expect("a readable FIFO");
        bytes
    }
}

/// A socket that serves one caller.
pub struct Service {
    path: PathBuf,
    thread: JoinHandle<Vec<u8>>,
}

impl Service {
    /// Listens at `path`; `serve` gets the caller's connection and returns
    /// what it was sent.
    pub fn listen(path: &Path, serve: impl FnOnce(UnixStream) -> Vec<u8> + Send + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        set_mode(path, 0o777);
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a caller");
            serve(stream)
        });
        Self {
            path: path.to_owned(),
            thread,
        }
    }

    /// What the caller sent; nothing if nobody called.
    pub fn taken(self) -> Vec<u8> {
        // The last connection sends nothing: it only ends the wait for a caller, if
        // there was none.
        drop(UnixStream::connect(&self.path));
        self.thread.join().expect("the service")
    }
}

/// Reads until the caller has sent `end`, or has gone.
pub fn read_until(stream: &mut UnixStream, end: &[u8]) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !bytes.ends_with(end) {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => bytes.extend(&buffer[..length]),
            _ => break,
        }
    }
    bytes
}

/// Sends all of it to a caller who may have gone.
pub fn send(stream: &mut UnixStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}
