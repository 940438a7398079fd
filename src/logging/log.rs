//! The mail log: syslog, or postlogd through its socket.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Severity;
use super::log_socket::LogSocket;
use crate::config::Config;
use crate::sys::dir::Dir;
use crate::sys::dir_changes::IfMissing;
use crate::sys::guarded;
use crate::sys::guarded::Account;
use crate::sys::time::{LocalTime, now};

/// The value of maillog_file for standard output.
pub const STDOUT: &str = "/dev/stdout";
/// The socket of the syslog daemon.
const SYSLOG_SOCKET: &str = "/dev/log";
/// The facility `mail`, which is used until main.cf is read.
const DEFAULT_FACILITY: u8 = 2;
/// The first part of the tag, which is used until main.cf is read.
const DEFAULT_TAG: &str = "postfix";
/// The host name in lines for postlogd, which is used until main.cf is read.
const DEFAULT_HOST: &str = "amnesiac";
/// The number of bytes of text in a log line; the rest is discarded.
const TEXT_MAX: usize = 2000;

/// The rights with which maillog_file is opened.
#[derive(Clone, Copy, Debug)]
pub enum OpenedAs<'a> {
    /// Root's rights. The file is opened only in a directory that the mail
    /// owner cannot change; otherwise a symbolic link in its place would make
    /// root append to any file.
    Root {
        /// The account of the mail owner.
        owner: &'a Account,
    },
    /// The mail owner's rights: no path can lead to a file that is not
    /// accessible to the mail owner anyway.
    MailOwner,
}

/// The environment variables that apply before main.cf is read. Empty in a
/// process with borrowed rights.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// POSTLOG_SERVICE: the path of postlogd's socket.
    pub postlog_service: Option<PathBuf>,
    /// POSTLOG_HOSTNAME: the host name in lines for postlogd.
    pub postlog_hostname: Option<Vec<u8>>,
    /// MAIL_LOGTAG: the tag, in place of `postfix`.
    pub mail_logtag: Option<Vec<u8>>,
}

/// The settings of main.cf for the mail log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    tag: Vec<u8>,
    facility: u8,
    /// The path of postlogd's socket and the host name; `None` if maillog_file
    /// is not set.
    postlog: Option<(PathBuf, Vec<u8>)>,
}

impl LogSettings {
    /// Returns the settings of a configuration.
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

    /// The path of postlogd's socket and the host name in lines for it; `None` if
    /// maillog_file is not set.
    pub fn into_postlog(self) -> Option<(PathBuf, Vec<u8>)> {
        self.postlog
    }
}

/// The mail log of a process.
#[derive(Debug)]
pub struct Log {
    name: LogTag,
    program: Vec<u8>,
    facility: u8,
    target: LogTarget,
}

/// The name of the sender in a line.
#[derive(Debug)]
enum LogTag {
    /// A tag, a slash and the program's name.
    Tagged(Vec<u8>),
    /// The program's name only.
    Plain,
}

/// The process that sends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    /// The program itself.
    Program,
    /// A service that Postfix would run now.
    Service(&'a str),
    /// A child process that cannot run its program. Observed with Postfix 3.7.11:
    /// the line has no tag in syslog, and the usual one in lines for postlogd.
    FailedChild,
}

/// The destination of lines. Each line goes to exactly one destination.
#[derive(Debug)]
enum LogTarget {
    Syslog(LogSocket),
    Postlog {
        socket: LogSocket,
        host: Vec<u8>,
        /// The file for lines that postlogd does not accept.
        file: Option<File>,
    },
}

impl Log {
    /// Returns the log to use before main.cf is read.
    pub fn before_configuration(program: &str, environment: &Environment) -> Self {
        let host = || environment.postlog_hostname.clone();
        let target = match &environment.postlog_service {
            Some(path) => LogTarget::Postlog {
                socket: LogSocket::new(path),
                host: host().unwrap_or_else(|| DEFAULT_HOST.into()),
                file: None,
            },
            None => LogTarget::Syslog(LogSocket::new(Path::new(SYSLOG_SOCKET))),
        };
        let tag = environment.mail_logtag.clone();
        Self {
            name: LogTag::Tagged(tag.unwrap_or_else(|| DEFAULT_TAG.into())),
            program: program.into(),
            facility: DEFAULT_FACILITY,
            target,
        }
    }

    /// Removes the tag, regardless of later settings.
    pub fn plain(self) -> Self {
        Self {
            name: LogTag::Plain,
            ..self
        }
    }

