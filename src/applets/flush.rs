//! Requests immediate delivery: `postqueue -f`, `-i` and `-s`.
//!
//! Validates the request before a daemon is contacted, and reports the daemons'
//! answers.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::authorization;
use super::authorization::AccessRequest;
use super::borrowed;
use super::borrowed::Connections;
use super::fatal::unavailable;
use super::{Call, Fatal};
use crate::config::{Config, ListMatch, mail_host};
use crate::ipc::flush;
use crate::ipc::flush::{FlushStatus, Request};
use crate::logging::Logger;
use crate::spool::QueueId;
use crate::spool::trigger;
use crate::spool::trigger::{HeldConnection, TriggerError};
use crate::sys::dir::Dir;
use crate::text::to_printable;

/// The number of bytes of an argument that an error message shows.
const SHOWN_MAX: usize = 100;
/// Error text when the daemon is unreachable.
const DOWN: &str = "Cannot flush mail queue - mail system is down";

/// Time limit for the flush service to accept one message of several.
const ONE_OF_MANY: Duration = Duration::from_secs(30);

/// The mail to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlushRequest {
    /// All mail.
    All,
    /// One message, by its queue ID.
    One(OsString),
    /// The mail for one site.
    Site(OsString),
}

/// Refuses a request that is not valid.
///
/// # Errors
///
/// The queue ID or the site is not valid, which was reported.
pub fn validate(wanted: &FlushRequest, logger: &mut Logger) -> Result<(), Fatal> {
    Checked::new(wanted, logger).map(drop)
}

/// Requests delivery of this mail. `connections` says whether other sockets are
/// connected afterwards.
///
/// # Errors
///
/// The caller may not do this, or a daemon cannot be reached. Both were reported.
pub fn run(
    call: &Call,
    wanted: &FlushRequest,
    config: &Config,
    (spool, connections): (&Dir, Connections),
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let checked = Checked::new(wanted, logger)?;
    authorization::authorize(call, AccessRequest::Flush, config, logger)?;
    match checked {
        Checked::All => wake_daemons(config, (spool, connections), logger),
        Checked::One(id) => one(&id, config, connections, logger),
        Checked::Site(site) => for_site(&site, config, connections, logger),
    }
}

/// A validated flush request.
enum Checked {
    All,
    One(QueueId),
    Site(Vec<u8>),
}

impl Checked {
    fn new(wanted: &FlushRequest, logger: &mut Logger) -> Result<Self, Fatal> {
        match wanted {
            FlushRequest::All => Ok(Self::All),
            FlushRequest::One(id) => QueueId::parse(id.as_bytes())
                .map(Self::One)
                .ok_or_else(|| refused("Cannot flush queue ID - invalid name", id, logger)),
            FlushRequest::Site(site) if mail_host::is_valid(site.as_bytes()) => {
                Ok(Self::Site(site.as_bytes().to_vec()))
            }
            FlushRequest::Site(site) => {
                let what = "Cannot flush mail queue - invalid destination";
                Err(refused(what, site, logger))
            }
        }
    }
}

fn refused(what: &str, text: &OsStr, logger: &mut Logger) -> Fatal {
    unavailable(
        logger,
        [what.as_bytes(), b": \"", &cut(text), b"\""].concat(),
    )
}

