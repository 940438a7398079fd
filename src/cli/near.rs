//! Finds the known name that is nearest to a misspelled one.
//!
//! Names are near if a few letters were added, left out, replaced or swapped,
//! or if the typed text is the beginning of a longer name.

/// The length of the longest text that is compared. All names of options are
/// shorter.
const LENGTH_MAX: usize = 32;

/// Returns the name that `typed` probably is a misspelling of; `None` if none
/// is near enough. If several are equally near, the first one is returned.
pub fn nearest(
    typed: &[u8],
    names: impl Iterator<Item = &'static str> + Clone,
) -> Option<&'static str> {
    if typed.is_empty() || typed.len() > LENGTH_MAX {
        return None;
    }
    let with_distance = |name: &'static str| (distance(typed, name.as_bytes()), name);
    let is_near = |(distance, name): &(usize, &str)| {
        distance.saturating_mul(3) <= name.len().max(typed.len())
    };
    let near = names.clone().map(with_distance).filter(is_near);
    let by_distance = near.min_by_key(|(distance, _)| *distance);
    let begun = |name: &&str| typed.len() >= 3 && name.as_bytes().starts_with(typed);
    by_distance
        .map(|(_, name)| name)
        .or_else(|| names.clone().find(begun))
}

/// The number of edits that turn one text into the other: insertions, removals
/// and replacements of a byte, and swaps of two neighbors.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut next = vec![row.saturating_add(1)];
        for (column, r) in right.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(0);
            let replaced = at(&last, column).saturating_add(usize::from(l != r));
            let removed = at(&last, column.saturating_add(1)).saturating_add(1);
            let inserted = at(&next, column).saturating_add(1);
            let mut least = replaced.min(removed).min(inserted);
            if let (Some(row), Some(column)) = (row.checked_sub(1), column.checked_sub(1))
                && left.get(row) == Some(r)
                && right.get(column) == Some(l)
            {
                least = least.min(at(&before, column).saturating_add(1));
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_option() {
        let names = [
            "from",
            "to",
            "not",
            "top",
            "dry-run",
            "interactive",
            "trash",
            "trash-list",
        ];
        for (typed, name) in [
            ("frm", Some("from")),
            ("form", Some("from")),
            ("dryrun", Some("dry-run")),
            ("dry_run", Some("dry-run")),
            ("interact", Some("interactive")),
            ("Trash", Some("trash")),
            ("trashlist", Some("trash-list")),
            ("nott", Some("not")),
            ("xyz", None),
            ("p", None),
            ("", None),
            ("recursive-everything-of-everything", None),
        ] {
            let found = nearest(typed.as_bytes(), names.into_iter());
            assert_eq!(found, name, "{typed}");
        }
    }

    #[test]
    fn the_distance_counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "abd", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left.as_bytes(), right.as_bytes()), expected);
        }
    }
}
