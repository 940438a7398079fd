//! The options that Postfix's postsuper does not have: a selection, and how
//! actions are tried, limited, confirmed and reported.
//!
//! Checks which of them contradict each other or the rest. Changes nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::super::rate_limit;
use super::recipient_options;
use super::recipient_options::RecipientOptions;
use super::table::{ACTION_OPTIONS, RECIPIENT_OPTIONS};
use crate::actions::Action;
use crate::actions::id_reader::Separator;
use crate::actions::recipient_change::RecipientChange;
use crate::cli::Scanned;
use crate::selection::{Builder, Selection, Taken, coming_moment, duration};
use crate::sys::time;
use crate::text::digits;

/// The argument that stands for every message.
pub const ALL: &str = "ALL";
/// The argument that stands for queue IDs on standard input.
pub const STDIN: &str = "-";
/// The argument that stands for the messages that match the selection.
pub const MATCH: &str = "MATCH";

/// Options that can be given only once, since the last of several limits is
/// not always the one that the caller relies on.
const LIMITS: [&str; 5] = ["limit", "max", "rate", "until", "spread"];

/// Work of a call other than actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherWork {
    None,
    /// -p, -s or -S.
    Repairs,
    /// --undo, which --dry-run lists, and a selection limits.
    Undo,
    /// --journal-list or --journal-show, whose format --results selects.
    JournalList,
}

/// How the actions are carried out.
#[derive(Debug, Default)]
pub struct ActionOptions {
    /// The messages that MATCH stands for.
    pub selection: Option<Selection>,
    /// Whether nothing must be changed.
    pub dry_run: bool,
    /// The change that --drop-recipient and --bounce make.
    pub recipients: Option<RecipientChange>,
    /// The messages that ALL stands for.
    pub all: Selection,
    /// The number of messages after which to stop.
    pub limit: Option<u64>,
    /// The number of messages above which nothing is done.
    pub max: Option<u64>,
    /// Whether to ask for confirmation.
    pub interactive: bool,
    /// The comment that is added to each report.
    pub comment: Option<String>,
    /// The delay between two messages.
    pub interval: Option<Duration>,
    /// The time until which messages are postponed, in seconds since the epoch.
    pub until: Option<i64>,
    /// The period over which the next attempts are spread, in seconds.
    pub spread: Option<i64>,
    /// Whether an ID that is not found changes the exit status.
    pub strict: bool,
    /// The separator of IDs on standard input.
    pub separator: Separator,
    /// Whether each message that is acted on is reported on standard error.
    pub verbosity: Verbosity,
    /// Whether each result is printed on standard output.
    pub results: bool,
    /// Whether a progress bar is requested.
    pub progress: bool,
    /// Whether an option that Postfix does not have is given.
    pub is_extended: bool,
}

/// Whether each message that is acted on is reported on standard error. It is
/// always reported in the mail log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Each message is reported.
    #[default]
    EachMessage,
    /// Only warnings and the summary are reported: `--quiet`.
    Summary,
}

impl ActionOptions {
    /// Whether messages have to be counted before the first one is acted on.
    pub fn counts_first(&self) -> bool {
        self.max.is_some() || self.interactive
    }

    /// The messages that ALL or MATCH stands for.
    pub fn selection_of(&self, argument: &OsStr) -> &Selection {
        let matched = self.selection.as_ref().filter(|_| argument == MATCH);
        matched.unwrap_or(&self.all)
    }

    /// Whether messages are acted on one by one even if ALL is selected.
    pub fn one_by_one(&self) -> bool {
        let sets_attempts = self.until.is_some() || self.spread.is_some();
        let is_limited = self.limit.is_some() || self.interval.is_some();
        self.counts_first() || is_limited || self.results || sets_attempts
    }
}

/// The state of the parser.
#[derive(Debug)]
pub struct ActionOptionsParser {
    options: ActionOptions,
    given: Vec<&'static str>,
    builder: Builder,
    recipients: RecipientOptions,
    /// The first error.
    wrong: Option<String>,
}

impl ActionOptionsParser {
    /// A parser that has read no option.
    pub fn new() -> Self {
        Self {
            options: ActionOptions::default(),
            given: Vec::new(),
            builder: Builder::new(time::now()),
            recipients: RecipientOptions::default(),
            wrong: None,
        }
    }

