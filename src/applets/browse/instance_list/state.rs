//! The state of the list of instances: its rows, their order, and the row under
//! the cursor.

use std::ffi::OsString;
use std::ops::Range;

use super::super::super::instances::shared_names;
use super::super::prompt::Prompt;
use super::super::scrolling::{Window, scrolled_to};
use super::super::theme::Theme;
use super::instance_row::InstanceRow;
use super::report::InstanceReport;

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceOrder {
    /// That of multi_instance_directories.
    #[default]
    Listed,
    /// By name.
    Name,
    /// The most messages first.
    Messages,
    /// The most bytes first.
    Bytes,
    /// The oldest message first.
    Oldest,
}

impl InstanceOrder {
    /// The word for it on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "main.cf",
            Self::Name => "name",
            Self::Messages => "number",
            Self::Bytes => "bytes",
            Self::Oldest => "oldest",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Listed => Self::Name,
            Self::Name => Self::Messages,
            Self::Messages => Self::Bytes,
            Self::Bytes => Self::Oldest,
            Self::Oldest => Self::Listed,
        }
    }
}

/// The list of instances.
#[derive(Debug)]
pub struct InstanceList {
    /// All instances, in the order of main.cf.
    rows: Vec<InstanceRow>,
    /// The places in `rows` of those that are listed, in the order of the list.
    listed: Vec<usize>,
    /// The order of the list.
    pub order: InstanceOrder,
    is_reversed: bool,
    /// The text that a listed instance contains, in lower case.
    pub needle: String,
    /// The row under the cursor.
    pub cursor: usize,
    /// The first row of the screen.
    pub top: usize,
    /// The number of rows of the screen.
    pub height: usize,
    /// The first line of the help, if it is shown.
    pub help: Option<usize>,
    /// The line that is being typed.
    pub prompt: Option<Prompt>,
    /// What happened last, for the line above the keys.
    pub status: String,
    /// How texts are marked.
    pub theme: Theme,
    /// Whether instances are being counted for the first time.
    pub is_counting: bool,
    /// The instance to open.
    pub to_open: Option<usize>,
    /// Whether the program is to end.
    pub is_over: bool,
    /// Whether the screen has to be drawn again.
    pub is_changed: bool,
    /// Whether the list may have another order since it was sorted.
    is_unsorted: bool,
}

impl InstanceList {
    /// The instances of these directories, of which nothing else is known yet.
    pub fn new(directories: Vec<OsString>, theme: Theme) -> Self {
        let row = |directory| InstanceRow {
            directory,
            ..InstanceRow::default()
        };
        let rows: Vec<InstanceRow> = directories.into_iter().map(row).collect();
        Self {
            listed: (0..rows.len()).collect(),
            rows,
            order: InstanceOrder::default(),
            is_reversed: false,
            needle: String::new(),
            cursor: 0,
            top: 0,
            height: 1,
            help: None,
            prompt: None,
            status: String::new(),
            theme,
            is_counting: true,
            to_open: None,
            is_over: false,
            is_changed: true,
            is_unsorted: false,
        }
    }

    /// All instances, in the order of main.cf.
    pub fn rows(&self) -> &[InstanceRow] {
        &self.rows
    }

    /// The number of rows of the list.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// The instance in this row of the list.
    pub fn at(&self, row: usize) -> Option<&InstanceRow> {
        self.listed.get(row).and_then(|place| self.rows.get(*place))
    }

    /// The places in [`InstanceList::rows`] of the instances on the screen.
    pub fn visible(&self) -> Vec<usize> {
        let rows: Range<usize> = self.top..self.top.saturating_add(self.height);
        rows.filter_map(|row| self.listed.get(row).copied())
            .collect()
    }

    /// Takes what is known now of the instance in this place.
    pub fn take(&mut self, place: usize, report: InstanceReport) {
        if let Some(row) = self.rows.get_mut(place) {
            row.take(report);
            self.is_unsorted = true;
            self.is_changed = true;
        }
    }

    /// Chooses the instance under the cursor.
    pub fn open(&mut self) {
        self.to_open = self.listed.get(self.cursor).copied();
    }

    /// Moves the cursor to a row.
    pub fn go_to(&mut self, row: usize) {
        self.cursor = row;
        self.keep_cursor_visible();
    }

    /// Sorts by the next property, and goes to the first row.
    pub fn sort_by_next(&mut self) {
        self.order = self.order.next();
        self.is_reversed = false;
        self.list_anew();
    }

    /// Reverses the order, and goes to the first row.
    pub fn reverse(&mut self) {
        self.is_reversed = !self.is_reversed;
        self.list_anew();
    }

    /// Lists the instances whose name or directory contains a text.
    pub fn search(&mut self, text: &str) {
        self.needle = text.to_lowercase();
        self.list_anew();
    }

    fn list_anew(&mut self) {
        self.listed.clear();
        self.is_unsorted = true;
        self.arrange();
        self.go_to(0);
    }

