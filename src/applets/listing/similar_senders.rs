//! The hint after a selection by `--from` that matches nothing: senders that differ
//! in case only, or that contain the text.

use crate::listing::format::counts::rows;
use crate::listing::{CountBy, CountPlan, Counts};
use crate::selection::Selection;
use crate::text::to_printable;

/// The number of senders that are named.
const SHOWN: usize = 3;

/// The plan that counts the senders.
pub(super) fn plan() -> CountPlan {
    CountPlan {
        by: vec![CountBy::From.into()],
        ..CountPlan::default()
    }
}

/// The text of the hint; `None` if there is no similar sender.
pub(super) fn hint(counts: Counts, selection: &Selection) -> Option<String> {
    let groups = counts.by.into_iter().next().unwrap_or_default();
    let rows = rows(groups, &CountBy::From.into(), Some(SHOWN));
    let counted = rows
        .into_iter()
        .map(|(sender, group)| (sender, group.count));
    text(&counted.collect::<Vec<_>>(), selection)
}

/// The text about senders with their numbers of messages.
fn text(senders: &[(Vec<u8>, u64)], selection: &Selection) -> Option<String> {
    let named = senders.iter().map(|(sender, count)| {
        let s = if *count == 1 { "" } else { "s" };
        format!("{} ({count} message{s})", to_printable(sender))
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        return None;
    }
    let glob = selection.wider_sender(senders.iter().map(|(sender, _)| sender.as_slice()));
    let glob = glob.map_or_else(String::new, |glob| format!("; try --from '{glob}'"));
    Some(format!("similar senders: {}{glob}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Scanned;
    use crate::selection::Builder;

    #[test]
    fn the_hint_names_senders_and_a_pattern_that_matches_one() {
        let selection = |pattern: &str| {
            let mut builder = Builder::new(0);
            let option = Scanned::Long("from", pattern.into());
            builder.take(&option).unwrap();
            builder.finish().unwrap().unwrap()
        };
        let senders = [
            (b"Joe@bulk.example".to_vec(), 2),
            (b"ann@bulk.example".to_vec(), 1),
        ];
        let expected =
            "similar senders: Joe@bulk.example (2 messages), ann@bulk.example (1 message)";
        let hint = |pattern: &str| text(&senders, &selection(pattern)).unwrap();
        assert_eq!(hint("joe@bulk.example"), expected);
        let with_pattern = format!("{expected}; try --from '*bulk.EXAMPLE'");
        assert_eq!(hint("bulk.EXAMPLE"), with_pattern);
        assert!(text(&[], &selection("x")).is_none());
    }
}
