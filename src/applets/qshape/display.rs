//! What is shown while qshape counts, and in the end: on a terminal results
//! so far on a cleared screen, else only the table.

use std::io;
use std::io::{BufWriter, Write};

use super::super::Fatal;
use super::arguments::{CountDisplay, Numbers, OutputFormat, QshapeArguments, names_are_domains};
use super::errors::{STATUS, STATUS_FAILED};
use super::messages::{Compared, Messages, unwritten};
use crate::qshape_report::ages::Ages;
use crate::qshape_report::table::DomainTable;
use crate::qshape_report::{
    ChartLayout, Color, GroupBy, Limit, NameFormat, PrintWarning, RowSelection, ScanObserver,
    TableLayout, chart, json, table_layout,
};
use crate::queue_file::envelope::EnvelopeWarning;
use crate::spool::join;
use crate::spool::tree::TraversalIssue;
use crate::sys::error_text::error_text;
use crate::sys::terminal;

/// Columns of output by default.
const WIDTH: f64 = 80.0;
/// Columns of output at most: a line is written in one piece.
const WIDTH_MAX: f64 = 1e6;
const BUCKETS: f64 = 10.0;
const MINUTES: f64 = 5.0;
const CHILDREN: f64 = 5.0;
const BATCH: f64 = 1000.0;
const ROWS: f64 = 20.0;

/// What is shown and how, as the command line has it.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) by: GroupBy,
    pub(super) ages: Ages,
    look: CountDisplay,
    form: OutputFormat,
    /// The requested width, if it is valid.
    width: Option<f64>,
    children: f64,
    top: Option<u64>,
    /// How names are shown where no terminal is.
    names: NameFormat,
}

impl Settings {
    /// Takes the numbers of a command line; values that are none are reported.
    pub(super) fn of(arguments: &QshapeArguments, words: &Messages) -> Self {
        let above = |typed, compared, least: f64| {
            let number = words.number(typed, compared);
            number.filter(|number| *number > least)
        };
        let numbers = &arguments.numbers;
        let width = above(&numbers.width, Compared::Width, WIDTH);
        let buckets = above(&numbers.buckets, Compared::Buckets, 0.0).unwrap_or(BUCKETS);
        let minutes = above(&numbers.minutes, Compared::Minutes, 0.0).unwrap_or(MINUTES);
        let children = above(&numbers.children, Compared::Children, 0.0);
        Self {
            by: arguments.by.unwrap_or_default(),
            ages: Ages::new(minutes, buckets, arguments.growth),
            look: arguments.look,
            form: arguments.form,
            width,
            children: children.unwrap_or(CHILDREN),
            top: arguments.top,
            names: if arguments.has_own_options() {
                NameFormat::Printable
            } else {
                NameFormat::AsTheyAre
            },
        }
    }
}

/// What only a terminal gets.
struct TerminalDisplay {
    clear: Vec<u8>,
    batch: Option<f64>,
    rows: Option<f64>,
}

/// What could not be read, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unread {
    Nothing,
    /// A part of a queue; the rest was counted.
    Part,
    /// All of a queue.
    Queue,
}

/// Shows a table.
pub(super) struct Display<'a> {
    unread: Unread,
    settings: &'a Settings,
    numbers: &'a Numbers,
    words: &'a Messages,
    screen: Option<TerminalDisplay>,
}

impl<'a> Display<'a> {
    /// A display on standard output.
    pub(super) fn new(settings: &'a Settings, numbers: &'a Numbers, words: &'a Messages) -> Self {
        let is_screen = terminal::is_terminal() && settings.look != CountDisplay::Json;
        let screen = is_screen.then(|| TerminalDisplay {
            clear: match settings.look {
                CountDisplay::Table => terminal::clear_sequence(),
                _ => Vec::new(),
            },
            batch: None,
            rows: None,
        });
        Self {
            unread: Unread::Nothing,
            settings,
            numbers,
            words,
            screen,
        }
    }

    /// Shows the result, unless it is of ours and a queue could not be read:
    /// zeros would look as if there were no mail.
    pub(super) fn finish(mut self, table: &DomainTable) -> Result<(), Fatal> {
        if self.unread == Unread::Queue {
            return Err(Fatal::already_reported(STATUS_FAILED));
        }
        self.batch(Compared::Clear);
        self.show(table)?;
        match self.unread {
            Unread::Nothing => Ok(()),
            _ => Err(Fatal::already_reported(STATUS_FAILED)),
        }
    }

