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
    let senders: Vec<String> = rows
        .iter()
        .map(|(sender, group)| {
            let s = if group.count == 1 { "" } else { "s" };
            format!("{} ({} message{s})", to_printable(sender), group.count)
        })
        .collect();
    if senders.is_empty() {
        return None;
    }
    let glob = selection.wider_sender(rows.iter().map(|(sender, _)| sender.as_slice()));
    let glob = glob.map_or_else(String::new, |glob| format!("; try --from '{glob}'"));
    Some(format!("similar senders: {}{glob}", senders.join(", ")))
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
        let mut groups = std::collections::HashMap::new();
        for (sender, count) in [("Joe@bulk.example", 2), ("ann@bulk.example", 1)] {
            let group = crate::listing::Group {
                count,
                bytes: 0,
                oldest: 0,
                newest: 0,
            };
            groups.insert(sender.as_bytes().to_vec(), group);
        }
        let mut counts = Counts::default();
        counts.by.push(groups);
        let text = "similar senders: Joe@bulk.example (2 messages), ann@bulk.example (1 message)";
        let hint = |pattern: &str| hint(counts.clone(), &selection(pattern)).unwrap();
        assert_eq!(hint("joe@bulk.example"), text);
        let with_pattern = format!("{text}; try --from '*bulk.EXAMPLE'");
        assert_eq!(hint("bulk.EXAMPLE"), with_pattern);
        assert!(super::hint(Counts::default(), &selection("x")).is_none());
    }
}
