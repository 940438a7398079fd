//! `--wait`: follows the messages of a flush request and prints what became of
//! each.
//!
//! `spool_follower` looks at the queue files, and `daemon_follower` at the daemon's
//! listing if the caller may not read the files. Both poll: an interval in
//! proportion to the time that a look takes costs little, and needs no watch on
//! each of the directories, which come and go.

mod daemon_follower;
mod outcome;
mod spool_follower;

use std::ffi::OsStr;
use std::io::Write;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::super::authorization::AccessRequest;
use super::super::borrowed::Connections;
use super::super::fatal::unavailable;
use super::super::flush::FlushRequest;
use super::super::listing::{ListingSource, Session};
use super::super::progress::Progress;
use super::super::{Fatal, flush, output};
use super::arguments::PostqueueArguments;
use super::ids::ids_of;
use super::interruption::{stopped, watch};
use crate::cli::Scanned;
use crate::logging::Severity;
use crate::selection::{Builder, Selection};
use crate::spool::{Queue, QueueId};
use crate::sys::signals::Interrupts;
use crate::sys::time;
use daemon_follower::DaemonFollower;
use outcome::FlushOutcome;
use spool_follower::SpoolFollower;

pub(super) use outcome::FlushScope;

/// The largest number of messages that are followed, which bounds memory.
const MESSAGES_MAX: usize = 50_000;
/// The exit status if a message still waits.
const STATUS_WAITING: u8 = 1;
/// The first and the longest interval between two looks.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(2);
/// The part of the time that is spent on looks: a tenth.
const IDLE_FACTOR: u32 = 9;

/// Flushes what `request` names, and follows those messages.
pub(super) fn run(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
    request: &FlushRequest,
    limit: Duration,
) -> Result<(), Fatal> {
    flush::validate(request, session.logger)?;
    let Some(selection) = flushed(request) else {
        return Err(unavailable(
            session.logger,
            "--wait cannot follow this request",
        ));
    };
    session.authorize(AccessRequest::Flush)?;
    let ids = ids_of(session.reborrow(), arguments, Some(&selection))?;
    let interrupts = watch(&mut session, arguments.parent)?;
    let scope = match request {
        FlushRequest::All => FlushScope::Trigger,
        FlushRequest::One(_) | FlushRequest::Site(_) => FlushScope::Request,
    };
    let follower = Follower::new(&mut session, arguments, ids, scope)?;
    let (call, config, spool) = (session.call, session.config, session.spool);
    let connections = Connections::MoreToCome;
    flush::run(call, request, config, (spool, connections), session.logger)?;
    follower.follow(session, &interrupts, limit)
}

/// The messages that a request concerns; `None` if no selection describes them.
/// Mail in maildrop gets another queue ID when it is picked up, and a flush does not
/// release mail on hold.
fn flushed(request: &FlushRequest) -> Option<Selection> {
    let not = |queues: &'static str| [("not", OsStr::new("")), ("queue", OsStr::new(queues))];
    let mut options = Vec::new();
    match request {
        FlushRequest::All => options.extend(not("maildrop,hold")),
        FlushRequest::One(id) => {
            options.push(("id", id.as_os_str()));
            options.extend(not("maildrop"));
        }
        FlushRequest::Site(site) => {
            options.push(("to-domain", site.as_os_str()));
            options.extend(not("maildrop,hold"));
        }
    }
    let mut builder = Builder::new(time::now());
    for (name, value) in options {
        builder.take(&Scanned::Long(name, value.to_owned())).ok()?;
    }
    builder.finish().ok()?
}

/// Follows messages until the outcome of each is known.
pub(super) struct Follower<'a> {
    ids: Vec<QueueId>,
    look: Look<'a>,
    progress: Progress,
    /// The places of the messages whose outcome is not known.
    open: Vec<usize>,
    left: u64,
    waiting: u64,
}

