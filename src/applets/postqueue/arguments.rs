//! The command line of postqueue.
//!
//! `combination` checks which options can be combined. The options of a selection
//! are handled by `selection`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::super::fatal::unavailable;
use super::super::flush::FlushRequest;
use super::super::instances::Instances;
use super::super::listing::{ListingSource, ProgressMode};
use super::super::rate_limit;
use super::super::{Call, Fatal};
use super::combination::{check_modifiers, check_thresholds, check_values};
use super::hints;
use super::mode::{CountFormat, OutputScope, PostqueueMode, Thresholds, View};
use super::options::{PROGRAM, USAGE, options};
use super::values::{
    Problem, bad, bad_because, counted_by, duration, keys, number, refresh_interval, text,
    time_style, top,
};
use crate::cli;
use crate::cli::{OperandError, Operands, Scanned, Scanner};
use crate::listing::metrics::Top;
use crate::listing::{CountKeys, Direction, SortSpec, TimeStyle};
use crate::logging::Logger;
use crate::queue_file::mime::TextForm;
use crate::release::Release;
use crate::selection::{Builder, Selection, Taken};
use crate::sys::time;

/// The value of -i that stands for the messages that match the selection.
const MATCH: &str = "MATCH";

/// How long messages are followed if `--wait` has no value.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// A parsed command line.
#[derive(Debug, Default)]
pub struct PostqueueArguments {
    pub(super) config_directory: Option<OsString>,
    /// The process that started this one for one of several instances.
    pub(super) parent: Option<u32>,
    pub(super) mode: Option<PostqueueMode>,
    pub(super) source: ListingSource,
    /// The release to behave as, if not the instance's.
    pub(super) release: Option<Release>,
    pub(super) selection: Option<Selection>,
    /// Whether headers are shown decoded.
    pub(super) text_form: TextForm,
    pub(super) sort_spec: SortSpec,
    pub(super) top: Option<Top>,
    /// What a check counts messages by.
    pub(super) by: Option<CountKeys>,
    pub(super) time_style: Option<TimeStyle>,
    pub(super) ends_with_nul: bool,
    pub(super) output: Option<OsString>,
    pub(super) instances: Instances,
    /// The name of the instance, for the output, if an option chose it.
    pub(super) instance: Option<String>,
    pub(super) scope: OutputScope,
    pub(super) thresholds: Thresholds,
    /// The delay between two flushed messages.
    pub(super) interval: Option<Duration>,
    pub(super) dry_run: bool,
    /// How long flushed messages are followed; `None` if they are not.
    pub(super) wait: Option<Duration>,
    pub(super) progress: ProgressMode,
    /// The time between two drawings of the output on a terminal; `None` to
    /// print it once.
    pub(super) watch: Option<Duration>,
}

/// Parses the command line. A contradiction is an error before main.cf is read;
/// a call without a request is an error only afterwards.
///
/// # Errors
///
/// The command line is wrong, which was reported.
pub fn parse(call: &Call, logger: &mut Logger) -> Result<PostqueueArguments, Fatal> {
    let options = options();
    let mut scanner = Scanner::new(&options, call.arguments.clone());
    let mut reading = PostqueueParser {
        arguments: PostqueueArguments::default(),
        asked: None,
        given: Vec::new(),
        builder: Builder::new(time::now()),
    };
    for scanned in scanner.by_ref() {
        let scanned = scanned.map_err(|error| {
            logger.option_error(PROGRAM.as_bytes(), &error.message());
            let fatal = unavailable(logger, USAGE);
            hints::of_option(&error, logger);
            fatal
        })?;
        reading
            .take(scanned)
            .map_err(|problem| problem.report(logger))?;
    }
    if !reading.is_explanation() {
        refuse_operands(scanner.operands(), logger)?;
    }
    reading.finish().map_err(|problem| problem.report(logger))
}

/// Refuses operands, since postqueue has none. If one of them looks like an
/// option of ours, the message names it, which Postfix's usage message does
/// not.
fn refuse_operands(operands: Operands, logger: &mut Logger) -> Result<(), Fatal> {
    let operand = match operands.without_options("an operand") {
        Ok(operands) => operands.into_iter().next(),
        Err(OperandError::Option { operand, .. }) if !operand.as_bytes().starts_with(b"--") => {
            Some(operand)
        }
        Err(error) => return Err(unavailable(logger, error.to_string())),
    };
    let Some(operand) = operand else {
        return Ok(());
    };
    let fatal = unavailable(logger, USAGE);
    hints::of_operand(&operand, logger);
    Err(fatal)
}

