//! Where a listing comes from and whose rights it takes: who may list, the
//! spool or the daemon, and giving up root's rights in between (spec pages 05
//! and 11).

use std::ffi::OsStr;
use std::io::{self, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::{Lister, SHOWQ, Source, fatal};
use crate::applets::Fatal;
use crate::applets::access::is_privileged;
use crate::diag::Severity;
use crate::ipc::showq;
use crate::spool::{Queue, system};
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::rights;
use crate::text::shown;

/// Where the messages come from, ready to be read.
pub(super) enum Origin {
    Spool,
    Showq(BufReader<UnixStream>),
}

impl Lister<'_> {
    /// Decides between the spool and the daemon, and gives up root's rights
    /// before anything in the spool is opened.
    pub(super) fn choose(&mut self) -> Result<Origin, Fatal> {
        let spool_wanted = match self.request.source {
            Source::Auto => is_privileged(self.session.call, self.session.config),
            Source::Spool => true,
            Source::Showq => false,
        };
        if !spool_wanted {
            return self.daemon();
        }
        if !is_privileged(self.session.call, self.session.config)
            && self.session.call.caller.trust == Trust::BorrowedRights
        {
            let text = "--source=spool is not available to a set-gid program";
            return Err(fatal(self.session.diag, text));
        }
        // Whoever may not look at the lock is answered by the connection below.
        let is_up = system::is_up(self.session.spool).unwrap_or(false);
        self.drop_rights()?;
        let is_up = is_up && self.session.spool.stat(self.socket().as_os_str()).is_ok();
        if !is_up {
            self.warn_that_system_is_down()?;
        } else if self.request.source == Source::Auto && self.spool_is_forbidden() {
            return self.daemon();
        }
        Ok(Origin::Spool)
    }

    /// Becomes the mail owner, who may read the spool and nothing else.
    fn drop_rights(&mut self) -> Result<(), Fatal> {
        let owner = &self.session.config.mail_owner;
        let dropped = match self.session.call.caller.user.is_root() {
            true => rights::irrevocably_become(owner.uid, owner.gid),
            false => rights::irrevocably_drop_borrowed_group(),
        };
        dropped.map_err(|error| fatal(self.session.diag, error.to_string()))
    }

    /// Warns in Postfix's words, unless a daemon answers after all.
    fn warn_that_system_is_down(&mut self) -> Result<(), Fatal> {
        let Err(error) = UnixStream::connect(self.socket()) else {
            return Ok(());
        };
        self.refuse_long_name(&error)?;
        let reason = self.connect_failed(&error);
        if is_forbidden(&error) {
            return Err(fatal(self.session.diag, &reason));
        }
        let text = format!("Mail system is down -- accessing queue directly ({reason})");
        self.session.diag.warning(text);
        // In Postfix a showq process is started now, which reads main.cf too.
        for warning in &self.session.config.warnings {
            self.session.diag.log_as(SHOWQ, Severity::Warning, warning);
        }
        Ok(())
    }

    /// Whether a security profile keeps even the mail owner out of a queue.
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
        let error = match showq::connect(&self.socket(), self.session.config.ipc_timeout) {
            Ok(stream) => return Ok(Origin::Showq(stream)),
            Err(error) => error,
        };
        self.refuse_long_name(&error)?;
        let reason = self.connect_failed(&error);
        let text = match is_forbidden(&error) {
            true => reason,
            false => format!("Queue report unavailable - mail system is down ({reason})"),
        };
        Err(fatal(self.session.diag, &text))
    }

    /// A path that no socket address can hold was never looked for.
    fn refuse_long_name(&mut self, error: &io::Error) -> Result<(), Fatal> {
        if error.kind() != io::ErrorKind::InvalidInput {
            return Ok(());
        }
        let path = shown(self.socket().as_os_str().as_bytes());
        Err(fatal(
            self.session.diag,
            format!("unix-domain name too long: {path}"),
        ))
    }

    fn connect_failed(&self, error: &io::Error) -> String {
        let name = shown(&self.session.config.mail_name);
        let service = shown(&self.session.config.showq_service_name);
        format!(
            "Connect to the {name} {service} service: {}",
            error_text(error)
        )
    }

    /// The daemon's socket, relative to the queue directory.
    pub(super) fn socket(&self) -> PathBuf {
        Path::new("public").join(OsStr::from_bytes(&self.session.config.showq_service_name))
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
