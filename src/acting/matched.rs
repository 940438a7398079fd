//! Finds the messages that a selection means in the queues that were asked
//! for, and acts on each where it lies.
//!
//! Between the look and the act another message can get the name. The file
//! that was looked at is kept open until then, so that its inode number cannot
//! be given to another, and its sender is read once more: the act is on that
//! inode with that sender, or on nothing. What is left is the time between the
//! lstat(2) of the name and the rename(2) or unlink(2) that follows it.

use std::os::unix::ffi::OsStrExt;

use crate::selection::{Evidence, Matcher, Selection};
use crate::spool::actions::{Action, Actor, Selected, Sighting};
use crate::spool::crew::{self, Done, Feed, Room, Stop, Work};
use crate::spool::gatherer::{DirectoryJob, Gatherer};
use crate::spool::mass::Field;
use crate::spool::message::{self, Message, NoMessage};
use crate::spool::note::{Fate, Journal, Notes, Oddity, Tally, WorkError};
use crate::spool::report::Rules;
use crate::spool::reporter::{Location, ReportError};
use crate::spool::stream::manner;
use crate::spool::{Place, Queue, QueueId, Walk};

/// Which messages are meant.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'a> {
    /// By what.
    pub selection: &'a Selection,
    /// What counts in a message.
    pub rules: &'a Rules,
}

/// Acts on every message that is meant.
pub fn run(
    field: Field<'_>,
    action: Action,
    meant: Meant<'_>,
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mover = field.mover();
    let worker = || Examiner {
        actor: Actor::new(mover.clone(), field.selected),
        matcher: Matcher::new(meant.selection, meant.rules),
        action,
        field,
    };
    let room = Room::near(field.open_files);
    let job_max = match field.brake.is_set() {
        // What was done is told at once, and looked at right before it is.
        true => 1,
        false => room.files_in_a_job(),
    };
    let produce = |feed: &mut Feed<'_, Job>| {
        let mut jobs = Gatherer::new(feed, job_max);
        let gathered = gather(&mut jobs, &field, action, meant.selection);
        // What was met before a failure is worked on all the same.
        jobs.flush().and(gathered)
    };
    let manner = manner(action, field.removal, field.brake);
    crew::run((manner, room), field.interrupts, worker, produce, journal)
}

/// The queues where an action looks for what a selection means, in the order
/// of the operands. A name that is no queue is an error when its turn comes.
pub fn queues<'a>(
    selected: &'a [Selected],
    action: Action,
    selection: &'a Selection,
) -> impl Iterator<Item = Result<Queue, WorkError>> + 'a {
    let wanted = move |queue: &Result<Queue, WorkError>| match queue {
        Ok(queue) => action.looks_into(*queue) && selection.admits_queue(*queue),
        Err(_) => true,
    };
    selected.iter().map(Selected::queue).filter(wanted)
}

/// What of a selection would change by an action in a queue; `None` if that
/// is all of it.
pub fn narrowed(selection: &Selection, action: Action, queue: Queue) -> Option<Selection> {
    match action {
        Action::Expire => Some(selection.without_expired()),
        Action::ExpireAndRelease if queue != Queue::Hold => Some(selection.without_expired()),
        _ => None,
    }
}

/// Names in one directory.
type Job = DirectoryJob<Vec<QueueId>>;

/// Walks the queues and fills jobs.
fn gather(
    jobs: &mut Gatherer<'_, '_, Vec<QueueId>>,
    field: &Field<'_>,
    action: Action,
    selection: &Selection,
) -> Result<(), WorkError> {
    for queue in queues(field.selected, action, selection) {
        let queue = queue?;
        let mut walk = Walk::new(field.spool, queue)?;
        while let Some(found) = walk.next_name()? {
            if field.interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let is_home = field.layout.is_home(queue, &found.place.path, found.name);
            if is_home
                && selection.admits_name(queue.name().as_bytes(), found.name)
                && let Some(id) = QueueId::parse(found.name)
            {
                jobs.add(queue, found.place, |names| names.push(id))?;
            }
        }
        // A message that moves on to the next queue is met there: what was
        // begun here is done before.
        jobs.settle()?;
    }
    Ok(())
}

/// What a look found.
enum Seen {
    Message(Candidate),
    Odd(Oddity),
    Failed(WorkError),
}

impl Seen {
    /// The message that is to be acted on, if it is one.
    fn sighting(&self) -> Option<(&QueueId, Sighting)> {
        match self {
            Self::Message(candidate) => {
                let sighting = Sighting::of(candidate.queue, &candidate.open);
                Some((&candidate.id, sighting))
            }
            Self::Odd(_) | Self::Failed(_) => None,
        }
    }
}

/// A message that is meant.
struct Candidate {
    id: QueueId,
    queue: Queue,
    evidence: Evidence,
    /// Keeps the inode number from being given to another file.
    open: Message,
}

/// Looks at messages, and acts on those that are meant.
struct Examiner<'a> {
    actor: Actor<'a>,
    matcher: Matcher<'a>,
    action: Action,
    field: Field<'a>,
}

