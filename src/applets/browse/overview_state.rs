//! The state of the overview: the counts, their order, and the row under the
//! cursor.

use super::super::listing::CountSummary;
use super::background::OVERVIEW;
use crate::listing::CountBy;
use crate::listing::format::counts;
use crate::listing::format::counts::CountRow;
use crate::text::fold::FOLDED;

/// The number of rows of each table.
const ROWS_MAX: usize = 500;

/// The property by which the tables are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverviewOrder {
    /// The largest numbers first.
    #[default]
    Count,
    /// The most bytes first.
    Bytes,
    /// The oldest message first.
    Oldest,
}

impl OverviewOrder {
    /// The word for it on the screen.
    pub fn name(self) -> &'static str {
        match self {
            OverviewOrder::Count => "number",
            OverviewOrder::Bytes => "bytes",
            OverviewOrder::Oldest => "oldest",
        }
    }
}

/// A table of the overview.
#[derive(Clone, Debug)]
pub struct Table {
    /// The grouping of the counts.
    pub by: CountBy,
    /// The rows, in order.
    pub rows: Vec<CountRow>,
}

/// The state of the overview.
#[derive(Debug, Default)]
pub struct OverviewState {
    /// The tables; empty until they have been counted.
    pub tables: Vec<Table>,
    /// The ages by queue: one number for each range.
    pub ages: Vec<(Vec<u8>, Vec<u64>)>,
    /// The reason why there are no tables; empty if there is none.
    pub problem: String,
    /// Whether messages are being counted.
    pub is_counting: bool,
    /// The order of the tables.
    pub order: OverviewOrder,
    /// The table and the row under the cursor.
    pub cursor: (usize, usize),
}

impl OverviewState {
    /// Drops the counts of another filter.
    pub fn forget(&mut self) {
        self.tables.clear();
        self.ages.clear();
        self.problem.clear();
        self.cursor = (0, 0);
    }

    /// Takes the counts.
    pub fn take(&mut self, counted: Result<CountSummary, String>) {
        self.is_counting = false;
        match counted {
            Err(problem) => self.problem = problem,
            Ok(counted) => {
                self.problem.clear();
                let groups = counted.counts.by.into_iter();
                self.tables = OVERVIEW
                    .into_iter()
                    .zip(groups.chain(std::iter::repeat_with(Default::default)))
                    .map(|(by, groups)| Table {
                        rows: counts::rows(groups, &by.clone().into(), None),
                        by,
                    })
                    .collect();
                let ages = counted.counts.ages.into_iter();
                self.ages = ages
                    .map(|(queue, ages)| (queue, ages.counts.to_vec()))
                    .collect();
                self.sort();
            }
        }
    }

    /// Sorts by the next property.
    pub fn sort_by_next(&mut self) {
        self.order = match self.order {
            OverviewOrder::Count => OverviewOrder::Bytes,
            OverviewOrder::Bytes => OverviewOrder::Oldest,
            OverviewOrder::Oldest => OverviewOrder::Count,
        };
        self.sort();
    }

    fn sort(&mut self) {
        let order = self.order;
        for table in self.tables.iter_mut().filter(|t| t.by != CountBy::Queue) {
            table.rows.sort_by(|(a, x), (b, y)| {
                let first = match order {
                    OverviewOrder::Count => y.count.cmp(&x.count),
                    OverviewOrder::Bytes => y.bytes.cmp(&x.bytes),
                    OverviewOrder::Oldest => x.oldest.cmp(&y.oldest),
                };
                first.then_with(|| a.cmp(b))
            });
            table.rows.truncate(ROWS_MAX);
        }
        self.move_by(0);
    }

    /// Moves the cursor by rows, through all tables.
    pub fn move_by(&mut self, rows: isize) {
        let lengths: Vec<usize> = self.tables.iter().map(|table| table.rows.len()).collect();
        let (table, row) = self.cursor;
        let before: usize = lengths.iter().take(table).sum();
        let last = lengths.iter().sum::<usize>().saturating_sub(1);
        let mut place = before
            .saturating_add(row)
            .saturating_add_signed(rows)
            .min(last);
        for (table, length) in lengths.iter().enumerate() {
            if place < *length {
                self.cursor = (table, place);
                return;
            }
            place = place.saturating_sub(*length);
        }
        self.cursor = (0, 0);
    }

    /// Moves the cursor to the first row of the next table.
    pub fn next_table(&mut self) {
        let (table, _) = self.cursor;
        let next = (1..=self.tables.len())
            .map(|step| table.saturating_add(step) % self.tables.len().max(1))
            .find(|next| self.tables.get(*next).is_some_and(|t| !t.rows.is_empty()));
        self.cursor = (next.unwrap_or(0), 0);
    }

    /// The selection option for the row under the cursor, and its value; `None`
    /// if no selection has exactly these messages.
    pub fn selection(&self) -> Option<(&'static str, String)> {
        let (table, row) = self.cursor;
        let table = self.tables.get(table)?;
        let (value, _) = table.rows.get(row)?;
        let value = std::str::from_utf8(value).ok()?;
        match table.by {
            CountBy::Queue => Some(("--queue", value.to_owned())),
            CountBy::From if is_exact(value) => Some(("--from", value.to_owned())),
            CountBy::ToDomain if is_exact(value) => Some(("--to-domain", value.to_owned())),
            CountBy::Reason if value != "(others)" => Some(("--reason", reason_pattern(value))),
            _ => None,
        }
    }
}

/// Whether a value is a text, and no pattern or name of several values.
fn is_exact(value: &str) -> bool {
    !value.contains(['*', '?']) && value != "(others)" && !value.ends_with("...")
}

/// A regular expression for the reasons that were counted together.
fn reason_pattern(folded: &str) -> String {
    let parts = folded.trim_end_matches(" ...").split(FOLDED);
    let parts: Vec<String> = parts.map(regex::escape).collect();
    format!("re:^{}", parts.join(".*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_reason_becomes_a_pattern() {
        let pattern = reason_pattern("connect to \u{2026}: Connection refused (x)");
        assert_eq!(pattern, r"re:^connect to .*: Connection refused \(x\)");
    }

    #[test]
    fn the_cursor_moves_through_all_tables() {
        let group = crate::listing::Group {
            count: 1,
            bytes: 1,
            oldest: 0,
            newest: 0,
        };
        let table = |by, rows: &[&str]| Table {
            by,
            rows: rows
                .iter()
                .map(|r| (r.as_bytes().to_vec(), group))
                .collect(),
        };
        let mut state = OverviewState {
            tables: vec![
                table(CountBy::Queue, &["hold"]),
                table(CountBy::From, &[]),
                table(CountBy::ToDomain, &["a.example", "b.example"]),
            ],
            ..OverviewState::default()
        };
        assert_eq!(state.selection(), Some(("--queue", "hold".to_owned())));
        state.move_by(2);
        assert_eq!(state.cursor, (2, 1));
        state.move_by(9);
        assert_eq!(
            state.selection(),
            Some(("--to-domain", "b.example".to_owned()))
        );
        state.next_table();
        assert_eq!(state.cursor, (0, 0));
    }
}
