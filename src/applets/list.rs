//! A listing from the first look at rights to the last byte: the work of
//! `postqueue -p`, `postqueue -j` and `mailq` (spec pages 05 and 11).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use super::postqueue::STATUS;
use super::{Call, Fatal};
use crate::config::Config;
use crate::diag::{Diag, Severity};
use crate::ipc::showq;
use crate::listing::{self, Ending, Listing, ListingError, Output, Sink, Style, Totals, dialect};
use crate::spool::readers::readers_for;
use crate::spool::report::{Dialect, Rules};
use crate::spool::{Layout, Queue, system};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::{Trust, raise_open_files};
use crate::sys::rights;
use crate::text::{Charset, shown};

/// What a listing that cannot go on ends with, as Postfix's does.
const MALFORMED: &str = "malformed showq server response";
/// The service in whose name a direct listing logs.
const SHOWQ: &str = "showq";

/// What listing is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What it looks like.
    pub style: Style,
    /// Where it comes from.
    pub source: Source,
    /// Whose output is reproduced, if not that of the instance's daemons.
    pub dialect: Option<Dialect>,
}

/// Where a listing comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The spool if the caller may read it, else the daemon.
    #[default]
    Auto,
    /// The spool.
    Spool,
    /// The daemon.
    Showq,
}

impl Source {
    /// From the value of `--source`.
    pub fn parse(value: &OsString) -> Option<Self> {
        match value.to_str()? {
            "auto" => Some(Self::Auto),
            "spool" => Some(Self::Spool),
            "showq" => Some(Self::Showq),
            _ => None,
        }
    }
}

/// Lists the queue of the instance whose queue directory is `spool`.
pub fn run(
    call: &Call,
    request: &Request,
    config: &Config,
    spool: Dir,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    authorize(call, config, diag)?;
    let mut lister = Lister {
        call,
        request,
        config,
        spool,
        diag,
    };
    match lister.choose()? {
        Origin::Spool => lister.list_spool(),
        Origin::Showq(stream) => lister.list_showq(stream),
    }
}

/// Refuses a caller whom authorized_mailq_users does not admit.
fn authorize(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    if is_privileged(call, config) {
        return Ok(());
    }
    let mut warnings = Vec::new();
    let users = config.mailq_users(&mut warnings);
    for warning in warnings {
        diag.warning(warning);
    }
    let users = users.map_err(|error| fatal(diag, &error.to_string()))?;
    let name = user_name(call.caller.user);
    if users.matches(name.as_bytes()) {
        return Ok(());
    }
    let uid = call.caller.user;
    let text = format!("User {name}({uid}) is not allowed to view the mail queue");
    Err(fatal(diag, &text))
}

/// The caller's login name.
fn user_name(user: Uid) -> String {
    match User::from_uid(user) {
        Ok(Some(user)) => user.name,
        _ => "unknown".to_owned(),
    }
}

/// Root and the mail owner may do and see everything.
fn is_privileged(call: &Call, config: &Config) -> bool {
    call.caller.user.is_root() || call.caller.user == config.mail_owner.uid
}

/// Where the messages come from, ready to be read.
enum Origin {
    Spool,
    Showq(BufReader<UnixStream>),
}

/// One listing and all it needs.
struct Lister<'a> {
    call: &'a Call,
    request: &'a Request,
    config: &'a Config,
    spool: Dir,
    diag: &'a mut Diag,
}

