//! Who receives a listing: standard output, or a sum.

use std::fs::File;

use super::SHOWQ;
use crate::applets::progress::Progress;
use crate::diag::{Diag, Severity};
use crate::listing::{
    Arrangement, Counts, Ending, Entry, Gathered, ListingError, Output, Sink, Sorter, Spill, Totals,
};

/// Prints a listing; one in another order when all of it is known.
pub(super) struct Printer<'a> {
    output: Output<'a, File>,
    order: Order<'a>,
    spill: &'a Spill,
    progress: Progress,
}

/// What becomes of messages that are not written at once.
enum Order<'a> {
    /// They are written as they come; so many more of them.
    AsTheyCome(Option<usize>),
    /// They wait.
    Sorted(Sorter<'a>),
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        output: Output<'a, File>,
        arrangement: Option<&'a Arrangement>,
        spill: &'a Spill,
        progress: Progress,
    ) -> Self {
        let order = match arrangement {
            Some(arrangement) if !arrangement.keys.is_empty() => {
                Order::Sorted(Sorter::new(arrangement, spill))
            }
            other => Order::AsTheyCome(other.and_then(|arrangement| arrangement.limit)),
        };
        Self {
            output,
            order,
            spill,
            progress,
        }
    }

    /// Writes what waited, and the footer; what was written.
    pub(super) fn finish(mut self) -> Result<Totals, ListingError> {
        self.progress.clear();
        if let Order::Sorted(sorter) = self.order {
            for entry in sorter.finish().map_err(ListingError::Sort)? {
                let entry = entry.map_err(ListingError::Sort)?;
                let written = write(&mut self.output, &entry, self.spill)?;
                if written == Ending::ReaderGone {
                    return Ok(self.output.totals());
                }
            }
        }
        let totals = self.output.totals();
        self.output.finish().map_err(ListingError::Output)?;
        Ok(totals)
    }

    /// Writes entries up to the limit.
    fn write_up_to_limit(
        &mut self,
        entries: &[Entry],
        mut left: usize,
    ) -> Result<Ending, ListingError> {
        for entry in entries {
            if left == 0 {
                break;
            }
            if write(&mut self.output, entry, self.spill)? == Ending::ReaderGone {
                return Ok(Ending::ReaderGone);
            }
            left = left.saturating_sub(messages_in(entry));
        }
        self.order = Order::AsTheyCome(Some(left));
        Ok(match left {
            0 => Ending::Enough,
            _ => Ending::Complete,
        })
    }
}

fn write(
    output: &mut Output<'_, File>,
    entry: &Entry,
    spill: &Spill,
) -> Result<Ending, ListingError> {
    output.count(entry.totals);
    for kept in &entry.kept {
        let ended = spill.read(*kept, |piece| {
            output.piece(piece).map_err(ListingError::Output)
        })?;
        if ended == Ending::ReaderGone {
            return Ok(ended);
        }
    }
    output.piece(&entry.text).map_err(ListingError::Output)
}

/// How many messages end with an entry.
fn messages_in(entry: &Entry) -> usize {
    usize::try_from(entry.totals.messages).unwrap_or(usize::MAX)
}

impl Sink for Printer<'_> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.output.piece(piece).map_err(ListingError::Output)
    }

    fn totals(&mut self, totals: Totals) {
        self.output.count(totals);
        let messages = usize::try_from(totals.messages).unwrap_or(usize::MAX);
        self.progress.add(messages);
    }

    fn gathered(&mut self, gathered: Gathered) -> Result<Ending, ListingError> {
        let Gathered::Entries(entries) = gathered else {
            return Ok(Ending::Complete);
        };
        let messages = entries.iter().map(messages_in);
        self.progress.add(messages.fold(0, usize::saturating_add));
        match &mut self.order {
            Order::Sorted(sorter) => {
                sorter.add(entries).map_err(ListingError::Sort)?;
                Ok(Ending::Complete)
            }
            Order::AsTheyCome(limit) => {
                let left = limit.unwrap_or(usize::MAX);
                self.write_up_to_limit(&entries, left)
            }
        }
    }

    fn warning(&mut self, _: &[u8]) {}
}

/// Adds up what was counted.
#[derive(Default)]
pub struct Collector {
    /// Of all messages.
    pub totals: Totals,
    /// By what the plan asks for.
    pub counts: Counts,
}

impl Sink for Collector {
    fn piece(&mut self, _: &[u8]) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn totals(&mut self, totals: Totals) {
        self.totals.add(totals);
    }

    fn gathered(&mut self, gathered: Gathered) -> Result<Ending, ListingError> {
        if let Gathered::Counts(counts) = gathered {
            self.counts.add(counts);
        }
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}

/// Sends warnings to the mail log, and all else on.
pub(super) struct Logged<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) diag: &'a mut Diag,
}

impl<S: Sink> Sink for Logged<'_, S> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.sink.piece(piece)
    }

    fn totals(&mut self, totals: Totals) {
        self.sink.totals(totals);
    }

    fn gathered(&mut self, gathered: Gathered) -> Result<Ending, ListingError> {
        self.sink.gathered(gathered)
    }

    fn warning(&mut self, text: &[u8]) {
        self.diag.log_as(SHOWQ, Severity::Warning, text);
    }
}