/// The state of the parser.
struct PostqueueParser {
    arguments: PostqueueArguments,
    /// The mode that one of our options requests, with the name of the option.
    asked: Option<(&'static str, PostqueueMode)>,
    /// Our options that modify a mode.
    given: Vec<&'static str>,
    builder: Builder,
}

impl PostqueueParser {
    fn is_explanation(&self) -> bool {
        matches!(
            self.arguments.mode,
            Some(PostqueueMode::Help | PostqueueMode::Version)
        )
    }

    fn take(&mut self, option: Scanned) -> Result<(), Problem> {
        if self.builder.take(&option)? == Taken::Yes {
            return Ok(());
        }
        match option {
            Scanned::Short('c', value) => self.arguments.config_directory = Some(value),
            Scanned::Short('f', _) => {
                return self.set_mode(PostqueueMode::Flush(FlushRequest::All));
            }
            Scanned::Short('i', id) => {
                return self.set_mode(PostqueueMode::Flush(FlushRequest::One(id)));
            }
            Scanned::Short('s', site) => {
                return self.set_mode(PostqueueMode::Flush(FlushRequest::Site(site)));
            }
            Scanned::Short('j', _) => return self.set_mode(PostqueueMode::List(View::Json)),
            Scanned::Short('p', _) => return self.set_mode(PostqueueMode::List(View::Text)),
            Scanned::Short(_, _) => {}
            Scanned::Long("help", _) => return self.set_mode(PostqueueMode::Help),
            Scanned::Long("version", _) => return self.set_mode(PostqueueMode::Version),
            Scanned::Long(name, value) => return self.take_ours(name, value),
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: PostqueueMode) -> Result<(), Problem> {
        match (&self.arguments.mode, &mode) {
            // Help and version take precedence.
            (Some(PostqueueMode::Help | PostqueueMode::Version), _) => {}
            (None, _) | (_, PostqueueMode::Help | PostqueueMode::Version) => {
                self.arguments.mode = Some(mode)
            }
            _ => return Err(Problem::Contradiction),
        }
        Ok(())
    }

    fn take_ours(&mut self, name: &'static str, value: OsString) -> Result<(), Problem> {
        let asked = match name {
            "oneline" => PostqueueMode::List(View::Oneline),
            "ids" => PostqueueMode::List(View::Ids),
            "csv" => PostqueueMode::List(View::Csv),
            "format" => PostqueueMode::List(View::Format(text(name, &value)?)),
            "count" => PostqueueMode::Count(CountFormat::Table, counted_by(name, &value)?),
            "prometheus" => PostqueueMode::Metrics,
            "check" => PostqueueMode::Check,
            _ => return self.take_modifier(name, value),
        };
        match &self.asked {
            Some((before, _)) if *before == name => {
                Err(Problem::Wrong(format!("--{name} is given twice")))
            }
            Some((before, _)) => Err(Problem::Wrong(format!(
                "--{before} and --{name} exclude each other"
            ))),
            None => {
                self.asked = Some((name, asked));
                Ok(())
            }
        }
    }

    fn take_modifier(&mut self, name: &'static str, value: OsString) -> Result<(), Problem> {
        let arguments = &mut self.arguments;
        let taken = arguments.instances.take(name, &value);
        if taken.map_err(|error| Problem::Wrong(error.to_string()))? {
            return Ok(());
        }
        let thresholds = &mut arguments.thresholds;
        match name {
            "source" => {
                arguments.source = ListingSource::parse(&value).ok_or_else(|| bad(name, &value))?;
                return Ok(());
            }
            "dialect" => {
                let release = cli::release(&value).ok_or_else(|| bad(name, &value))?;
                arguments.release = Some(release);
                return Ok(());
            }
            "sort" => arguments.sort_spec.keys = keys(&value)?,
            "reverse" => arguments.sort_spec.direction = Direction::Descending,
            "limit" => arguments.sort_spec.limit = Some(number(name, &value)?),
            "rate" => {
                let interval = rate_limit::interval(&value);
                arguments.interval =
                    Some(interval.map_err(|hint| bad_because(name, &value, &hint))?);
            }
            "dry-run" => arguments.dry_run = true,
            "wait" if value.is_empty() => arguments.wait = Some(WAIT_LIMIT),
            "wait" => arguments.wait = Some(Duration::from_secs(duration(name, &value)?)),
            "progress" => arguments.progress = ProgressMode::Progress,
            "top" => arguments.top = Some(top(&value)?),
            "by" => arguments.by = counted_by(name, &value)?,
            "watch" => arguments.watch = Some(refresh_interval(&value)?),
            "null" => arguments.ends_with_nul = true,
            "time-style" => arguments.time_style = Some(time_style(&value)?),
            "output" => arguments.output = Some(value),
            "warn" => thresholds.warn = Some(number(name, &value)?),
            "crit" => thresholds.crit = Some(number(name, &value)?),
            "warn-age" => thresholds.warn_age = Some(duration(name, &value)?),
            "crit-age" => thresholds.crit_age = Some(duration(name, &value)?),
            _ => {}
        }
        self.given.push(name);
        Ok(())
    }

    /// Whether the output can contain headers of messages.
    fn shows_headers(&self) -> bool {
        self.given.contains(&"detail")
            || match &self.asked {
                Some((_, PostqueueMode::List(View::Format(format)))) => format.contains("%{"),
                Some((_, PostqueueMode::Count(_, Some(by)))) => by.reads_headers(),
                _ => false,
            }
    }

    /// Checks and combines the options.
    fn finish(mut self) -> Result<PostqueueArguments, Problem> {
        self.arguments.text_form = self.builder.form();
        self.arguments.selection = if self.shows_headers() {
            self.builder.finish_shown()?
        } else {
            self.builder.finish()?
        };
        if matches!(
            self.arguments.mode,
            Some(PostqueueMode::Help | PostqueueMode::Version)
        ) {
            return Ok(self.arguments);
        }
        let mode = requested_mode(self.arguments.mode.take(), self.asked, &self.given)?;
        check_selection(&self.arguments, &self.given, mode.as_ref())?;
        if self.arguments.instances == Instances::All && self.arguments.watch.is_some() {
            let text = "--watch requires a listing or --count of one instance";
            return Err(Problem::Wrong(text.to_owned()));
        }
        if let Some(mode) = &mode {
            check_modifiers(mode, &self.given)?;
            check_values(mode, &self.arguments.thresholds, self.arguments.by.as_ref())?;
            check_thresholds(mode, &self.arguments.thresholds, self.arguments.top)?;
        }
        self.arguments.mode = mode;
        Ok(self.arguments)
    }
}

/// Combines the short option and our option that request a mode.
fn requested_mode(
    mode: Option<PostqueueMode>,
    asked: Option<(&'static str, PostqueueMode)>,
    given: &[&'static str],
) -> Result<Option<PostqueueMode>, Problem> {
    let detail = given.contains(&"detail");
    Ok(match (mode, asked) {
        (Some(PostqueueMode::List(View::Json)), Some((_, PostqueueMode::Count(_, by)))) => {
            Some(PostqueueMode::Count(CountFormat::Json, by))
        }
        (Some(PostqueueMode::List(View::Json)), None) if detail => {
            Some(PostqueueMode::List(View::DetailedJson))
        }
        (None, Some((_, asked))) => Some(asked),
        (Some(_), Some((name, _))) => {
            return Err(Problem::Wrong(format!(
                "--{name} cannot be combined with -p, -f, -i and -s; -j only with --count"
            )));
        }
        (Some(PostqueueMode::Flush(FlushRequest::One(id))), None) if id == MATCH => {
            Some(PostqueueMode::FlushMatching)
        }
        (mode, None) => mode,
    })
}

/// Refuses a selection that the mode does not use, and the lack of one that it
/// needs.
fn check_selection(
    arguments: &PostqueueArguments,
    given: &[&'static str],
    mode: Option<&PostqueueMode>,
) -> Result<(), Problem> {
    let is_selected = arguments.selection.is_some();
    let is_all = arguments.instances == Instances::All;
    let text = match mode {
        Some(PostqueueMode::Flush(_)) if is_selected => {
            "a selection cannot be combined with -f, -i and -s; use -i MATCH"
        }
        Some(PostqueueMode::FlushMatching) if !is_selected => {
            "MATCH needs a selection, such as --from or --older; all mail is -f"
        }
        None if is_selected || !given.is_empty() || is_all => {
            "say what to do with it: -p, -j, --count, --ids, --oneline, --csv, \
             --format, --prometheus or --check"
        }
        _ => return Ok(()),
    };
    Err(Problem::Wrong(text.to_owned()))
}