impl Lister<'_> {
    /// Decides between the spool and the daemon, and gives up root's rights
    /// before anything in the spool is opened.
    fn choose(&mut self) -> Result<Origin, Fatal> {
        let spool_wanted = match self.request.source {
            Source::Auto => is_privileged(self.call, self.config),
            Source::Spool => true,
            Source::Showq => false,
        };
        if !spool_wanted {
            return self.daemon();
        }
        if !is_privileged(self.call, self.config) && self.call.caller.trust == Trust::BorrowedRights
        {
            let text = "--source=spool is not available to a set-gid program";
            return Err(fatal(self.diag, text));
        }
        // Whoever may not look at the lock is answered by the connection below.
        let is_up = system::is_up(&self.spool).unwrap_or(false);
        self.drop_rights()?;
        let is_up = is_up && self.spool.stat(self.socket().as_os_str()).is_ok();
        if !is_up {
            self.warn_that_system_is_down()?;
        } else if self.request.source == Source::Auto && self.spool_is_forbidden() {
            return self.daemon();
        }
        Ok(Origin::Spool)
    }

    /// Becomes the mail owner, who may read the spool and nothing else.
    fn drop_rights(&mut self) -> Result<(), Fatal> {
        let owner = &self.config.mail_owner;
        let dropped = match self.call.caller.user.is_root() {
            true => rights::irrevocably_become(owner.uid, owner.gid),
            false => rights::irrevocably_drop_borrowed_group(),
        };
        dropped.map_err(|error| fatal(self.diag, &error.to_string()))
    }

    /// Warns in Postfix's words, unless a daemon answers after all.
    fn warn_that_system_is_down(&mut self) -> Result<(), Fatal> {
        let Err(error) = UnixStream::connect(self.socket()) else {
            return Ok(());
        };
        self.refuse_long_name(&error)?;
        let reason = self.connect_failed(&error);
        if is_forbidden(&error) {
            return Err(fatal(self.diag, &reason));
        }
        let text = format!("Mail system is down -- accessing queue directly ({reason})");
        self.diag.warning(text);
        Ok(())
    }

    /// Whether a security profile keeps even the mail owner out of a queue.
    fn spool_is_forbidden(&self) -> bool {
        Queue::LISTED.iter().any(|queue| {
            let opened = self.spool.open_dir_through_link(OsStr::new(queue.name()));
            opened.is_err_and(|error| is_forbidden(&error))
        })
    }

    /// Connects to the daemon.
    fn daemon(&mut self) -> Result<Origin, Fatal> {
        let error = match showq::connect(&self.socket(), self.config.ipc_timeout) {
            Ok(stream) => return Ok(Origin::Showq(stream)),
            Err(error) => error,
        };
        self.refuse_long_name(&error)?;
        let reason = self.connect_failed(&error);
        let text = match is_forbidden(&error) {
            true => reason,
            false => format!("Queue report unavailable - mail system is down ({reason})"),
        };
        Err(fatal(self.diag, &text))
    }

    /// A path that no socket address can hold was never looked for.
    fn refuse_long_name(&mut self, error: &io::Error) -> Result<(), Fatal> {
        if error.kind() != io::ErrorKind::InvalidInput {
            return Ok(());
        }
        let path = shown(self.socket().as_os_str().as_bytes());
        Err(fatal(
            self.diag,
            &format!("unix-domain name too long: {path}"),
        ))
    }

    fn connect_failed(&self, error: &io::Error) -> String {
        let name = shown(&self.config.mail_name);
        let service = shown(&self.config.showq_service_name);
        format!(
            "Connect to the {name} {service} service: {}",
            error_text(error)
        )
    }

    /// The daemon's socket, relative to the queue directory.
    fn socket(&self) -> PathBuf {
        Path::new("public").join(OsStr::from_bytes(&self.config.showq_service_name))
    }

    fn list_spool(mut self) -> Result<(), Fatal> {
        let layout = Layout::new(&self.config.hash_queue_names, self.config.hash_queue_depth);
        let rules = self.rules()?;
        let output = self.output()?;
        let listing = Listing {
            spool: &self.spool,
            layout: &layout,
            rules: &rules,
            style: self.request.style,
            workers: readers_for(
                listing::READERS_MAX,
                raise_open_files(),
                self.config.hash_queue_depth,
            ),
        };
        let diag = &mut *self.diag;
        let mut printer = Printer { output, diag };
        let ended = listing::list_spool(&listing, &mut printer);
        let output = printer.output;
        self.finish(ended, output)
    }

    fn list_showq(mut self, stream: BufReader<UnixStream>) -> Result<(), Fatal> {
        let charset = match self.config.smtputf8_enable {
            true => Charset::LooseUtf8,
            false => Charset::Ascii,
        };
        let output = self.output()?;
        let diag = &mut *self.diag;
        let mut printer = Printer { output, diag };
        let style = self.request.style;
        let ended = listing::list_daemon(stream, style, charset, &mut printer);
        let output = printer.output;
        self.finish(ended, output)
    }

    fn output(&mut self) -> Result<Output<File>, Fatal> {
        Ok(Output::new(stdout(self.diag)?, self.request.style))
    }

    /// Writes the footer, or says why there is none.
    fn finish(
        mut self,
        ended: Result<Ending, ListingError>,
        output: Output<File>,
    ) -> Result<(), Fatal> {
        match ended {
            Ok(Ending::ReaderGone) => Ok(()),
            Ok(Ending::Complete) => match output.finish() {
                Ok(_) => Ok(()),
                Err(error) => output_failed(self.diag, &error),
            },
            Err(ListingError::Output(error)) => output_failed(self.diag, &error),
            Err(ListingError::Thread(error)) => {
                let text = format!("cannot start a thread: {}", error_text(&error));
                Err(fatal(self.diag, &text))
            }
            Err(ListingError::Daemon(error)) => {
                let socket = self.socket().display().to_string();
                if let Some(warning) = error.warning(&socket) {
                    self.diag.warning(warning);
                }
                Err(fatal(self.diag, MALFORMED))
            }
            Err(error) => Err(self.showq_failed(&error.to_string())),
        }
    }

    /// What counts in a listing. Its parameters are showq's in Postfix, and
    /// so are their faults.
    fn rules(&mut self) -> Result<Rules, Fatal> {
        let mut warnings = Vec::new();
        let parameters = self.config.listing_parameters(&mut warnings);
        for warning in warnings {
            self.diag.log_as(SHOWQ, Severity::Warning, warning);
        }
        let parameters = parameters.map_err(|error| self.showq_failed(&error.to_string()))?;
        let dialect = self.request.dialect;
        let dialect = dialect.unwrap_or_else(|| dialect::of_daemons(&self.config.daemon_directory));
        Ok(Rules {
            dialect,
            charset: match (self.config.smtputf8_enable, dialect) {
                (false, _) => Charset::Ascii,
                (true, Dialect::V3_7) => Charset::LooseUtf8,
                (true, Dialect::V3_11) => Charset::StrictUtf8,
            },
            empty_address: parameters.empty_address_recipient,
            duplicate_limit: match parameters.duplicate_filter_limit {
                0 => None,
                limit => Some(usize::try_from(limit).unwrap_or(0)),
            },
        })
    }

    /// Ends a listing as showq's end would: its words are in the log only.
    fn showq_failed(&mut self, text: &str) -> Fatal {
        self.diag.log_as(SHOWQ, Severity::Fatal, text);
        fatal(self.diag, MALFORMED)
    }
}

/// Receives a listing.
struct Printer<'a> {
    output: Output<File>,
    diag: &'a mut Diag,
}

impl Sink for Printer<'_> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.output.piece(piece).map_err(ListingError::Output)
    }

    fn totals(&mut self, totals: Totals) {
        self.output.count(totals);
    }

    fn warning(&mut self, text: &[u8]) {
        self.diag.log_as(SHOWQ, Severity::Warning, text);
    }
}

/// Says that standard output cannot be written; a reader that has gone is no
/// error.
pub fn output_failed(diag: &mut Diag, error: &io::Error) -> Result<(), Fatal> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    let text = format!("output write error: {}", error_text(error));
    Err(fatal(diag, &text))
}

/// Standard output without the buffer that looks for newlines: what is
/// written here comes in large pieces.
fn stdout(diag: &mut Diag) -> Result<File, Fatal> {
    let copy = io::stdout().as_fd().try_clone_to_owned();
    copy.map(File::from)
        .map_err(|error| fatal(diag, &format!("output write error: {}", error_text(&error))))
}

fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

fn fatal(diag: &mut Diag, text: &str) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