    /// Shows what is in the table now.
    fn show(&mut self, table: &DomainTable) -> Result<(), Fatal> {
        let choice = self.choice();
        let mut out = BufWriter::new(io::stdout().lock());
        let written = self
            .write(table, &choice, &mut out)
            .and_then(|faults| out.flush().map(|()| faults));
        let faults = written.map_err(|error| {
            unwritten(&error);
            Fatal::already_reported(STATUS_FAILED)
        })?;
        faults.into_iter().for_each(|fault| self.words.fault(fault));
        Ok(())
    }

    fn write(
        &self,
        table: &DomainTable,
        choice: &RowSelection,
        out: &mut impl Write,
    ) -> io::Result<Vec<PrintWarning>> {
        let (settings, ages) = (self.settings, &self.settings.ages);
        let names = match self.screen {
            Some(_) => NameFormat::Printable,
            None => settings.names,
        };
        match settings.look {
            CountDisplay::Table => {
                if let Some(screen) = &self.screen
                    && screen.batch.is_some_and(|batch| batch > 0.0)
                {
                    out.write_all(&screen.clear)?;
                }
                let width = settings.width.unwrap_or(WIDTH).min(WIDTH_MAX);
                table_layout(table, ages, choice, &TableLayout { width, names }, out)
            }
            CountDisplay::Json => json(table, ages, choice, settings.by, out).map(|()| Vec::new()),
            CountDisplay::Chart => {
                let chart_layout = self.chart_layout();
                chart(table, ages, choice, &chart_layout, out).map(|()| Vec::new())
            }
        }
    }

    fn chart_layout(&self) -> ChartLayout {
        let columns = terminal::columns().map(|columns| columns as f64);
        let width = self.settings.width.or(columns).unwrap_or(WIDTH);
        ChartLayout {
            width: width.min(WIDTH_MAX) as usize,
            names: NameFormat::Printable,
            color: match self.screen {
                Some(_) if terminal::wants_colours() => Color::Colour,
                _ => Color::Plain,
            },
        }
    }

    fn choice(&mut self) -> RowSelection {
        let settings = self.settings;
        let is_by_domain = names_are_domains(Some(settings.by));
        let limit = match (settings.top, self.rows()) {
            (Some(top), _) => Limit::Names(top),
            (None, Some(rows)) => Limit::Rows(rows),
            (None, None) => Limit::None,
        };
        RowSelection {
            least_children: is_by_domain.then_some(settings.children),
            limit,
        }
    }

    /// After how many messages a terminal gets results. Looked at when it is
    /// first needed, as in the original, which tells then if it is no number.
    fn batch(&mut self, compared: Compared) -> Option<f64> {
        let screen = self.screen.as_mut()?;
        let number = || self.words.number(&self.numbers.batch, compared);
        Some(
            *screen
                .batch
                .get_or_insert_with(|| number().unwrap_or(BATCH)),
        )
    }

    /// How many rows a terminal gets. Looked at when it is first needed.
    fn rows(&mut self) -> Option<f64> {
        let screen = self.screen.as_mut()?;
        let number = || self.words.number(&self.numbers.rows, Compared::Top);
        Some(*screen.rows.get_or_insert_with(|| number().unwrap_or(ROWS)))
    }
}

impl ScanObserver<Fatal> for Display<'_> {
    fn warn(&mut self, warning: &EnvelopeWarning) {
        self.words.warn(warning, self.settings.by);
    }

    fn barred(&mut self, issue: &TraversalIssue) {
        if self.settings.form == OutputFormat::Postfix {
            return self.words.barred(issue);
        }
        let (unread, path) = match issue.parent.as_slice() {
            [] => (Unread::Queue, issue.name.clone()),
            // Directories of a queue come and go.
            _ if issue.cause.kind() == io::ErrorKind::NotFound => return,
            parent => (Unread::Part, join(parent, &issue.name)),
        };
        self.unread = self.unread.max(unread);
        self.words.unread(&path, &issue.cause);
    }

    fn counted(&mut self, table: &DomainTable, messages: u64) -> Result<(), Fatal> {
        if self.settings.look != CountDisplay::Table {
            return Ok(());
        }
        match self.batch(Compared::Batch) {
            Some(batch) if batch > 0.0 => match messages.checked_rem(batch as u64) {
                Some(0) => self.show(table),
                Some(_) => Ok(()),
                None => {
                    self.words.no_batch();
                    Err(Fatal::already_reported(STATUS))
                }
            },
            _ => Ok(()),
        }
    }

    fn exhausted(&mut self, cause: &io::Error) -> Fatal {
        self.words.say(error_text(cause).as_bytes());
        Fatal::already_reported(STATUS_FAILED)
    }
}

/// Prints an explanation.
pub(super) fn print(text: &str) -> Result<(), Fatal> {
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| {
            unwritten(&error);
            Fatal::already_reported(STATUS_FAILED)
        })
}