    /// Applies an option if it is one of these.
    pub fn take(&mut self, scanned: &Scanned) -> Taken {
        match self.builder.take(scanned) {
            Ok(Taken::Yes) => return Taken::Yes,
            Ok(Taken::No) => {}
            Err(error) => {
                self.complain(error.to_string());
                return Taken::Yes;
            }
        }
        let Scanned::Long(name, value) = scanned else {
            return Taken::No;
        };
        if !ACTION_OPTIONS
            .iter()
            .chain(&RECIPIENT_OPTIONS)
            .any(|option| option.long == Some(name))
        {
            return Taken::No;
        }
        if recipient_options::NAMES.contains(name) {
            if let Err(wrong) = self.recipients.take(name, value) {
                self.complain(wrong);
            }
            return Taken::Yes;
        }
        if LIMITS.contains(name) && self.given.contains(name) {
            self.complain(format!("--{name} is given twice: give it once"));
        }
        self.given.push(name);
        if let Err(problem) = self.options.set(name, value) {
            let value = value.display();
            self.complain(format!("bad value for --{name}: {value}: {problem}"));
        }
        Taken::Yes
    }

    /// Whether `--drop-recipient` is given.
    pub fn drops_recipients(&self) -> bool {
        self.recipients.drops()
    }

    fn complain(&mut self, text: String) {
        self.wrong.get_or_insert(text);
    }

    /// Returns the options, or the first error in them.
    ///
    /// # Errors
    ///
    /// The options contradict each other, or have a wrong value.
    pub fn finish(
        mut self,
        actions: &[(Action, OsString)],
        other_work: OtherWork,
    ) -> Result<ActionOptions, String> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        self.options.selection = self.builder.finish().map_err(|error| error.to_string())?;
        if other_work != OtherWork::Undo {
            check_match(self.options.selection.as_ref(), actions)?;
        }
        let change = self.recipients.finish(actions)?;
        if let Some(RecipientChange::Drop(patterns)) = &change {
            let narrowed = self.options.selection.as_ref();
            self.options.selection = narrowed.map(|all| all.with_recipient(patterns));
            self.options.all = self.options.all.with_recipient(patterns);
        }
        self.options.recipients = change;
        let is_of_list = |name: &str| match other_work {
            OtherWork::JournalList => name == "results",
            OtherWork::Undo => ["results", "dry-run", "null", "quiet"].contains(&name),
            OtherWork::None | OtherWork::Repairs => false,
        };
        let mut given = self.given.iter().filter(|name| !is_of_list(name));
        if let (Some(name), []) = (given.next(), actions) {
            return Err(format!(
                "--{name} requires an action: -d, -e, -f, -h, -H, -r, --drop-recipient or \
                 --bounce"
            ));
        }
        self.options.is_extended = self.options.selection.is_some() || !self.given.is_empty();
        self.options.check(actions, other_work)?;
        Ok(self.options)
    }
}

/// Checks that MATCH and a selection are given together.
fn check_match(
    selection: Option<&Selection>,
    actions: &[(Action, OsString)],
) -> Result<(), String> {
    let has_match = actions.iter().any(|(_, argument)| argument == MATCH);
    match selection {
        Some(_) if !has_match => {
            Err("a selection needs the word MATCH: postsuper -d MATCH --from ...".to_owned())
        }
        None if has_match => Err(
            "MATCH needs a selection, such as --from or --older; every message is ALL".to_owned(),
        ),
        _ => Ok(()),
    }
}

impl ActionOptions {
    fn set(&mut self, name: &str, value: &OsStr) -> Result<(), String> {
        match name {
            "dry-run" => self.dry_run = true,
            "limit" => match number(value)? {
                0 => return Err("give a number above 0".to_owned()),
                limit => self.limit = Some(limit),
            },
            "max" => self.max = Some(number(value)?),
            "interactive" => self.interactive = true,
            "comment" => self.comment = Some(comment(value)?),
            "until" => self.until = Some(until(value)?),
            "spread" => self.spread = Some(period(value)?),
            "rate" => self.interval = Some(rate_limit::interval(value)?),
            "strict" => self.strict = true,
            "null" => self.separator = Separator::Nul,
            "quiet" => self.verbosity = Verbosity::Summary,
            "results" if value == "json" => self.results = true,
            "results" => return Err("use json".to_owned()),
            _ => self.progress = true,
        }
        Ok(())
    }