    /// Sorts the list if anything has changed. The cursor stays on its instance.
    pub fn arrange(&mut self) {
        if !std::mem::take(&mut self.is_unsorted) {
            return;
        }
        self.mark_shared_names();
        let under_cursor = self.listed.get(self.cursor).copied();
        let offset = self.cursor.saturating_sub(self.top);
        let rows = &self.rows;
        let matches = |row: &InstanceRow| {
            self.needle.is_empty()
                || row.label().to_lowercase().contains(&self.needle)
                || row.shown_directory().to_lowercase().contains(&self.needle)
        };
        let numbered = rows.iter().enumerate().filter(|(_, row)| matches(row));
        let mut listed: Vec<(usize, &InstanceRow)> = numbered.collect();
        match self.order {
            InstanceOrder::Listed => {}
            InstanceOrder::Name => listed.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name)),
            InstanceOrder::Messages => listed.sort_by_key(|(_, r)| u64::MAX - r.messages()),
            InstanceOrder::Bytes => listed.sort_by_key(|(_, r)| u64::MAX - r.bytes()),
            InstanceOrder::Oldest => listed.sort_by_key(|(_, r)| r.oldest()),
        }
        if self.is_reversed {
            listed.reverse();
        }
        self.listed = listed.into_iter().map(|(place, _)| place).collect();
        let same = |place: &usize| Some(*place) == under_cursor;
        if let Some(row) = self.listed.iter().position(same) {
            self.cursor = row;
            self.top = row.saturating_sub(offset);
        }
        self.keep_cursor_visible();
    }

    fn mark_shared_names(&mut self) {
        let names = self.rows.iter().filter_map(|row| row.name.as_deref());
        let shared = shared_names(names);
        for row in &mut self.rows {
            row.is_shared = row.name.as_ref().is_some_and(|n| shared.contains(n));
        }
    }

    /// Moves the screen so that the cursor is on it.
    pub fn keep_cursor_visible(&mut self) {
        let window = Window {
            top: self.top,
            height: self.height,
        };
        (self.cursor, self.top) = scrolled_to(self.cursor, window, self.len());
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::theme::{Characters, Colours};
    use super::super::report::InstanceCounts;
    use super::*;

    fn list(names: &[&str]) -> InstanceList {
        let theme = Theme {
            characters: Characters::Ascii,
            colours: Colours::None,
        };
        let directories = (0..names.len()).map(|i| format!("/etc/{i}").into());
        let mut list = InstanceList::new(directories.collect(), theme);
        for (place, name) in names.iter().enumerate() {
            let counts = InstanceCounts {
                queues: [place as u64; 5],
                measured: None,
            };
            let report = InstanceReport {
                name: Some((*name).to_owned()),
                counts: Ok(counts),
            };
            list.take(place, report);
        }
        list.arrange();
        list
    }

    fn labels(list: &InstanceList) -> Vec<String> {
        let rows = (0..list.len()).filter_map(|row| list.at(row));
        rows.map(InstanceRow::label).collect()
    }

    #[test]
    fn the_order_is_that_of_main_cf_at_first() {
        let mut list = list(&["c", "a", "b"]);
        assert_eq!(labels(&list), ["c", "a", "b"]);
        list.sort_by_next();
        assert_eq!(labels(&list), ["a", "b", "c"]);
        list.sort_by_next();
        assert_eq!(labels(&list), ["b", "a", "c"]);
        list.reverse();
        assert_eq!(labels(&list), ["c", "a", "b"]);
    }

    #[test]
    fn the_cursor_stays_on_its_instance() {
        let mut list = list(&["a", "b", "c"]);
        (list.order, list.height) = (InstanceOrder::Messages, 3);
        list.list_anew();
        assert_eq!(labels(&list), ["c", "b", "a"]);
        list.go_to(2);
        let counts = InstanceCounts {
            queues: [9; 5],
            measured: None,
        };
        let report = InstanceReport {
            name: None,
            counts: Ok(counts),
        };
        list.take(0, report);
        list.arrange();
        assert_eq!(labels(&list), ["a", "c", "b"]);
        assert_eq!(list.cursor, 0);
        list.open();
        assert_eq!(list.to_open, Some(0));
    }

    #[test]
    fn instances_of_one_name_are_told_apart() {
        let list = list(&["a", "b", "a"]);
        assert_eq!(labels(&list), ["a (/etc/0)", "b", "a (/etc/2)"]);
    }

    #[test]
    fn counting_by_names_keeps_bytes_and_ages() {
        let mut list = list(&["a"]);
        let report = |measured| InstanceReport {
            name: None,
            counts: Ok(InstanceCounts {
                queues: [1; 5],
                measured,
            }),
        };
        list.take(0, report(Some((7, 1))));
        list.take(0, report(None));
        let counts = list.rows()[0].counts.unwrap();
        assert_eq!(counts.measured, Some((7, 1)));
        let problem = InstanceReport {
            name: None,
            counts: Err("gone".to_owned()),
        };
        list.take(0, problem);
        assert_eq!(list.rows()[0].counts, None);
        assert_eq!(list.rows()[0].label(), "a");
        list.search("ETC/0");
        assert_eq!(list.len(), 1);
        list.search("b");
        assert_eq!(list.len(), 0);
        list.open();
        assert_eq!(list.to_open, None);
    }
}