/// How the state of messages is determined.
enum Look<'a> {
    Spool(SpoolFollower<'a>),
    Daemon(DaemonFollower<'a>),
}

impl<'a> Follower<'a> {
    /// Remembers the state of the messages before they are flushed.
    pub(super) fn new<'s: 'a>(
        session: &mut Session<'s>,
        arguments: &'a PostqueueArguments,
        ids: Vec<QueueId>,
        scope: FlushScope,
    ) -> Result<Self, Fatal> {
        if ids.len() > MESSAGES_MAX {
            let text = format!(
                "--wait follows at most {MESSAGES_MAX} messages, and there are {}",
                ids.len()
            );
            return Err(unavailable(session.logger, text));
        }
        let may_read = !geteuid().is_root()
            && arguments.source != ListingSource::Showq
            && session
                .spool
                .open_dir_through_link(OsStr::new(Queue::Deferred.name()))
                .is_ok();
        let look = if may_read {
            Look::Spool(SpoolFollower::new(session.spool, session.config, &ids))
        } else {
            let follower = DaemonFollower::new(session.reborrow(), arguments, &ids, scope)?;
            Look::Daemon(follower)
        };
        Ok(Self {
            look,
            progress: if ids.len() > 1 && Progress::can_be_seen() {
                Progress::shown(u64::try_from(ids.len()).ok())
            } else {
                Progress::default()
            },
            open: (0..ids.len()).collect(),
            ids,
            left: 0,
            waiting: 0,
        })
    }

    /// Prints the outcome of each message as soon as it is known. Fails if a message
    /// still waits, or if a signal was caught.
    pub(super) fn follow(
        mut self,
        mut session: Session<'_>,
        interrupts: &Interrupts,
        limit: Duration,
    ) -> Result<(), Fatal> {
        let start = Instant::now();
        let mut interval = INTERVAL_MIN;
        loop {
            let begun = Instant::now();
            self.look(&mut session)?;
            let rest = limit.saturating_sub(start.elapsed());
            if self.open.is_empty() || rest.is_zero() || interrupts.caught().is_some() {
                break;
            }
            let pause = interval.max(begun.elapsed().saturating_mul(IDLE_FACTOR));
            // If waiting fails, the next look comes at once.
            let _ = interrupts.wait_during(pause.min(rest));
            interval = interval.saturating_mul(2).min(INTERVAL_MAX);
        }
        self.finish(session, interrupts, limit)
    }

    /// Looks once at every message whose outcome is not known.
    fn look(&mut self, session: &mut Session<'_>) -> Result<(), Fatal> {
        if let Look::Daemon(daemon) = &mut self.look {
            daemon.refresh(session.reborrow(), &self.ids)?;
        }
        let mut open = Vec::new();
        for place in std::mem::take(&mut self.open) {
            let Some(id) = self.ids.get(place) else {
                continue;
            };
            let outcome = match &self.look {
                Look::Spool(spool) => spool.outcome(place, id),
                Look::Daemon(daemon) => daemon.outcome(place, id),
            };
            if outcome.is_final() {
                let line = outcome.line(id, Duration::ZERO);
                self.report(session, &outcome, &line)?;
            } else {
                open.push(place);
            }
        }
        self.open = open;
        Ok(())
    }

    /// Prints the outcome of a message.
    fn report(
        &mut self,
        session: &mut Session<'_>,
        outcome: &FlushOutcome,
        line: &[u8],
    ) -> Result<(), Fatal> {
        let counter = match outcome {
            FlushOutcome::Left => &mut self.left,
            _ => &mut self.waiting,
        };
        *counter = counter.saturating_add(1);
        self.progress.add(1);
        let written = self.progress.aside(|| {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(line).and_then(|()| stdout.flush())
        });
        written.or_else(|error| output::output_failed(session.logger, &error))
    }

    /// Prints the messages whose outcome is not known, and the summary.
    fn finish(
        mut self,
        mut session: Session<'_>,
        interrupts: &Interrupts,
        limit: Duration,
    ) -> Result<(), Fatal> {
        let open = std::mem::take(&mut self.open);
        if let Some(signal) = interrupts.caught() {
            self.summarize(&mut session);
            return Err(stopped(&mut session, signal, open.len() as u64));
        }
        for place in open {
            let Some(id) = self.ids.get(place).cloned() else {
                continue;
            };
            let outcome = match &self.look {
                Look::Spool(spool) => spool.outcome(place, &id),
                Look::Daemon(daemon) => daemon.outcome(place, &id),
            };
            let line = outcome.line(&id, limit);
            self.report(&mut session, &outcome, &line)?;
        }
        self.summarize(&mut session);
        if self.waiting > 0 {
            Err(Fatal::already_reported(STATUS_WAITING))
        } else {
            Ok(())
        }
    }

    fn summarize(&mut self, session: &mut Session<'_>) {
        self.progress.clear();
        let (left, waiting) = (self.left, self.waiting);
        let text = match self.ids.len() {
            0 => "no message in the queue to wait for".to_owned(),
            1 => return,
            _ => format!("Left the queue: {left}, still waiting: {waiting}"),
        };
        session.logger.report(Severity::Info, text);
    }
}
