//! Actions on ALL messages of the selected queues (spec page 06).
//!
//! Every object of a queue is met where it lies, misplaced ones too. Owns
//! what each action does to it; no line per message, only counts.

use std::ops::Range;
use std::sync::Arc;

use nix::sys::stat::FileStat;

use super::actions::{Action, Selected, expire};
use super::crew::{self, Done, Feed, JOB_MAX, Stop, Work};
use super::moves::{Mover, Outcome};
use super::note::{Deed, Journal, Notes, Oddity, Tally, WorkError};
use super::sweep::{self, NoFiles, Object, Remains};
use super::{Found, Layout, Place, Queue, Step, Walk, id, message};
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;

/// What is worked on.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
    /// The queues, in order.
    pub selected: &'a [Selected],
    /// What ends the work early.
    pub interrupts: &'a Interrupts,
}

impl<'a> Field<'a> {
    /// A mover in this field.
    pub fn mover(&self) -> Mover<'a> {
        Mover::new(self.spool, self.layout)
    }
}

/// Acts on all messages.
pub fn run(
    field: Field<'_>,
    action: Action,
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mover = field.mover();
    let worker = || Sweeper {
        mover: mover.clone(),
        action,
    };
    let produce = |feed: &mut Feed<'_, Job>| {
        let mut gatherer = Gatherer { feed, job: None };
        let gathered = gatherer.all(&field);
        // What was met before a failure is worked on, as it is by one who
        // works on one after the other.
        gatherer.flush().and(gathered)
    };
    crew::run(action.manner(), field.interrupts, worker, produce, journal)
}

/// Objects of one directory.
struct Job {
    queue: Queue,
    place: Arc<Place>,
    /// The names, one behind the other.
    names: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

/// Walks the queues and fills jobs.
struct Gatherer<'a, 'scope> {
    feed: &'a mut Feed<'scope, Job>,
    job: Option<Job>,
}

impl Gatherer<'_, '_> {
    fn all(&mut self, field: &Field<'_>) -> Result<(), WorkError> {
        for selected in field.selected {
            let queue = selected.queue()?;
            sweep::check(queue, field.layout)?;
            self.queue(field, queue)?;
            // A name may be in two queues: the later one has the last word.
            self.settle()?;
        }
        Ok(())
    }

    fn queue(&mut self, field: &Field<'_>, queue: Queue) -> Result<(), WorkError> {
        let mut walk = Walk::new(field.spool, queue)?;
        while let Some(step) = walk.step()? {
            match step {
                Step::Name(Found { place, name }) => self.add(queue, place, name)?,
                Step::Left { parent, path } => {
                    if sweep::is_too_deep(queue, &path, field.layout) {
                        self.settle()?;
                        sweep::remove_left(queue, &parent, &path)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, queue: Queue, place: &Arc<Place>, name: &[u8]) -> Result<(), WorkError> {
        if !self.feed.first_of_its_name(name) {
            self.settle()?;
            self.feed.first_of_its_name(name);
        }
        let same = |job: &Job| job.queue == queue && Arc::ptr_eq(&job.place, place);
        if !self.job.as_ref().is_some_and(same) {
            self.flush()?;
        }
        let job = self.job.get_or_insert_with(|| Job {
            queue,
            place: Arc::clone(place),
            names: Vec::new(),
            ranges: Vec::new(),
        });
        let start = job.names.len();
        job.names.extend_from_slice(name);
        job.ranges.push(start..job.names.len());
        match job.ranges.len() >= JOB_MAX {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        match self.job.take() {
            Some(job) => {
                let pieces = job.ranges.len();
                self.feed.send(job, pieces)
            }
            None => Ok(()),
        }
    }

    /// Waits until all that was met is done.
    fn settle(&mut self) -> Result<(), WorkError> {
        self.flush()?;
        self.feed.drain()
    }
}

/// Acts on one object after the other.
struct Sweeper<'a> {
    mover: Mover<'a>,
    action: Action,
}

impl Job {
    fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.ranges.iter().filter_map(|range| {
            Some(Object {
                queue: self.queue,
                place: &self.place,
                name: self.names.get(range.clone())?,
            })
        })
    }
}

impl Work<Job> for Sweeper<'_> {
    type Seen = (Job, Vec<Option<FileStat>>);

    fn look(&mut self, job: Job) -> Self::Seen {
        let seen = job.objects().map(|found| found.stat()).collect();
        (job, seen)
    }

    fn act(&mut self, (job, seen): Self::Seen, stop: &Stop<'_>) -> Done {
        let mut notes = Notes::default();
        let ended = job.objects().zip(seen).try_for_each(|(found, stat)| {
            stop.check()?;
            match stat {
                Some(stat) => self.object(&found, stat, &mut notes),
                None => Ok(()),
            }
        });
        Done { notes, ended }
    }
}

impl Sweeper<'_> {
    fn object(
        &mut self,
        found: &Object<'_>,
        stat: FileStat,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        let no_files = match self.action {
            Action::Delete => NoFiles::Keep,
            _ => NoFiles::Remove,
        };
        let Remains::There(stat) = found.tidy(stat, no_files, notes)? else {
            return Ok(());
        };
        if self.action == Action::Delete {
            let removed = found.remove()? == Outcome::Done;
            // Observed: a link counts as well, its mode bits are all set.
            if removed && found.queue.holds_messages() && message::is_ready(&stat) {
                notes.tally.count(Deed::Removed);
            }
            return Ok(());
        }
        if !id::is_valid(found.name) {
            notes.odd(&Oddity::BogusName(found.path()));
            return Ok(());
        }
        if self.expires(found.queue) && message::is_ready(&stat) {
            let path = found.path();
            if expire(found.at(&path), notes) == Outcome::Done {
                notes.tally.count(Deed::Expired);
            }
        }
        match self.target(found.queue) {
            Some((target, deed)) => self.relocate(found, target, deed, notes),
            None => Ok(()),
        }
    }

    fn relocate(
        &mut self,
        found: &Object<'_>,
        target: Queue,
        deed: Deed,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        let path = found.path();
        let moved = self
            .mover
            .rename(found.at(&path), target, found.name, found.name)?;
        if moved == Outcome::Done {
            notes.tally.count(deed);
        }
        Ok(())
    }

    /// Whether messages of a queue are told to expire.
    fn expires(&self, queue: Queue) -> bool {
        matches!(self.action, Action::Expire | Action::ExpireAndRelease)
            && queue.holds_messages()
            && queue != Queue::Maildrop
    }

    /// Where messages of a queue go, if anywhere.
    fn target(&self, queue: Queue) -> Option<(Queue, Deed)> {
        let (target, deed) = match (self.action, queue) {
            (Action::Requeue, _) => (Queue::Maildrop, Deed::Requeued),
            (Action::Hold, _) => (Queue::Hold, Deed::Held),
            (Action::Release | Action::ExpireAndRelease, Queue::Hold) => {
                (Queue::Deferred, Deed::Released)
            }
            _ => return None,
        };
        let moves = queue.holds_messages() && queue != Queue::Maildrop && queue != target;
        moves.then_some((target, deed))
    }
}
