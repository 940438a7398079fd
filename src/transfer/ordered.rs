//! Lists the messages of an export in the order of their arrival.

use super::TransferError;
use super::export_context::{ExportContext, ExportObserver};
use crate::listing;
use crate::listing::{
    Clock, Direction, Ending, Listing, ListingError, OutputOptions, PartialResult, Sink, SortKey,
    SortSpec, Sorter, Spill, Style, Template, Terminator, TimeStyle, Totals,
};

/// The format of a line of the listing: the path of a message.
const FORMAT: &str = "%{path}";

/// Calls `each` for the path of every message to be exported, relative to the
/// queue directory, the oldest message first. Memory does not depend on the
/// number of messages: what does not fit is sorted in a temporary file.
///
/// # Errors
///
/// The messages cannot be listed; those of `each`.
pub fn each_message<O: ExportObserver>(
    context: ExportContext<'_>,
    observer: &mut O,
    mut each: impl FnMut(&mut O, &[u8]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let clock = Clock {
        style: TimeStyle::Epoch,
        now: 0,
    };
    let Ok(template) = Template::format(FORMAT, Terminator::Nul, clock) else {
        return Ok(());
    };
    let spill = Spill::default();
    // The greatest age first.
    let sort_spec = SortSpec {
        keys: vec![SortKey::Age, SortKey::Id],
        direction: Direction::Descending,
        limit: None,
    };
    let look = OutputOptions {
        sort_spec: Some(&sort_spec),
        spill: Some(&spill),
        ..Style::Lines(&template).into()
    };
    let mut paths = PathSorter {
        sorter: Sorter::new(&sort_spec, &spill),
        observer,
    };
    list(context, look, &mut paths)?;
    let PathSorter { sorter, observer } = paths;
    if context.interrupts.caught().is_some() {
        return Err(TransferError::Interrupted);
    }
    for entry in sorter.finish().map_err(ListingError::Sort)? {
        let entry = entry.map_err(ListingError::Sort)?;
        let path = entry.text.strip_suffix(b"\0").unwrap_or(&entry.text);
        each(observer, path)?;
    }
    Ok(())
}

/// Lists the messages to be exported into `paths`.
fn list<O: ExportObserver>(
    context: ExportContext<'_>,
    look: OutputOptions<'_>,
    paths: &mut PathSorter<'_, O>,
) -> Result<Ending, ListingError> {
    let listing = Listing {
        spool: context.spool,
        layout: context.layout,
        rules: context.rules,
        look,
        queues: &context.queues(),
        selection: Some(context.selection),
        admission: None,
        names: None,
        workers: context.workers,
    };
    listing::list_spool(&listing, paths)
}

/// Collects the paths of the messages.
struct PathSorter<'a, O> {
    sorter: Sorter<'a>,
    observer: &'a mut O,
}

impl<O: ExportObserver> Sink for PathSorter<'_, O> {
    fn piece(&mut self, _: &[u8]) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        if let PartialResult::Entries(entries) = partial {
            self.sorter.add(entries).map_err(ListingError::Sort)?;
        }
        Ok(Ending::Complete)
    }

    fn warning(&mut self, text: &[u8]) {
        self.observer.warning(text);
    }
}
