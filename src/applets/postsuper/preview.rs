//! `--dry-run`: the listing of what would be acted on, on standard output,
//! and how many that would be, on standard error. With `--results=json`, what
//! would become of each message.
//!
//! Changes nothing, and leaves no trace in the mail log. Refuses what the
//! real call would refuse, and ends with its status.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::arguments::{ALL, MATCH, STDIN};
use super::forecast::Forecast;
use super::operation::{counted, missing_ids, standard_input};
use super::scene::{Ended, Scene};
use super::trash::Deleted;
use super::{STATUS, STATUS_STRICT, survey};
use crate::applets::Fatal;
use crate::applets::list::{self, Whole};
use crate::diag::{Diag, Severity};
use crate::listing::{Arrangement, Columns, Form, ListingError, Look, Spill, Style};
use crate::selection::Selection;
use crate::spool::actions::{Action, Actor};
use crate::spool::message::{self, NoMessage};
use crate::spool::moves::Mover;
use crate::spool::note::{Fate, Oddity, WorkError};
use crate::spool::report::Rules;
use crate::spool::reporter::{Location, Reporter};
use crate::spool::stream::{self, Asked, Takes};
use crate::spool::{Queue, QueueId};
use crate::sys::process::raise_open_files;

/// Shows what the call would act on.
pub fn run(scene: Scene<'_>, diag: &mut Diag) -> Result<(), Fatal> {
    let Some((action, _)) = scene.arguments.actions.first() else {
        return Ok(());
    };
    let limit = survey::agree(scene, diag)?;
    let mut rules = scene.rules(diag)?;
    rules.charset = rules.charset.safe();
    let forecast = Forecast::new(*action, scene.arguments.trash.deleted);
    let columns = match scene.config.enable_long_queue_ids {
        true => Columns::Long,
        false => Columns::Short,
    };
    let results = scene.arguments.wishes.results;
    let (style, edit) = if results {
        let edit: list::Edit<'_> = Box::new(|line| forecast.json(&line));
        (Style::Lines(forecast.template()), Some(edit))
    } else {
        (Style::Text(columns, None), None)
    };
    let stdout = match io::stdout().as_fd().try_clone_to_owned() {
        Ok(stdout) => File::from(stdout),
        Err(error) => return output_failed(diag, &error),
    };
    let spill = Spill::default();
    let whole = Whole::new(stdout, style, limit, &spill);
    let mut preview = Preview {
        scene,
        diag,
        rules: &rules,
        action: *action,
        style,
        spill: &spill,
        shown: whole.edited(edit).interrupted_by(scene.interrupts),
        forecast: Some(&forecast).filter(|_| results),
        actor: Actor::new(
            Mover::new(scene.spool, scene.layout, raise_open_files()),
            scene.selected,
        ),
        reporter: Reporter::default(),
        acted: HashMap::new(),
        missing: 0,
        failed: None,
    };
    let done = preview.all();
    preview.finish(done)
}

/// A listing of what would be acted on, while it is made.
struct Preview<'a> {
    scene: Scene<'a>,
    diag: &'a mut Diag,
    rules: &'a Rules,
    action: Action,
    style: Style<'a>,
    spill: &'a Spill,
    shown: Whole<'a>,
    /// What would become of each, if that is printed.
    forecast: Option<&'a Forecast>,
    actor: Actor<'a>,
    reporter: Reporter,
    /// Messages that were named, by a hash of their IDs, and where they would
    /// be now: one that is named twice is acted on once.
    acted: HashMap<u64, Option<Queue>>,
    /// IDs that are invalid or not there.
    missing: u64,
    /// Why the listing cannot be written.
    failed: Option<io::Error>,
}

