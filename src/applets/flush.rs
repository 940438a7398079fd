//! Has mail delivered now: the work of `postqueue -f`, `-i` and `-s` (spec
//! page 08).
//!
//! Owns what is checked before anybody is asked, and the words for what the
//! daemons answer.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::access::{self, Deed};
use super::borrowed::{self, Connections};
use super::postqueue::told;
use super::{Call, Fatal};
use crate::config::{Config, Decision, mail_host};
use crate::diag::Diag;
use crate::ipc::flush::{self, Request, Status};
use crate::spool::QueueId;
use crate::spool::wake::{self, WakeError, Woken};
use crate::sys::dir::Dir;
use crate::text::shown;

/// Bytes of an argument that a message shows.
const SHOWN_MAX: usize = 100;
/// What everybody hears who finds no daemon.
const DOWN: &str = "Cannot flush mail queue - mail system is down";

/// How long the flush service may take for one message of many.
const ONE_OF_MANY: Duration = Duration::from_secs(30);

/// What is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    All,
    /// One message, by its queue ID.
    One(OsString),
    /// What waits for one site.
    Site(OsString),
}

/// Has the mail delivered that is wanted.
pub fn run(
    call: &Call,
    wanted: &Wanted,
    config: &Config,
    spool: &Dir,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    let checked = Checked::new(wanted, diag)?;
    access::authorize(call, Deed::Flush, config, diag)?;
    match checked {
        Checked::All => wake_daemons(config, spool, diag),
        Checked::One(id) => one(&id, config, Connections::Last, diag),
        Checked::Site(site) => for_site(&site, config, diag),
    }
}

/// What is to be delivered, of valid form.
enum Checked {
    All,
    One(QueueId),
    Site(Vec<u8>),
}

impl Checked {
    fn new(wanted: &Wanted, diag: &mut Diag) -> Result<Self, Fatal> {
        match wanted {
            Wanted::All => Ok(Self::All),
            Wanted::One(id) => QueueId::parse(id.as_bytes())
                .map(Self::One)
                .ok_or_else(|| refused("Cannot flush queue ID - invalid name", id, diag)),
            Wanted::Site(site) if mail_host::is_valid(site.as_bytes()) => {
                Ok(Self::Site(site.as_bytes().to_vec()))
            }
            Wanted::Site(site) => {
                let what = "Cannot flush mail queue - invalid destination";
                Err(refused(what, site, diag))
            }
        }
    }
}

fn refused(what: &str, text: &OsStr, diag: &mut Diag) -> Fatal {
    told(diag, [what.as_bytes(), b": \"", &cut(text), b"\""].concat())
}