impl Examiner<'_> {
    /// Looks at a message where it was met; where it has gone to, if it has
    /// moved on since.
    fn examine(&mut self, queue: Queue, place: &Place, id: &QueueId) -> Option<Seen> {
        let path = self.field.layout.path(queue, id.as_bytes());
        let path = path.to_string_lossy();
        match message::open(&place.dir, id.as_bytes(), queue, &path) {
            Err(NoMessage::NotThere) => self.elsewhere(queue, id),
            opened => self.judge(opened, queue, id, &path),
        }
    }

    fn elsewhere(&mut self, left: Queue, id: &QueueId) -> Option<Seen> {
        let (field, action) = (self.field, self.action);
        let others = field.selected.iter().filter_map(|s| s.queue().ok());
        for queue in others.filter(|queue| *queue != left && action.looks_into(*queue)) {
            let path = field.layout.path(queue, id.as_bytes());
            let name = path.to_string_lossy();
            match message::open(field.spool, path.as_bytes(), queue, &name) {
                Err(NoMessage::NotThere) => {}
                opened => return self.judge(opened, queue, id, &name),
            }
        }
        None
    }

    /// Whether what was opened is meant.
    fn judge(
        &mut self,
        opened: Result<Message, NoMessage>,
        queue: Queue,
        id: &QueueId,
        path: &str,
    ) -> Option<Seen> {
        let message = match opened {
            Ok(message) => message,
            Err(error) if error.is_exhaustion() => {
                return Some(Seen::Failed(WorkError::Exhausted(error)));
            }
            Err(error) => return Some(Seen::Odd(error.into())),
        };
        let at = Location {
            spool: self.field.spool,
            layout: self.field.layout,
            queue,
            id: id.as_bytes(),
            path,
        };
        match self.matcher.examine(&message, &at) {
            Ok(evidence) => Some(Seen::Message(Candidate {
                evidence: evidence?,
                id: id.clone(),
                queue,
                open: message,
            })),
            // What cannot be read is not known to be meant, and stays.
            Err(error) if !error.ends_listing() => Some(Seen::Odd(Oddity::Unread(error))),
            Err(error) => Some(Seen::Failed(error.into())),
        }
    }

    fn act_on_all(
        &mut self,
        seen: Vec<Seen>,
        stop: &Stop<'_>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        stop.check()?;
        let sightings = seen.iter().filter_map(Seen::sighting).collect::<Vec<_>>();
        let announced = sightings.iter().map(|(id, sighting)| (*id, sighting));
        let _announced = self.actor.announce(self.action, announced)?;
        for seen in seen {
            stop.check()?;
            self.act_on(seen, notes)?;
        }
        Ok(())
    }

    fn act_on(&mut self, seen: Seen, notes: &mut Notes) -> Result<(), WorkError> {
        let candidate = match seen {
            Seen::Message(candidate) => candidate,
            Seen::Odd(oddity) => {
                notes.odd(&oddity);
                return Ok(());
            }
            Seen::Failed(error) => return Err(error),
        };
        self.field.brake.wait(self.field.interrupts)?;
        match self.is_still_the_same(&candidate) {
            Ok(true) => {}
            Ok(false) => {
                notes.not_done(candidate.id.as_bytes(), Fate::Vanished);
                return Ok(());
            }
            // As at the first look: it is not known to be meant, and stays.
            Err(error) if !error.ends_listing() => {
                notes.odd(&Oddity::Unread(error));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let before = notes.lines.len();
        let met = (candidate.queue, candidate.evidence.identity());
        self.actor
            .act_on_same(self.action, &candidate.id, met, notes)?;
        if !notes.has_fact_since(before) {
            notes.not_done(candidate.id.as_bytes(), Fate::Vanished);
        }
        if notes.has_deed_since(before) {
            self.field.brake.acted(self.field.interrupts);
        }
        Ok(())
    }
}

impl Examiner<'_> {
    /// Whether the file that was looked at has the same sender still.
    ///
    /// # Errors
    ///
    /// The file cannot be read any more, or a signal came.
    fn is_still_the_same(&mut self, candidate: &Candidate) -> Result<bool, ReportError> {
        let (layout, id) = (self.field.layout, candidate.id.as_bytes());
        let path = layout.path(candidate.queue, id);
        let path = path.to_string_lossy();
        let at = Location {
            spool: self.field.spool,
            layout,
            queue: candidate.queue,
            id,
            path: &path,
        };
        let now = self.matcher.evidence(&candidate.open, &at)?;
        Ok(now.is_some_and(|now| now == candidate.evidence))
    }
}

impl Work<Job> for Examiner<'_> {
    type Seen = Vec<Seen>;

    fn look(&mut self, job: Job) -> Self::Seen {
        let Job {
            queue,
            place,
            names,
        } = job;
        let names = names.into_iter();
        names
            .filter_map(|id| self.examine(queue, &place, &id))
            .collect()
    }

    fn act(&mut self, seen: Self::Seen, stop: &Stop<'_>) -> Done {
        let mut notes = Notes::default();
        let ended = self.act_on_all(seen, stop, &mut notes);
        Done { notes, ended }
    }
}
