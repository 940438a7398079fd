//! The mail log: syslog, or postlogd through its socket.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use super::Severity;
use crate::config::Config;
use crate::sys::dir::{Dir, IfMissing};
use crate::sys::guarded;
use crate::sys::guarded::Account;
use crate::sys::time::{LocalTime, now};

/// The maillog_file that is standard output.
pub const STDOUT: &str = "/dev/stdout";
/// Where syslogd listens.
const SYSLOG_SOCKET: &str = "/dev/log";
/// The facility `mail`, until the configuration says otherwise.
const DEFAULT_FACILITY: u8 = 2;
/// The first part of the tag, until the configuration says otherwise.
const DEFAULT_TAG: &str = "postfix";
/// The host in a line to postlogd, until the configuration says otherwise.
const DEFAULT_HOST: &str = "amnesiac";
/// Bytes of text in a log line; the rest is cut off.
const TEXT_MAX: usize = 2000;

/// With whose rights maillog_file is opened.
#[derive(Clone, Copy, Debug)]
pub enum OpenedAs<'a> {
    /// Root's: only in a directory that the mail owner cannot change. Otherwise
    /// a link in its place would have root append to any file.
    Root {
        /// The mail owner.
        owner: &'a Account,
    },
    /// The mail owner's own, so that no path can lead to what is not open to
    /// the mail owner in any case.
    MailOwner,
}

/// The environment variables that matter before main.cf is read. Empty in a
/// process that runs with borrowed rights.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// POSTLOG_SERVICE: the path of postlogd's socket.
    pub postlog_service: Option<PathBuf>,
    /// POSTLOG_HOSTNAME: the host to put into lines for postlogd.
    pub postlog_hostname: Option<Vec<u8>>,
    /// MAIL_LOGTAG: in place of `postfix` in the tag.
    pub mail_logtag: Option<Vec<u8>>,
}

/// What main.cf says about the mail log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    tag: Vec<u8>,
    facility: u8,
    /// postlogd's socket and the host name, if maillog_file is set.
    postlog: Option<(PathBuf, Vec<u8>)>,
}

impl LogSettings {
    /// The settings in a configuration.
    pub fn of(config: &Config) -> Self {
        let service = OsStr::from_bytes(&config.postlog_service_name);
        let socket = config.queue_directory.join("public").join(service);
        let host = config.myhostname.split(|&b| b == b'.').next();
        let host = host.unwrap_or_default().to_vec();
        Self {
            tag: config.syslog_name.clone(),
            facility: config.syslog_facility,
            postlog: config.maillog_file.is_some().then_some((socket, host)),
        }
    }
}

/// The mail log of one process.
#[derive(Debug)]
pub struct Log {
    name: LogTag,
    program: Vec<u8>,
    facility: u8,
    target: LogTarget,
}

/// What a line calls its sender.
#[derive(Debug)]
enum LogTag {
    /// A tag, a slash, and the program.
    Tagged(Vec<u8>),
    /// The program alone.
    Plain,
}

/// Exactly one place gets the lines.
#[derive(Debug)]
enum LogTarget {
    Syslog(Socket),
    Postlog {
        socket: Socket,
        host: Vec<u8>,
        /// Where lines go that postlogd does not take.
        file: Option<File>,
    },
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteResult {
    Taken,
    NoListener,
}

impl Log {
    /// The log before main.cf is read.
    pub fn before_configuration(program: &str, environment: &Environment) -> Self {
        let host = || environment.postlog_hostname.clone();
        let target = match &environment.postlog_service {
            Some(path) => LogTarget::Postlog {
                socket: Socket::new(path),
                host: host().unwrap_or_else(|| DEFAULT_HOST.into()),
                file: None,
            },
            None => LogTarget::Syslog(Socket::new(Path::new(SYSLOG_SOCKET))),
        };
        let tag = environment.mail_logtag.clone();
        Self {
            name: LogTag::Tagged(tag.unwrap_or_else(|| DEFAULT_TAG.into())),
            program: program.into(),
            facility: DEFAULT_FACILITY,
            target,
        }
    }

    /// The same without a tag, whatever the configuration says later.
    pub fn plain(self) -> Self {
        Self {
            name: LogTag::Plain,
            ..self
        }
    }

    /// From now on as main.cf says.
    pub fn configure(&mut self, settings: &LogSettings) {
        self.set_tag(&settings.tag);
        self.facility = settings.facility;
        self.target = match &settings.postlog {
            Some((path, host)) => LogTarget::Postlog {
                socket: Socket::new(path),
                host: host.clone(),
                file: None,
            },
            None => LogTarget::Syslog(Socket::new(Path::new(SYSLOG_SOCKET))),
        };
    }