/// The start of an argument, with dots appended if it was shortened.
fn cut(text: &OsStr) -> Vec<u8> {
    match text.as_bytes().split_at_checked(SHOWN_MAX) {
        Some((start, rest)) if !rest.is_empty() => [start, b"..."].concat(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Wakes the queue manager for all its mail, then pickup for mail that the
/// queue manager has not received yet.
fn wake_daemons(
    config: &Config,
    (spool, connections): (&Dir, Connections),
    logger: &mut Logger,
) -> Result<(), Fatal> {
    // Stops at the first daemon that cannot be woken.
    let woken: Result<Vec<_>, _> = triggers(config, spool).collect();
    let woken = woken.map_err(|error| {
        // A socket without a listener means that the mail system is down; only
        // a wrong socket name is logged.
        if !matches!(error, TriggerError::NoListener { .. }) {
            logger.warning(error.to_string());
        }
        unavailable(logger, DOWN)
    })?;
    borrowed::give_up_group(connections, logger)?;
    trigger::wait_until_taken(woken);
    Ok(())
}

/// Wakes both daemons if possible and waits until they have accepted the
/// request. Returns the errors of the daemons that could not be woken.
pub fn wake_any(config: &Config, spool: &Dir) -> Vec<TriggerError> {
    let (mut woken, mut failed) = (Vec::new(), Vec::new());
    for result in triggers(config, spool) {
        match result {
            Ok(daemon) => woken.push(daemon),
            Err(error) => failed.push(error),
        }
    }
    trigger::wait_until_taken(woken);
    failed
}

/// Wakes the daemons lazily: each when the iterator reaches it.
fn triggers(
    config: &Config,
    spool: &Dir,
) -> impl Iterator<Item = Result<HeldConnection, TriggerError>> {
    let services = [
        (&config.queue_service_name, trigger::FLUSH),
        (&config.pickup_service_name, trigger::WAKE),
    ];
    services
        .into_iter()
        .map(|(name, bytes)| trigger::send_trigger(spool, name, bytes, config.trigger_timeout))
}

/// Wakes pickup only, for mail in maildrop.
///
/// # Errors
///
/// No process listens on the socket, or the socket name is invalid.
pub fn wake_pickup(config: &Config, spool: &Dir) -> Result<(), TriggerError> {
    let (name, timeout) = (&config.pickup_service_name, config.trigger_timeout);
    let woken = trigger::send_trigger(spool, name, trigger::WAKE, timeout)?;
    trigger::wait_until_taken(vec![woken]);
    Ok(())
}

/// Requests delivery of one message of several; the caller decides how a
/// failure is handled. The request times out after [`ONE_OF_MANY`], since a
/// signal is not handled before it ends.
///
/// # Errors
///
/// The reason why the flush service has not accepted the message.
pub fn hand_over(id: &QueueId, config: &Config, logger: &mut Logger) -> Result<(), String> {
    let path = Path::new("public").join(OsStr::from_bytes(&config.flush_service_name));
    let timeout = config.ipc_timeout.min(ONE_OF_MANY);
    let connection = flush::connect(&path, timeout);
    let answer = logger.warned(|warnings| {
        connection.and_then(|c| c.ask(Request::File(id), &config.postfix, warnings))
    });
    match answer {
        Ok(FlushStatus::Done) => Ok(()),
        Ok(FlushStatus::BadRequest) => Err(format!("Invalid request: \"{id}\"")),
        Ok(status) => Err(format!("flush server reply status {}", status.number())),
        Err(error) => Err(error.to_string()),
    }
}

/// Requests delivery of one message. `connections` says whether other requests
/// follow.
///
/// # Errors
///
/// The daemon cannot be reached, or does not carry out the request. Both were
/// reported.
pub fn one(
    id: &QueueId,
    config: &Config,
    connections: Connections,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    match ask(Request::File(id), config, connections, logger)? {
        FlushStatus::Done => Ok(()),
        FlushStatus::BadRequest => Err(unavailable(logger, format!("Invalid request: \"{id}\""))),
        FlushStatus::Failed => Err(unavailable(logger, DOWN)),
        other => Err(unknown("Unexpected", other, logger)),
    }
}

fn for_site(
    site: &[u8],
    config: &Config,
    connections: Connections,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let sites = authorization::warned(logger, |warnings| config.flush_domains(warnings))?;
    let site_shown = to_printable(site);
    let not_configured =
        format!("Flush service is not configured for destination \"{site_shown}\"");
    // A table that cannot be read here is checked by the daemon.
    if sites.decide(site) == ListMatch::Refused {
        return Err(unavailable(logger, &not_configured));
    }
    match ask(Request::Site(site), config, connections, logger)? {
        FlushStatus::Done => Ok(()),
        FlushStatus::BadRequest => Err(unavailable(
            logger,
            format!("Invalid request: \"{site_shown}\""),
        )),
        FlushStatus::NotConfigured => Err(unavailable(logger, &not_configured)),
        FlushStatus::Failed => Err(unavailable(logger, DOWN)),
        other => Err(unknown("Unknown", other, logger)),
    }
}

/// Sends a request to the flush daemon.
fn ask(
    request: Request<'_>,
    config: &Config,
    connections: Connections,
    logger: &mut Logger,
) -> Result<FlushStatus, Fatal> {
    let timeout = match connections {
        Connections::Last => config.ipc_timeout,
        Connections::MoreToCome => config.ipc_timeout.min(ONE_OF_MANY),
    };
    let path = Path::new("public").join(OsStr::from_bytes(&config.flush_service_name));
    let answer = match flush::connect(&path, timeout) {
        Ok(connection) => {
            borrowed::give_up_group(connections, logger)?;
            logger.warned(|warnings| connection.ask(request, &config.postfix, warnings))
        }
        Err(error) => Err(error),
    };
    answer.map_err(|error| {
        logger.warning(error.to_string());
        unavailable(logger, DOWN)
    })
}

/// Reports an unknown answer of the daemon.
fn unknown(how: &str, status: FlushStatus, logger: &mut Logger) -> Fatal {
    unavailable(
        logger,
        format!("{how} flush server reply status {}", status.number()),
    )
}