    /// Applies the settings of main.cf to later lines.
    pub fn configure(&mut self, settings: &LogSettings) {
        self.set_tag(&settings.tag);
        self.facility = settings.facility;
        self.target = match &settings.postlog {
            Some((path, host)) => LogTarget::Postlog {
                socket: LogSocket::new(path),
                host: host.clone(),
                file: None,
            },
            None => LogTarget::Syslog(LogSocket::new(Path::new(SYSLOG_SOCKET))),
        };
    }

    /// Opens the file for lines that postlogd does not accept. It is opened
    /// now, since the rights to do so may be given up later. Does nothing if it
    /// is already open.
    ///
    /// The file is created only if no daemon accepts lines at the moment.
    /// Anything other than a regular file with a single link, such as the
    /// standard output of another process, is not written to.
    ///
    /// # Errors
    ///
    /// No daemon accepts lines at the moment, and the file cannot be opened.
    pub fn keep_file(&mut self, path: &Path, opened_as: OpenedAs<'_>) -> io::Result<()> {
        let LogTarget::Postlog { socket, file, .. } = &mut self.target else {
            return Ok(());
        };
        if file.is_some() {
            return Ok(());
        }
        let if_missing = if socket.is_connected() {
            IfMissing::Fail
        } else {
            IfMissing::Make
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

    /// Whether lines go to postlogd, whose clients read TZ anew for each line.
    pub fn stamps_in_new_zone(&self) -> bool {
        matches!(self.target, LogTarget::Postlog { .. })
    }

    /// Sends later lines that postlogd does not accept to standard output.
    pub fn keep_standard_output(&mut self) {
        if let LogTarget::Postlog { file, .. } = &mut self.target {
            let copy = std::io::stdout().as_fd().try_clone_to_owned();
            *file = copy.ok().map(File::from);
        }
    }

    /// Sets the facility of later lines.
    pub fn set_facility(&mut self, facility: u8) {
        self.facility = facility;
    }

    /// Sets the tag of later lines, unless they have none.
    pub fn set_tag(&mut self, tag: &[u8]) {
        if let LogTag::Tagged(known) = &mut self.name {
            *known = tag.to_vec();
        }
    }

    /// Sends lines. Errors are ignored, since the program must not fail because
    /// of its log.
    pub fn send<'t>(
        &mut self,
        sender: Sender<'_>,
        texts: impl IntoIterator<Item = (Severity, &'t [u8])>,
    ) {
        let mut start = String::new();
        if let Some(time) = LocalTime::at(now()) {
            time.write_stamp(&mut start);
        }
        let sender = self.sender_text(sender);
        let line = |severity: Severity, text: &[u8]| {
            let text = text.get(..TEXT_MAX).unwrap_or(text);
            [b" ", sender.as_slice(), severity.prefix().as_bytes(), text].concat()
        };
        match &mut self.target {
            LogTarget::Syslog(socket) => {
                let facility = u32::from(self.facility) * 8;
                let lines = texts.into_iter().map(|(severity, text)| {
                    let start = format!("<{}>{start}", facility + u32::from(severity.level()));
                    [start.as_bytes(), &line(severity, text)].concat()
                });
                socket.send(&lines.collect::<Vec<_>>());
            }
            LogTarget::Postlog { socket, host, file } => {
                let start = [start.as_bytes(), b" ", host].concat();
                let lines = texts
                    .into_iter()
                    .map(|(severity, text)| [start.as_slice(), &line(severity, text)].concat());
                let lines: Vec<_> = lines.collect();
                let sent = socket.send(&lines);
                if let (Some(file), Some(rest)) = (file, lines.get(sent..)) {
                    keep_lines(file, rest);
                }
            }
        }
    }

    /// Returns what a line says of its sender: the tag, the name and the process ID.
    fn sender_text(&self, sender: Sender<'_>) -> Vec<u8> {
        let program = match sender {
            Sender::Program | Sender::FailedChild => self.program.as_slice(),
            Sender::Service(service) => service.as_bytes(),
        };
        let is_untagged = sender == Sender::FailedChild && !self.stamps_in_new_zone();
        let tag = match &self.name {
            LogTag::Tagged(tag) if !is_untagged => [tag.as_slice(), b"/"].concat(),
            LogTag::Tagged(_) | LogTag::Plain => Vec::new(),
        };
        let process = format!("[{}]: ", std::process::id());
        [tag.as_slice(), program, process.as_bytes()].concat()
    }
}

/// Appends lines to maillog_file. A single write keeps the lines of several
/// programs from being mixed. If the disk is full, the error cannot be reported
/// anywhere.
fn keep_lines(file: &mut File, lines: &[Vec<u8>]) {
    let text: Vec<u8> = lines
        .iter()
        .flat_map(|line| [line, &b"\n"[..]].concat())
        .collect();
    if !text.is_empty() {
        let _ = file.write_all(&text);
    }
}

/// Opens maillog_file, unless it is a symbolic link.
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
