//! The source of a listing, the spool or the showq daemon, and the rights that
//! it needs. Root's rights are dropped before anything in the spool is opened.

use std::ffi::OsStr;
use std::io;
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access};

use super::super::Fatal;
use super::super::authorization::is_privileged;
use super::super::borrowed;
use super::super::fatal::unavailable;
use super::request::{ListingSource, Session};
use crate::config::Config;
use crate::ipc::showq;
use crate::logging::Severity;
use crate::release::Feature;
use crate::spool::{Queue, master_status};
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::rights;
use crate::sys::rights::RightsError;
use crate::sys::socket::{Wait, connect_stream};
use crate::text::to_printable;

/// Postfix's error text for a listing that cannot continue.
pub(super) const MALFORMED: &str = "malformed showq server response";
/// The service name under which a listing of the spool logs.
pub(super) const SHOWQ: &str = "showq";
/// Time limit for a connection to a daemon whose connection queue is full, when
/// the spool can be read instead.
const PATIENCE: Duration = Duration::from_secs(5);

/// A source of messages that is ready to be read.
pub(super) enum Origin {
    Spool,
    Showq(BufReader<UnixStream>),
}

/// Chooses between the spool and the daemon, and gives up root's rights
/// before anything in the spool is opened.
pub(super) fn choose(session: &mut Session<'_>, source: ListingSource) -> Result<Origin, Fatal> {
    SourceChoice { session, source }.choose()
}

/// The daemon's socket, relative to the queue directory.
pub(super) fn socket(config: &Config) -> PathBuf {
    Path::new("public").join(OsStr::from_bytes(&config.showq_service_name))
}

/// The state of the choice between the sources.
struct SourceChoice<'s, 'a> {
    session: &'s mut Session<'a>,
    source: ListingSource,
}

impl SourceChoice<'_, '_> {
    fn choose(&mut self) -> Result<Origin, Fatal> {
        let spool_requested = match self.source {
            ListingSource::Auto => is_privileged(self.session.call, self.session.config),
            ListingSource::Spool => true,
            ListingSource::Showq => false,
        };
        if !spool_requested {
            return self.daemon();
        }
        if !is_privileged(self.session.call, self.session.config)
            && self.session.call.caller.trust == Trust::BorrowedRights
        {
            let text = "--source=spool is not available to a set-gid program";
            return Err(unavailable(self.session.logger, text));
        }
        // If the caller may not read the lock file, the connection below
        // decides.
        let is_up = master_status::is_up(self.session.spool).unwrap_or(false);
        if let Err(error) = self.drop_rights() {
            return self.without_rights(&error);
        }
        let is_up = is_up
            && self
                .session
                .spool
                .stat(socket(self.session.config).as_os_str())
                .is_ok();
        if !is_up {
            self.warn_that_system_is_down()?;
        } else if self.source == ListingSource::Auto && self.spool_is_forbidden() {
            return self.daemon();
        }
        Ok(Origin::Spool)
    }

    /// Becomes the mail owner, who may read the spool and nothing else.
    fn drop_rights(&mut self) -> Result<(), RightsError> {
        let owner = &self.session.config.mail_owner;
        if self.session.call.caller.user.is_root() {
            rights::irrevocably_become(owner.uid, owner.gid)
        } else {
            rights::irrevocably_drop_borrowed_group()
        }
    }

    /// Uses the daemon if root cannot become the mail owner, for example
    /// without CAP_SETUID in some containers: the spool is never read as root.
    fn without_rights(&mut self, error: &RightsError) -> Result<Origin, Fatal> {
        if self.source == ListingSource::Spool {
            let text = format!("--source=spool needs the mail owner's rights: {error}");
            return Err(unavailable(self.session.logger, text));
        }
        match self.connect() {
            Ok(stream) => self.origin_of(stream),
            Err(cause) => {
                let text = format!("queue files need the mail owner's rights: {error}");
                self.session.logger.warning(text);
                Err(self.unavailable(&cause))
            }
        }
    }