/// The start of an argument, with dots if that is not all of it.
fn cut(text: &OsStr) -> Vec<u8> {
    match text.as_bytes().split_at_checked(SHOWN_MAX) {
        Some((start, rest)) if !rest.is_empty() => [start, b"..."].concat(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Wakes the queue manager for everything it has, then pickup for what it has
/// not got yet.
fn wake_daemons(config: &Config, spool: &Dir, diag: &mut Diag) -> Result<(), Fatal> {
    // Ends at the first that cannot be woken.
    let woken: Result<Vec<_>, _> = triggers(config, spool).collect();
    let woken = woken.map_err(|error| {
        // Nobody at the other end of a name is what a mail system that is
        // down looks like; only a name that is wrong is worth a warning.
        if !matches!(error, WakeError::NobodyThere { .. }) {
            diag.warning(error.to_string());
        }
        told(diag, DOWN)
    })?;
    borrowed::give_up_group(Connections::Last, diag)?;
    wake::wait_until_taken(woken);
    Ok(())
}

/// Wakes whom it can of both daemons, waits until they have taken it, and
/// returns why the others could not be woken.
pub fn wake_any(config: &Config, spool: &Dir) -> Vec<WakeError> {
    let (mut woken, mut failed) = (Vec::new(), Vec::new());
    for result in triggers(config, spool) {
        match result {
            Ok(daemon) => woken.push(daemon),
            Err(error) => failed.push(error),
        }
    }
    wake::wait_until_taken(woken);
    failed
}

/// Wakes the daemons one after the other, each when it is asked for.
fn triggers(config: &Config, spool: &Dir) -> impl Iterator<Item = Result<Woken, WakeError>> {
    let services = [
        (&config.queue_service_name, wake::FLUSH),
        (&config.pickup_service_name, wake::WAKE),
    ];
    services
        .into_iter()
        .map(|(name, bytes)| wake::wake(spool, name, bytes, config.trigger_timeout))
}

/// Wakes pickup alone: for mail in maildrop.
///
/// # Errors
/// Nobody listens, or the name is wrong.
pub fn wake_pickup(config: &Config, spool: &Dir) -> Result<(), WakeError> {
    let (name, timeout) = (&config.pickup_service_name, config.trigger_timeout);
    let woken = wake::wake(spool, name, wake::WAKE, timeout)?;
    wake::wait_until_taken(vec![woken]);
    Ok(())
}

/// Has one message of many delivered; the caller decides what a failure means.
/// A daemon that does not answer is waited for no longer than
/// [`ONE_OF_MANY`]: a signal has to wait for that, too.
///
/// # Errors
/// Why the flush service has not taken it.
pub fn hand_over(id: &QueueId, config: &Config, diag: &mut Diag) -> Result<(), String> {
    let path = Path::new("public").join(OsStr::from_bytes(&config.flush_service_name));
    let timeout = config.ipc_timeout.min(ONE_OF_MANY);
    let mut warnings = Vec::new();
    let connection = flush::connect(&path, timeout);
    let answer = connection.and_then(|c| c.ask(Request::File(id), &config.postfix, &mut warnings));
    for warning in warnings {
        diag.warning(warning);
    }
    match answer {
        Ok(Status::Done) => Ok(()),
        Ok(Status::BadRequest) => Err(format!("Invalid request: \"{id}\"")),
        Ok(status) => Err(format!("flush server reply status {}", status.number())),
        Err(error) => Err(error.to_string()),
    }
}

/// Has one message delivered. `connections` says whether others follow.
pub fn one(
    id: &QueueId,
    config: &Config,
    connections: Connections,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    match ask(Request::File(id), config, connections, diag)? {
        Status::Done => Ok(()),
        Status::BadRequest => Err(told(diag, format!("Invalid request: \"{id}\""))),
        Status::Failed => Err(told(diag, DOWN)),
        other => Err(unknown("Unexpected", other, diag)),
    }
}

fn for_site(site: &[u8], config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    let sites = access::warned(diag, |warnings| config.flush_domains(warnings))?;
    let site_shown = shown(site);
    let not_configured =
        format!("Flush service is not configured for destination \"{site_shown}\"");
    // What a table says that cannot be read here, the daemon knows.
    if sites.decide(site) == Decision::Refused {
        return Err(told(diag, &not_configured));
    }
    match ask(Request::Site(site), config, Connections::Last, diag)? {
        Status::Done => Ok(()),
        Status::BadRequest => Err(told(diag, format!("Invalid request: \"{site_shown}\""))),
        Status::NotConfigured => Err(told(diag, &not_configured)),
        Status::Failed => Err(told(diag, DOWN)),
        other => Err(unknown("Unknown", other, diag)),
    }
}

/// Asks the flush daemon.
fn ask(
    request: Request<'_>,
    config: &Config,
    connections: Connections,
    diag: &mut Diag,
) -> Result<Status, Fatal> {
    let timeout = match connections {
        Connections::Last => config.ipc_timeout,
        Connections::MoreToCome => config.ipc_timeout.min(ONE_OF_MANY),
    };
    let path = Path::new("public").join(OsStr::from_bytes(&config.flush_service_name));
    let mut warnings = Vec::new();
    let answer = match flush::connect(&path, timeout) {
        Ok(connection) => {
            borrowed::give_up_group(connections, diag)?;
            connection.ask(request, &config.postfix, &mut warnings)
        }
        Err(error) => Err(error),
    };
    for warning in warnings {
        diag.warning(warning);
    }
    answer.map_err(|error| {
        diag.warning(error.to_string());
        told(diag, DOWN)
    })
}

/// An answer that is none of those that are known.
fn unknown(how: &str, status: Status, diag: &mut Diag) -> Fatal {
    told(
        diag,
        format!("{how} flush server reply status {}", status.number()),
    )
}
