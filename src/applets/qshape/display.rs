//! The output of qshape: on a terminal, intermediate results on a cleared
//! screen; otherwise only the final table.

use std::io;
use std::io::{BufWriter, Write};

use super::super::Fatal;
use super::arguments::{CountDisplay, OutputFormat, QshapeArguments, names_are_domains};
use super::errors::STATUS_FAILED;
use super::messages::{Messages, unwritten};
use super::numbers::Numbers;
use crate::qshape_report::ages::Ages;
use crate::qshape_report::table::DomainTable;
use crate::qshape_report::{
    ChartLayout, Color, GroupBy, Limit, NameFormat, RowSelection, ScanObserver, TableLayout, chart,
    json, table_layout,
};
use crate::spool::join;
use crate::spool::tree::TraversalIssue;
use crate::sys::error_text::error_text;
use crate::sys::terminal;

/// The default width in columns.
const WIDTH: f64 = 80.0;
/// The maximum width in columns, since each line is written in one piece.
const WIDTH_MAX: f64 = 1e6;
const BUCKETS: f64 = 10.0;
const MINUTES: f64 = 5.0;
const CHILDREN: f64 = 5.0;
const BATCH: f64 = 1000.0;
const ROWS: f64 = 20.0;

/// The output settings of the command line.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) by: GroupBy,
    pub(super) ages: Ages,
    look: CountDisplay,
    form: OutputFormat,
    /// The requested width; `None` if it is not valid.
    width: Option<f64>,
    children: f64,
    top: Option<u64>,
    /// The name of the instance, if an option chose it.
    instance: Option<String>,
    /// How names are printed if standard output is not a terminal.
    names: NameFormat,
}

impl Settings {
    /// Returns the settings of a command line. Observed with Postfix 3.7.11: a
    /// number that is not greater than the smallest meaningful one is ignored.
    pub(super) fn of(arguments: &QshapeArguments) -> Self {
        let above = |number: Option<f64>, least: f64| number.filter(|number| *number > least);
        let numbers = &arguments.numbers;
        let width = above(numbers.width, WIDTH);
        let buckets = above(numbers.buckets, 0.0).unwrap_or(BUCKETS);
        let minutes = above(numbers.minutes, 0.0).unwrap_or(MINUTES);
        let children = above(numbers.children, 0.0);
        Self {
            by: arguments.by.unwrap_or_default(),
            ages: Ages::new(minutes, buckets, arguments.growth),
            look: arguments.look,
            form: arguments.form,
            width,
            children: children.unwrap_or(CHILDREN),
            top: arguments.top,
            instance: arguments.instance.clone(),
            names: if arguments.has_own_options() {
                NameFormat::Printable
            } else {
                NameFormat::AsTheyAre
            },
        }
    }
}

/// The settings that apply to a terminal only.
struct TerminalDisplay {
    clear: Vec<u8>,
    /// The number of messages between intermediate results; 0 for the final
    /// result only.
    batch: f64,
    /// The number of rows.
    rows: f64,
}

/// What could not be read, if that is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unread {
    Nothing,
    /// A part of a queue; the rest was counted.
    Part,
    /// An entire queue.
    Queue,
}

/// Prints the table.
pub(super) struct Display<'a> {
    unread: Unread,
    settings: &'a Settings,
    messages: &'a Messages,
    screen: Option<TerminalDisplay>,
}

impl<'a> Display<'a> {
    /// A display on standard output.
    pub(super) fn new(settings: &'a Settings, numbers: &Numbers, messages: &'a Messages) -> Self {
        let is_screen = terminal::is_terminal() && settings.look != CountDisplay::Json;
        let screen = is_screen.then(|| TerminalDisplay {
            clear: match settings.look {
                CountDisplay::Table => terminal::clear_sequence(),
                _ => Vec::new(),
            },
            batch: numbers.batch.unwrap_or(BATCH),
            rows: numbers.rows.unwrap_or(ROWS),
        });
        Self {
            unread: Unread::Nothing,
            settings,
            messages,
            screen,
        }
    }

    /// Prints the result, unless its format is our own and a queue could not be
    /// read: zeros would look like an empty queue.
    pub(super) fn finish(self, table: &DomainTable) -> Result<(), Fatal> {
        if self.unread == Unread::Queue {
            return Err(Fatal::already_reported(STATUS_FAILED));
        }
        self.show(table)?;
        match self.unread {
            Unread::Nothing => Ok(()),
            _ => Err(Fatal::already_reported(STATUS_FAILED)),
        }
    }

    /// Prints the current state of the table.
    fn show(&self, table: &DomainTable) -> Result<(), Fatal> {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = self.write(table, &self.choice(), &mut out);
        written.and_then(|()| out.flush()).map_err(|error| {
            unwritten(&error);
            Fatal::already_reported(STATUS_FAILED)
        })
    }

    fn write(
        &self,
        table: &DomainTable,
        choice: &RowSelection,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (settings, ages) = (self.settings, &self.settings.ages);
        let names = match self.screen {
            Some(_) => NameFormat::Printable,
            None => settings.names,
        };
        match settings.look {
            CountDisplay::Table => {
                if let Some(screen) = &self.screen
                    && screen.batch > 0.0
                {
                    out.write_all(&screen.clear)?;
                }
                let width = settings.width.unwrap_or(WIDTH).min(WIDTH_MAX);
                table_layout(table, ages, choice, &TableLayout { width, names }, out)
            }
            CountDisplay::Json => {
                let named = (settings.by, settings.instance.as_deref());
                json(table, ages, choice, named, out)
            }
            CountDisplay::Chart => {
                let chart_layout = self.chart_layout();
                chart(table, ages, choice, &chart_layout, out)
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

    fn choice(&self) -> RowSelection {
        let settings = self.settings;
        let is_by_domain = names_are_domains(Some(settings.by));
        let rows = self.screen.as_ref().map(|screen| screen.rows);
        let limit = match (settings.top, rows) {
            (Some(top), _) => Limit::Names(top),
            (None, Some(rows)) => Limit::Rows(rows),
            (None, None) => Limit::None,
        };
        RowSelection {
            least_children: is_by_domain.then_some(settings.children),
            limit,
        }
    }
}

impl ScanObserver<Fatal> for Display<'_> {
    fn traversal_issue(&mut self, issue: &TraversalIssue) {
        let (unread, path) = match issue.parent.as_slice() {
            [] => (Unread::Queue, issue.name.clone()),
            // Directories of a queue are created and removed at any time.
            _ if issue.cause.kind() == io::ErrorKind::NotFound => return,
            parent => (Unread::Part, join(parent, &issue.name)),
        };
        // Observed with Postfix 3.7.11: qshape counts the rest and succeeds.
        if self.settings.form == OutputFormat::Own {
            self.unread = self.unread.max(unread);
        }
        self.messages.unread(&path, &issue.cause);
    }

    fn counted(&mut self, table: &DomainTable, messages: u64) -> Result<(), Fatal> {
        if self.settings.look != CountDisplay::Table {
            return Ok(());
        }
        match &self.screen {
            Some(screen) if screen.batch > 0.0 => {
                let batch = (screen.batch as u64).max(1);
                if messages.is_multiple_of(batch) {
                    self.show(table)
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn exhausted(&mut self, cause: &io::Error) -> Fatal {
        self.messages.say(error_text(cause).as_bytes());
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