    /// From now on, lines that postlogd does not take go to its file. Opens it
    /// now: later the rights to do so may be gone. Does nothing if it is open
    /// already.
    ///
    /// The file is made only if no daemon takes lines at the moment. What is no
    /// regular file, such as the standard output of another process, and what
    /// has other names, is left alone.
    ///
    /// # Errors
    ///
    /// Nobody takes lines at the moment, and the file cannot be opened.
    pub fn keep_file(&mut self, path: &Path, opened_as: OpenedAs<'_>) -> io::Result<()> {
        let LogTarget::Postlog { socket, file, .. } = &mut self.target else {
            return Ok(());
        };
        if file.is_some() {
            return Ok(());
        }
        let if_missing = match socket.connected {
            Some(_) => IfMissing::Fail,
            None => IfMissing::Make,
        };
        let opened = match open_file(path, if_missing, opened_as) {
            Ok(opened) => opened,
            Err(_) if if_missing == IfMissing::Fail => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_its_own = |opened: &File| {
            let found = opened.metadata();
            found.is_ok_and(|found| found.is_file() && found.nlink() == 1)
        };
        *file = Some(opened).filter(is_its_own);
        Ok(())
    }

    /// Whether lines go to postlogd, whose clients read TZ for each line.
    pub fn stamps_in_new_zone(&self) -> bool {
        matches!(self.target, LogTarget::Postlog { .. })
    }

    /// From now on, lines that postlogd does not take go to standard output.
    pub fn keep_standard_output(&mut self) {
        if let LogTarget::Postlog { file, .. } = &mut self.target {
            let copy = std::io::stdout().as_fd().try_clone_to_owned();
            *file = copy.ok().map(File::from);
        }
    }

    /// From now on with another facility.
    pub fn set_facility(&mut self, facility: u8) {
        self.facility = facility;
    }

    /// From now on with another tag.
    pub fn set_tag(&mut self, tag: &[u8]) {
        if let LogTag::Tagged(known) = &mut self.name {
            *known = tag.to_vec();
        }
    }

    /// Sends one line, in the name of `service` if there is one. Whatever
    /// goes wrong, the program goes on: the log is a record, not the work.
    pub fn send(&mut self, service: Option<&str>, severity: Severity, text: &[u8]) {
        let program = service.map_or(self.program.as_slice(), str::as_bytes);
        let text = text.get(..TEXT_MAX).unwrap_or(text);
        let mut stamp = String::new();
        if let Some(time) = LocalTime::at(now()) {
            time.write_stamp(&mut stamp);
        }
        let process = format!("[{}]: {}", std::process::id(), severity.prefix());
        let tag = match &self.name {
            LogTag::Tagged(tag) => [tag.as_slice(), b"/"].concat(),
            LogTag::Plain => Vec::new(),
        };
        let line = [b" ", tag.as_slice(), program, process.as_bytes(), text].concat();
        match &mut self.target {
            LogTarget::Syslog(socket) => {
                let priority = u32::from(self.facility) * 8 + u32::from(severity.level());
                let start = format!("<{priority}>{stamp}");
                socket.send(&[start.as_bytes(), &line].concat());
            }
            LogTarget::Postlog { socket, host, file } => {
                let line = [stamp.as_bytes(), b" ", host, &line].concat();
                if socket.send(&line) == WriteResult::NoListener
                    && let Some(file) = file
                {
                    // One write, so that lines of several programs do not
                    // mix. If the disk is full there is nowhere to report it.
                    let _ = file.write_all(&[line.as_slice(), b"\n"].concat());
                }
            }
        }
    }
}

/// Opens maillog_file; never through a link in its last place.
fn open_file(path: &Path, if_missing: IfMissing, opened_as: OpenedAs<'_>) -> io::Result<File> {
    match opened_as {
        OpenedAs::Root { owner } => {
            let (directory, name) = guarded::open_parent(path, owner)?;
            directory.open_log(name, if_missing)
        }
        OpenedAs::MailOwner => {
            let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
            let (parent, name) = (path.parent(), path.file_name());
            let directory = Dir::open(parent.ok_or_else(invalid)?)?;
            directory.open_log(name.ok_or_else(invalid)?, if_missing)
        }
    }
}

/// A datagram socket that is connected when it is first needed.
#[derive(Debug)]
struct Socket {
    path: PathBuf,
    connected: Option<UnixDatagram>,
}

impl Socket {
    /// Connects at once if it can: later the rights to do so may be gone.
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connected: connect(path),
        }
    }

    /// Sends one datagram; waits while the receiver's queue is full, and
    /// tries a new connection if the receiver was started anew.
    fn send(&mut self, line: &[u8]) -> WriteResult {
        for _ in 0..2 {
            if self.connected.is_none() {
                self.connected = connect(&self.path);
            }
            match self.connected.as_ref().map(|socket| socket.send(line)) {
                Some(Ok(_)) => return WriteResult::Taken,
                None => return WriteResult::NoListener,
                Some(Err(_)) => self.connected = None,
            }
        }
        WriteResult::NoListener
    }
}

fn connect(path: &Path) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect(path).ok()?;
    Some(socket)
}
