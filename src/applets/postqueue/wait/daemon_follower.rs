//! The state of messages after a flush, from the listings of the showq daemon, for
//! callers that may not read the queue files.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::super::Fatal;
use super::super::super::borrowed::Connections;
use super::super::super::listing;
use super::super::super::listing::{ListingRequest, ListingSource, Session};
use super::super::arguments::PostqueueArguments;
use super::super::view::{clock, request};
use super::outcome::{FlushOutcome, FlushScope};
use crate::listing::{
    Ending, ListingError, PartialResult, Sink, Style, Template, Terminator, Totals,
};
use crate::spool::{Queue, QueueId};

/// The format of a listing's lines.
const FORMAT: &str = "%{queue} %{id} %{reason}";
/// The largest number of bytes of a reason that are kept.
const REASON_MAX: usize = 200;
/// The time without any change after which a deferred message counts as tried, if
/// nothing else tells.
const QUIET: Duration = Duration::from_secs(10);

/// Looks at the daemon's listings.
pub(super) struct DaemonFollower<'a> {
    arguments: &'a PostqueueArguments,
    scope: FlushScope,
    /// The state of each message that is in the queue, by the place of its ID.
    states: Vec<Option<DaemonState>>,
    places: HashMap<QueueId, usize>,
    /// The places of messages that were seen outside of the deferred queue, or with
    /// another reason than before.
    tried: Vec<bool>,
    last_change: Instant,
}

/// The state of a message in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DaemonState {
    queue: Queue,
    reason: Vec<u8>,
}

impl<'a> DaemonFollower<'a> {
    /// Remembers the state of the messages before they are flushed.
    pub(super) fn new(
        session: Session<'_>,
        arguments: &'a PostqueueArguments,
        ids: &[QueueId],
        scope: FlushScope,
    ) -> Result<Self, Fatal> {
        let mut follower = Self {
            arguments,
            scope,
            states: vec![None; ids.len()],
            places: ids.iter().cloned().zip(0..).collect(),
            tried: vec![false; ids.len()],
            last_change: Instant::now(),
        };
        follower.states = follower.listed(session, ids.len())?;
        Ok(follower)
    }

    /// Asks the daemon for a listing.
    pub(super) fn refresh(&mut self, session: Session<'_>, ids: &[QueueId]) -> Result<(), Fatal> {
        let states = self.listed_surely(session, ids.len())?;
        let changes = self.states.iter().zip(&states).zip(&mut self.tried);
        for ((before, now), tried) in changes {
            let is_moving = now.as_ref().is_some_and(|now| now.queue != Queue::Deferred);
            if before != now || is_moving {
                *tried = true;
                self.last_change = Instant::now();
            }
        }
        self.states = states;
        Ok(())
    }

    /// Asks for a second listing if messages are missing from the first: one that
    /// moves from a queue to another meanwhile may be seen in neither.
    fn listed_surely(
        &self,
        mut session: Session<'_>,
        count: usize,
    ) -> Result<Vec<Option<DaemonState>>, Fatal> {
        let mut states = self.listed(session.reborrow(), count)?;
        let mut both = self.states.iter().zip(&states);
        if both.any(|(before, now)| before.is_some() && now.is_none()) {
            let second = self.listed(session, count)?;
            for (state, second) in states.iter_mut().zip(second) {
                *state = state.take().or(second);
            }
        }
        Ok(states)
    }

    fn listed(
        &self,
        session: Session<'_>,
        count: usize,
    ) -> Result<Vec<Option<DaemonState>>, Fatal> {
        let clock = clock(self.arguments);
        // The format is constant and valid.
        let template = Template::format(FORMAT, Terminator::Nul, clock)
            .unwrap_or_else(|_| Template::ids(Terminator::Nul, clock));
        let request = ListingRequest {
            selection: None,
            sort_spec: None,
            source: ListingSource::Showq,
            ..request(self.arguments, Style::Lines(&template))
        };
        // The group of a set-gid binary is needed for the next listing too.
        let session = Session {
            connections: Connections::MoreToCome,
            ..session
        };
        let mut states = DaemonStates {
            places: &self.places,
            states: vec![None; count],
        };
        listing::into_sink(session, &request, &mut states)?;
        Ok(states.states)
    }

    /// What became of the message at this place.
    pub(super) fn outcome(&self, place: usize, _: &QueueId) -> FlushOutcome {
        let Some(state) = self.states.get(place).and_then(Option::as_ref) else {
            return FlushOutcome::Left;
        };
        let is_tried = self.scope == FlushScope::Request
            || self.tried.get(place) == Some(&true)
            || self.last_change.elapsed() > QUIET;
        match state.queue {
            Queue::Hold => FlushOutcome::Held,
            Queue::Deferred if is_tried => FlushOutcome::DeferredAgain(state.reason.clone()),
            queue => FlushOutcome::Pending(queue),
        }
    }
}

/// Collects the states of the followed messages from a listing.
struct DaemonStates<'a> {
    places: &'a HashMap<QueueId, usize>,
    states: Vec<Option<DaemonState>>,
}

impl Sink for DaemonStates<'_> {
    /// A piece consists of whole lines, since each message ends with a NUL byte.
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        for line in piece.split(|&b| b == 0) {
            let mut columns = line.splitn(3, |&b| b == b' ');
            let queue = columns.next().and_then(Queue::parse);
            let id = columns.next().and_then(QueueId::parse);
            let place = id.and_then(|id| self.places.get(&id));
            let state = place.and_then(|place| self.states.get_mut(*place));
            if let (Some(queue), Some(state)) = (queue, state) {
                let reason = columns.next().unwrap_or_default();
                let reason = reason.get(..REASON_MAX).unwrap_or(reason).to_vec();
                *state = Some(DaemonState { queue, reason });
            }
        }
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