    /// Warns with Postfix's message, unless a daemon accepts a connection after
    /// all. A daemon whose connection queue stays full does not.
    fn warn_that_system_is_down(&mut self) -> Result<(), Fatal> {
        let Err(error) = connect_stream(&socket(self.session.config), Wait::AtMost(PATIENCE))
        else {
            return Ok(());
        };
        self.refuse_long_name(&error)?;
        let reason = self.connect_failed(&error);
        if is_forbidden(&error) {
            return Err(unavailable(self.session.logger, &reason));
        }
        let text = "Mail system is down -- accessing queue directly";
        self.session.logger.warning(self.with_reason(text, &reason));
        self.check_showq_program()?;
        // Postfix starts a showq process now, which reads main.cf and warns
        // too.
        for warning in &self.session.config.warnings {
            self.session
                .logger
                .log_as(SHOWQ, Severity::Warning, warning);
        }
        Ok(())
    }

    /// A message that the mail system is down, with the reason in releases that
    /// print it.
    fn with_reason(&self, text: &str, reason: &str) -> String {
        if self.session.config.postfix.has(Feature::ConnectReason) {
            format!("{text} ({reason})")
        } else {
            text.to_owned()
        }
    }

    /// Refuses a showq_service_name that is not a program, since Postfix would
    /// run it now. Not checked if there is no daemon directory.
    fn check_showq_program(&mut self) -> Result<(), Fatal> {
        let config = self.session.config;
        let program = config
            .daemon_directory
            .join(OsStr::from_bytes(&config.showq_service_name));
        let Err(cause) = access(&program, AccessFlags::X_OK) else {
            return Ok(());
        };
        if !config.daemon_directory.is_dir() {
            return Ok(());
        }
        let path = to_printable(program.as_os_str().as_bytes());
        let cause = error_text(&cause.into());
        self.session
            .logger
            .fatal_of_child(format!("vstream_popen: execvp {path}: {cause}"));
        Err(unavailable(self.session.logger, MALFORMED))
    }

    /// Whether a security profile denies access to a queue even to the mail
    /// owner.
    fn spool_is_forbidden(&self) -> bool {
        Queue::LISTED.iter().any(|queue| {
            let opened = self
                .session
                .spool
                .open_dir_through_link(OsStr::new(queue.name()));
            opened.is_err_and(|error| is_forbidden(&error))
        })
    }

    /// Connects to the daemon.
    fn daemon(&mut self) -> Result<Origin, Fatal> {
        match self.connect() {
            Ok(stream) => self.origin_of(stream),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    fn connect(&self) -> io::Result<BufReader<UnixStream>> {
        showq::connect(
            &socket(self.session.config),
            self.session.config.ipc_timeout,
        )
    }

    /// Drops the group of a set-gid binary before the answer is read.
    fn origin_of(&mut self, stream: BufReader<UnixStream>) -> Result<Origin, Fatal> {
        borrowed::give_up_group(self.session.connections, self.session.logger)?;
        Ok(Origin::Showq(stream))
    }

    /// Reports that the daemon is unreachable.
    fn unavailable(&mut self, error: &io::Error) -> Fatal {
        if let Err(fatal) = self.refuse_long_name(error) {
            return fatal;
        }
        let reason = self.connect_failed(error);
        let text = if is_forbidden(error) {
            reason
        } else {
            let text = "Queue report unavailable - mail system is down";
            self.with_reason(text, &reason)
        };
        unavailable(self.session.logger, &text)
    }

    /// Refuses a socket path that is longer than a socket address allows.
    fn refuse_long_name(&mut self, error: &io::Error) -> Result<(), Fatal> {
        if error.kind() != io::ErrorKind::InvalidInput {
            return Ok(());
        }
        let path = to_printable(socket(self.session.config).as_os_str().as_bytes());
        Err(unavailable(
            self.session.logger,
            format!("unix-domain name too long: {path}"),
        ))
    }

    fn connect_failed(&self, error: &io::Error) -> String {
        let name = to_printable(&self.session.config.mail_name);
        let service = to_printable(&self.session.config.showq_service_name);
        format!(
            "Connect to the {name} {service} service: {}",
            error_text(error)
        )
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