impl Preview<'_> {
    fn all(&mut self) -> Result<(), Ended> {
        for (_, argument) in &self.scene.arguments.actions {
            if self.shown.is_full() {
                break;
            }
            if argument == STDIN {
                let interrupts = self.scene.interrupts;
                let separator = self.scene.arguments.wishes.separator;
                standard_input()
                    .and_then(|input| stream::read_ids((input, separator), interrupts, self))
                    .map_err(Ended::Work)?;
            } else if argument == ALL {
                self.meant(&Selection::default())?;
            } else if argument == MATCH {
                let selection = self.scene.arguments.wishes.selection.as_ref();
                self.meant(selection.unwrap_or(&Selection::default()))?;
            } else {
                let asked = Asked::parse(argument.as_bytes());
                self.take(asked).map_err(Ended::Work)?;
            }
        }
        Ok(())
    }

    fn meant(&mut self, selection: &Selection) -> Result<(), Ended> {
        let arrangement = Arrangement::default();
        let look = Look {
            style: self.style,
            arrangement: Some(&arrangement),
            spill: Some(self.spill),
        };
        self.scene
            .list(self.action, selection, self.rules, look, &mut self.shown)
    }

    /// Shows the message of an ID, if an action would find one.
    fn id(&mut self, id: &QueueId) -> Result<(), WorkError> {
        let mut hasher = DefaultHasher::new();
        id.as_bytes().hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(after) = self.acted.get(&hash) {
            let fate = after.map_or(Fate::NotFound, Fate::Unchanged);
            return self.not_done(id.as_bytes(), fate);
        }
        for selected in self.scene.selected {
            let queue = selected.queue()?;
            if self.action.looks_into(queue) && self.try_in(queue, id)? {
                let deleted = self.scene.arguments.trash.deleted;
                let after = Forecast::new(self.action, deleted).queue_after(queue);
                self.acted.insert(hash, after);
                return Ok(());
            }
        }
        let there = self.actor.find_unchanged(self.action, id);
        let fate = there.map_or(Fate::NotFound, Fate::Unchanged);
        self.not_done(id.as_bytes(), fate)
    }

    /// Takes note of an ID that nothing would be done to.
    fn not_done(&mut self, id: &[u8], fate: Fate) -> Result<(), WorkError> {
        if matches!(fate, Fate::NotFound | Fate::Invalid) {
            self.missing = self.missing.saturating_add(1);
        }
        match self.forecast {
            Some(forecast) => {
                let line = forecast.not_done(id, fate);
                let written = self.shown.text(line.as_bytes());
                self.written(written)
            }
            None => Ok(()),
        }
    }

    /// Ends the work if standard output cannot be written.
    fn written(&mut self, written: io::Result<()>) -> Result<(), WorkError> {
        written.map_err(|error| {
            self.failed = Some(error);
            WorkError::Enough
        })
    }

    /// Whether the message is in this queue.
    fn try_in(&mut self, queue: Queue, id: &QueueId) -> Result<bool, WorkError> {
        let path = self.scene.layout.path(queue, id.as_bytes());
        let name = path.to_string_lossy().into_owned();
        let dir = self.scene.spool;
        let message = match message::open(dir, path.as_bytes(), queue, &name) {
            Ok(message) => message,
            Err(NoMessage::NotThere) => return Ok(false),
            Err(error) if error.is_exhaustion() => return Err(error.into()),
            Err(error) => {
                let text = error.to_string();
                self.diag.tell(Severity::Warning, text);
                return Ok(false);
            }
        };
        let changes = match self.action {
            Action::Expire => !message.is_expired(),
            Action::ExpireAndRelease => !message.is_expired() || queue == Queue::Hold,
            _ => true,
        };
        if !changes {
            self.not_done(id.as_bytes(), Fate::Unchanged(queue))?;
            return Ok(true);
        }
        let at = Location {
            spool: dir,
            layout: self.scene.layout,
            queue,
            id: id.as_bytes(),
            path: &name,
        };
        let mut form = Form::new(self.style.into());
        self.reporter.report(&message, &at, self.rules, &mut form)?;
        let totals = form.take_totals();
        let written = self.shown.message(std::mem::take(form.out()), totals);
        self.written(written).map(|()| true)
    }

    /// Ends the listing, and says how many there are.
    fn finish(self, done: Result<(), Ended>) -> Result<(), Fatal> {
        let (scene, diag) = (self.scene, self.diag);
        if let Some(error) = self.failed {
            return output_failed(diag, &error);
        }
        match done {
            Ok(()) | Err(Ended::Work(WorkError::Enough)) => {}
            Err(Ended::Listing(ListingError::Output(error))) => {
                return output_failed(diag, &error);
            }
            Err(ended) => return Err(scene.end(&ended, diag)),
        }
        let count = match self.shown.finish() {
            Ok(count) => count,
            Err(error) => return output_failed(diag, &error),
        };
        let deleted = scene.arguments.trash.deleted;
        diag.tell(
            Severity::Info,
            counted(would_be(self.action, deleted), count),
        );
        match scene.arguments.wishes.strict && self.missing > 0 {
            true => {
                diag.tell(Severity::Warning, missing_ids(self.missing));
                Err(Fatal::told(STATUS_STRICT))
            }
            false => Ok(()),
        }
    }
}

impl Takes for Preview<'_> {
    fn take(&mut self, asked: Asked) -> Result<(), WorkError> {
        if self.shown.is_full() {
            return Err(WorkError::Enough);
        }
        match asked {
            Asked::Id(id) => self.id(&id),
            Asked::NoId(text) => {
                let oddity = Oddity::InvalidId(text.clone());
                self.diag.tell(Severity::Warning, oddity.message());
                self.not_done(&text, Fate::Invalid)
            }
            Asked::CutAtNul(line) => {
                let oddity = Oddity::CutAtNul(line);
                self.diag.tell(Severity::Warning, oddity.message());
                Ok(())
            }
        }
    }

    fn pause(&mut self) -> Result<(), WorkError> {
        Ok(())
    }
}

/// Ends with the status of postsuper, unless it is the reader that has gone.
fn output_failed(diag: &mut Diag, error: &io::Error) -> Result<(), Fatal> {
    list::output_failed(diag, error).map_err(|_| Fatal::told(STATUS))
}

/// What would happen to messages.
fn would_be(action: Action, deleted: Deleted) -> &'static str {
    match action {
        Action::Delete if deleted == Deleted::InTrash => "Would be moved to trash",
        Action::Delete => "Would be deleted",
        Action::Expire => "Would be force-expired",
        Action::ExpireAndRelease => "Would be force-expired or released from hold",
        Action::Hold => "Would be placed on hold",
        Action::Release => "Would be released from hold",
        Action::Requeue => "Would be requeued",
    }
}
