//! The sinks of a listing: standard output, in listing order or sorted; totals
//! and counts; and the mail log for warnings.

use std::io::Write;

use super::super::progress::Progress;
use super::source::SHOWQ;
use crate::listing::{
    Counts, Ending, ListingError, Output, PartialResult, Sink, SortEntry, SortSpec, Sorter, Spill,
    Totals,
};
use crate::logging::{Logger, Severity};

/// Prints a listing. A sorted one is printed when all messages are known.
pub(super) struct ListingPrinter<'a, W> {
    output: Output<'a, W>,
    order: WriteOrder<'a>,
    spill: &'a Spill,
    progress: Progress,
}

/// The order in which messages are written.
enum WriteOrder<'a> {
    /// In the order of arrival, up to this number of messages.
    AsTheyCome(Option<usize>),
    /// Sorted: messages are kept until all are known.
    Sorted(Sorter<'a>),
}

impl<'a, W: Write> ListingPrinter<'a, W> {
    pub(super) fn new(
        output: Output<'a, W>,
        sort_spec: Option<&'a SortSpec>,
        spill: &'a Spill,
        progress: Progress,
    ) -> Self {
        let order = match sort_spec {
            Some(sort_spec) if !sort_spec.keys.is_empty() => {
                WriteOrder::Sorted(Sorter::new(sort_spec, spill))
            }
            other => WriteOrder::AsTheyCome(other.and_then(|sort_spec| sort_spec.limit)),
        };
        Self {
            output,
            order,
            spill,
            progress,
        }
    }

    /// Writes the sorted messages and the footer. Returns the totals.
    pub(super) fn finish(mut self) -> Result<Totals, ListingError> {
        self.progress.clear();
        if let WriteOrder::Sorted(sorter) = self.order {
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
        entries: &[SortEntry],
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
        self.order = WriteOrder::AsTheyCome(Some(left));
        Ok(match left {
            0 => Ending::Enough,
            _ => Ending::Complete,
        })
    }
}

fn write(
    output: &mut Output<'_, impl Write>,
    entry: &SortEntry,
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

/// The number of messages that an entry completes.
fn messages_in(entry: &SortEntry) -> usize {
    usize::try_from(entry.totals.messages).unwrap_or(usize::MAX)
}

impl<W: Write> Sink for ListingPrinter<'_, W> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.output.piece(piece).map_err(ListingError::Output)
    }

    fn totals(&mut self, totals: Totals) {
        self.output.count(totals);
        let messages = usize::try_from(totals.messages).unwrap_or(usize::MAX);
        self.progress.add(messages);
    }

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        let PartialResult::Entries(entries) = partial else {
            return Ok(Ending::Complete);
        };
        let messages = entries.iter().map(messages_in);
        self.progress.add(messages.fold(0, usize::saturating_add));
        match &mut self.order {
            WriteOrder::Sorted(sorter) => {
                sorter.add(entries).map_err(ListingError::Sort)?;
                Ok(Ending::Complete)
            }
            WriteOrder::AsTheyCome(limit) => {
                let left = limit.unwrap_or(usize::MAX);
                self.write_up_to_limit(&entries, left)
            }
        }
    }

    fn warning(&mut self, _: &[u8]) {}
}

/// Adds up totals and counts.
#[derive(Default)]
pub struct Collector {
    /// The totals of all messages.
    pub totals: Totals,
    /// The counts of the groups that the plan requests.
    pub counts: Counts,
    /// The number of warnings: files and directories that cannot be read.
    pub errors: u64,
}

impl Sink for Collector {
    fn piece(&mut self, _: &[u8]) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn totals(&mut self, totals: Totals) {
        self.totals.add(totals);
    }

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        if let PartialResult::Counts(counts) = partial {
            self.counts.add(counts);
        }
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {
        self.errors = self.errors.saturating_add(1);
    }
}

/// Passes everything to another sink, and sends warnings to the mail log too.
pub(super) struct Logged<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) logger: &'a mut Logger,
}

impl<S: Sink> Sink for Logged<'_, S> {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.sink.piece(piece)
    }

    fn totals(&mut self, totals: Totals) {
        self.sink.totals(totals);
    }

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        self.sink.partial(partial)
    }

    fn warning(&mut self, text: &[u8]) {
        self.sink.warning(text);
        self.logger.log_as(SHOWQ, Severity::Warning, text);
    }
}
