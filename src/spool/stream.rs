//! Queue IDs from a stream, one a line, acted on as they arrive.
//!
//! Owns what a line is: all bytes up to the newline, and of those what a C
//! string would hold, as Postfix has it. Memory depends neither on the number
//! of lines nor on their length.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use super::QueueId;
use super::actions::{Action, Actor, Sighting};
use super::crew::{self, Disk, Done, Feed, Manner, Stop, Work};
use super::mass::Field;
use super::moves::Removal;
use super::note::{Journal, Notes, Oddity, Tally, WorkError};
use crate::sys::signals::{Interrupts, Wake};

/// Bytes read at a time.
const READ_SIZE: usize = 64 * 1024;
/// Bytes of a line that are kept; longer ones are no IDs anyway, and more of
/// them is not shown.
const LINE_MAX: usize = 64 * 1024;

/// Acts on every ID in `input`, to its end.
pub fn run(
    field: Field<'_>,
    action: Action,
    input: File,
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mover = field.mover();
    let worker = || Clerk {
        actor: Actor::new(mover.clone(), field.selected),
        action,
    };
    let produce = |feed: &mut Feed<'_, Vec<Asked>>| {
        let mut reader = Reader {
            feed,
            line: Vec::new(),
            job: Vec::new(),
            job_max: field.removal.pieces_in_a_job(),
        };
        reader.read_all(input, field.interrupts)
    };
    let manner = manner(action, field.removal);
    crew::run(manner, field.interrupts, worker, produce, journal)
}

fn manner(action: Action, removal: Removal<'_>) -> Manner {
    match (action, removal) {
        (Action::Delete, Removal::ToTrash(_)) => Manner::InTurn,
        _ if action.moves() => Manner::InTurn,
        _ => Manner::AtOnce,
    }
}

/// Acts on one ID.
pub fn one(
    field: Field<'_>,
    action: Action,
    text: &[u8],
    journal: &mut dyn Journal,
) -> (Tally, Result<(), WorkError>) {
    let mut clerk = Clerk {
        actor: Actor::new(field.mover(), field.selected),
        action,
    };
    let mut notes = Notes::default();
    let ended = clerk.one(&Asked::parse(text), None, &mut notes);
    journal.lines(&notes.lines);
    journal.pause();
    (notes.tally, ended)
}

/// What a line asks for.
enum Asked {
    Id(QueueId),
    NoId(Vec<u8>),
}

impl Asked {
    fn parse(text: &[u8]) -> Self {
        let text = text.split(|&b| b == 0).next().unwrap_or_default();
        match QueueId::parse(text) {
            Some(id) => Self::Id(id),
            None => Self::NoId(text.to_vec()),
        }
    }
}

/// Cuts the stream into lines and these into jobs.
struct Reader<'a, 'scope> {
    feed: &'a mut Feed<'scope, Vec<Asked>>,
    line: Vec<u8>,
    job: Vec<Asked>,
    job_max: usize,
}

impl Reader<'_, '_> {
    fn read_all(&mut self, mut input: File, interrupts: &Interrupts) -> Result<(), WorkError> {
        let mut buffer = vec![0; READ_SIZE];
        loop {
            let length = match next_read(&mut input, &mut buffer, interrupts)? {
                // Observed: a stream that cannot be read has ended.
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            for piece in buffer
                .get(..length)
                .unwrap_or_default()
                .split_inclusive(|&b| b == b'\n')
            {
                self.piece(piece)?;
            }
            // More may be long in coming: what is here is acted on now.
            self.flush()?;
        }
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.flush()
    }

    /// Takes a part of a line, with its newline if that is its end.
    fn piece(&mut self, piece: &[u8]) -> Result<(), WorkError> {
        let (text, is_whole) = match piece.split_last() {
            Some((b'\n', text)) => (text, true),
            _ => (piece, false),
        };
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line
            .extend_from_slice(text.get(..room).unwrap_or(text));
        match is_whole {
            true => self.end_line(),
            false => Ok(()),
        }
    }

    fn end_line(&mut self) -> Result<(), WorkError> {
        let asked = Asked::parse(&self.line);
        self.line.clear();
        if let Asked::Id(id) = &asked
            && !self.feed.first_of_its_name(id.as_bytes())
        {
            self.flush()?;
            self.feed.drain()?;
            self.feed.first_of_its_name(id.as_bytes());
        }
        self.job.push(asked);
        match self.job.len() >= self.job_max {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        match self.job.len() {
            0 => Ok(()),
            pieces => self.feed.send(std::mem::take(&mut self.job), pieces),
        }
    }
}

/// Reads what there is; waits for it, or for a signal.
fn next_read(
    input: &mut File,
    buffer: &mut [u8],
    interrupts: &Interrupts,
) -> Result<io::Result<usize>, WorkError> {
    loop {
        match interrupts.wait_for(&*input) {
            Ok(Wake::Interrupted) => return Err(WorkError::Interrupted),
            Ok(Wake::Readable) => {}
            Err(error) => return Ok(Err(error)),
        }
        match input.read(buffer) {
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            other => return Ok(other),
        }
    }
}

/// Acts on one ID after the other.
struct Clerk<'a> {
    actor: Actor<'a>,
    action: Action,
}

impl Clerk<'_> {
    fn all(
        &mut self,
        seen: Vec<(Asked, Option<Sighting>)>,
        stop: &Stop<'_>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        stop.check()?;
        let messages = seen.iter().filter_map(|(asked, seen)| match asked {
            Asked::Id(id) => Some((id, seen.as_ref()?)),
            Asked::NoId(_) => None,
        });
        let _announced = self.actor.announce(self.action, messages)?;
        for (asked, seen) in seen {
            stop.check()?;
            self.one(&asked, seen, notes)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        asked: &Asked,
        seen: Option<Sighting>,
        notes: &mut Notes,
    ) -> Result<(), WorkError> {
        match asked {
            Asked::Id(id) => self.actor.act(self.action, id, seen, notes),
            Asked::NoId(text) => {
                notes.odd(&Oddity::InvalidId(text.clone()));
                if self.action == Action::ExpireAndRelease {
                    // Observed: either half of the action finds it invalid.
                    notes.odd(&Oddity::InvalidId(text.clone()));
                }
                Ok(())
            }
        }
    }
}

impl Work<Vec<Asked>> for Clerk<'_> {
    type Seen = Vec<(Asked, Option<Sighting>)>;

    fn look(&mut self, job: Vec<Asked>, _: Disk) -> Self::Seen {
        let look = |asked| {
            let seen = match &asked {
                Asked::Id(id) => self.actor.look(self.action, id),
                Asked::NoId(_) => None,
            };
            (asked, seen)
        };
        job.into_iter().map(look).collect()
    }

    fn act(&mut self, seen: Self::Seen, stop: &Stop<'_>) -> Done {
        let mut notes = Notes::default();
        let ended = self.all(seen, stop, &mut notes);
        Done { notes, ended }
    }
}