    fn check(&self, actions: &[(Action, OsString)], other_work: OtherWork) -> Result<(), String> {
        let contradiction = |text: &str| Err(text.to_owned());
        if self.dry_run && other_work == OtherWork::Repairs {
            return contradiction("--dry-run shows actions only: leave out -p, -s and -S");
        }
        let first = actions.first().map(|(action, _)| *action);
        if self.dry_run && actions.iter().any(|(action, _)| Some(*action) != first) {
            return contradiction(
                "--dry-run shows one kind of action: the effect of the next one depends on the first",
            );
        }
        let is_countable =
            |(_, argument): &(Action, OsString)| argument == MATCH || argument == ALL;
        if self.dry_run && actions.len() > 1 && actions.iter().any(is_countable) {
            return contradiction(
                "--dry-run shows MATCH or ALL alone: messages that are also named would count twice",
            );
        }
        if self.counts_first() && !(actions.len() == 1 && actions.iter().all(is_countable)) {
            return contradiction(
                "--max and --interactive count before anything is done: give one action, with MATCH or ALL",
            );
        }
        let is_paced = |(action, _): &(Action, OsString)| action.causes_deliveries();
        self.check_attempts(actions)?;
        if self.interval.is_some() && !actions.iter().all(is_paced) {
            return contradiction(
                "--rate is for actions that cause deliveries: -H, -f, -r and --bounce",
            );
        }
        let reads_stdin = |(_, argument): &(Action, OsString)| argument == STDIN;
        let is_undo = other_work == OtherWork::Undo;
        if self.separator == Separator::Nul && !is_undo && !actions.iter().any(reads_stdin) {
            return contradiction(
                "--null is for queue IDs on standard input: postsuper -d - --null",
            );
        }
        let is_id = |(_, argument): &(Action, OsString)| {
            argument == STDIN || (argument != ALL && argument != MATCH)
        };
        if self.strict && !actions.iter().any(is_id) {
            return contradiction("--strict is for queue IDs and -: MATCH and ALL name none");
        }
        Ok(())
    }
}

impl ActionOptions {
    /// Checks the options that set the time of the next attempt.
    fn check_attempts(&self, actions: &[(Action, OsString)]) -> Result<(), String> {
        let contradiction = |text: &str| Err(text.to_owned());
        let postpones = |(action, _): &(Action, OsString)| *action == Action::Postpone;
        match (self.until, actions.iter().any(postpones)) {
            (None, true) => {
                return contradiction(
                    "--postpone needs a time: postsuper --postpone=ID --until 2h",
                );
            }
            (Some(_), false) => return contradiction("--until is for --postpone"),
            _ => {}
        }
        if self.spread.is_none() {
            return Ok(());
        }
        let is_release = |(action, argument): &(Action, OsString)| {
            *action == Action::Release && (argument == ALL || argument == MATCH)
        };
        if !(actions.len() == 1 && actions.iter().all(is_release)) {
            return contradiction(
                "--spread plans before anything is done: give one -H, with MATCH or ALL",
            );
        }
        if self.interval.is_some() || self.limit.is_some() {
            return contradiction(
                "--spread takes all messages at once: leave out --rate and --limit",
            );
        }
        Ok(())
    }
}

/// Parses the time of the next attempt.
fn until(value: &OsStr) -> Result<i64, String> {
    coming_moment(&value.to_string_lossy(), time::now())
}

/// Parses a period, in seconds.
fn period(value: &OsStr) -> Result<i64, String> {
    let seconds = value
        .to_str()
        .and_then(duration)
        .filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "give a duration such as 30m or 4h".to_owned())
}

fn number(value: &OsStr) -> Result<u64, String> {
    digits(value.as_bytes()).ok_or_else(|| "give a number".to_owned())
}

fn comment(value: &OsStr) -> Result<String, String> {
    match value.to_str() {
        Some(text) if !text.trim().is_empty() && !text.chars().any(char::is_control) => {
            Ok(text.to_owned())
        }
        _ => Err("give one line of text".to_owned()),
    }
}
