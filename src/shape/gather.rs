//! Counts all messages below the queues that were asked for: walks them, lets
//! readers count, and adds up what they find in the order of the walk.

use std::io;
use std::ops::ControlFlow;

use super::counter::{Counted, Counter, Found, Piece, Question};
use super::table::Table;
use crate::spool::envelope::{self, Oddity};
use crate::spool::readers::{self, Crew, NotWanted};
use crate::spool::tree::{Met, Obstacle, Tree};
use crate::sys::dir::Dir;

/// Readers at most. One file a message is all that is read: with a cold cache
/// 64 readers are a tenth faster than 32; with a warm one it makes no
/// difference (measured).
pub const READERS_MAX: usize = 64;

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Where relative queues are.
    pub base: &'a Dir,
    /// How many threads read, at most.
    pub readers: usize,
}

/// Hears what happens on the way.
pub trait Hearer<E> {
    /// Something odd in a file.
    fn odd(&mut self, oddity: &Oddity);
    /// Something that barred the way.
    fn barred(&mut self, obstacle: &Obstacle);
    /// Another message was counted, the `messages`th.
    fn counted(&mut self, table: &Table, messages: u64) -> Result<(), E>;
    /// The process has run out of something.
    fn exhausted(&mut self, cause: &io::Error) -> E;
}

/// Counts everything into `table`.
pub fn gather<E>(
    question: &Question<'_>,
    field: &Field<'_>,
    table: &mut Table,
    hearer: &mut impl Hearer<E>,
) -> Result<(), E> {
    let mut messages = 0;
    let ended = readers::run(
        field.readers,
        || Counter::new(question),
        |crew| walk(question, field.base, crew),
        |piece| match take(piece, table, &mut messages, hearer) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        },
    );
    ended.map_or(Ok(()), Err)
}

/// Walks the queues and gives the names that may be messages, and meant, to
/// the crew.
fn walk(
    question: &Question<'_>,
    base: &Dir,
    crew: &mut Crew<'_, usize, Piece>,
) -> Result<(), NotWanted> {
    let meant = question.meant;
    for (number, queue) in question.queues.iter().enumerate() {
        if meant.is_some_and(|meant| !meant.admits_queue(number)) {
            continue;
        }
        let is_candidate = |name: &[u8]| {
            envelope::is_candidate(name)
                && meant.is_none_or(|meant| meant.admits_name(number, name))
        };
        let mut tree = Tree::new(base, queue);
        while let Some(met) = tree.next_met() {
            match met {
                Met::File(found) if is_candidate(found.name) => {
                    crew.add(number, Some(found.place), found.name)?;
                }
                Met::File(_) => {}
                Met::Obstacle(obstacle) => crew.say(Piece::Barred(obstacle))?,
            }
        }
    }
    Ok(())
}

/// Adds what a reader found.
fn take<E>(
    piece: Piece,
    table: &mut Table,
    messages: &mut u64,
    hearer: &mut impl Hearer<E>,
) -> Result<(), E> {
    match piece {
        Piece::Barred(obstacle) => hearer.barred(&obstacle),
        Piece::Exhausted(cause) => return Err(hearer.exhausted(&cause)),
        Piece::Found(all) => {
            for found in all {
                take_found(found, table, messages, hearer)?;
            }
        }
    }
    Ok(())
}

fn add(counted: &Counted, table: &mut Table) {
    for (name, count) in &counted.names {
        table.add(name, counted.bucket, *count);
    }
}

fn take_found<E>(
    found: Found,
    table: &mut Table,
    messages: &mut u64,
    hearer: &mut impl Hearer<E>,
) -> Result<(), E> {
    match found {
        Found::Odd(oddity) => hearer.odd(&oddity),
        Found::Names(counted) => add(&counted, table),
        Found::Message(message) => {
            add(&message, table);
            *messages = messages.saturating_add(1);
            hearer.counted(table, *messages)?;
        }
    }
    Ok(())
}
