//! `--dry-run`: the listing of what would be acted on, on standard output,
//! and how many that would be, on standard error.
//!
//! Changes nothing, and leaves no trace in the mail log.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::STATUS_STRICT;
use super::arguments::{ALL, MATCH, STDIN};
use super::operation::{counted, standard_input};
use super::scene::{Ended, Scene};
use super::trash::Deleted;
use crate::applets::{Fatal, list};
use crate::diag::{Diag, Severity};
use crate::listing::{
    Arrangement, Columns, Ending, Form, Gathered, ListingError, Look, Output, Sink, Style, Totals,
};
use crate::selection::Selection;
use crate::spool::actions::Action;
use crate::spool::message::{self, NoMessage};
use crate::spool::note::{Oddity, WorkError};
use crate::spool::report::Rules;
use crate::spool::reporter::{Location, Reporter};
use crate::spool::stream::{self, Asked, Takes};
use crate::spool::{Queue, QueueId};

/// Shows what the call would act on.
pub fn run(scene: Scene<'_>, diag: &mut Diag) -> Result<(), Fatal> {
    let Some((action, _)) = scene.arguments.actions.first() else {
        return Ok(());
    };
    let mut rules = scene.rules(diag)?;
    rules.charset = rules.charset.safe();
    let columns = match scene.config.enable_long_queue_ids {
        true => Columns::Long,
        false => Columns::Short,
    };
    let style = Style::Text(columns, None);
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let stdout = match stdout {
        Ok(stdout) => stdout,
        Err(error) => return list::output_failed(diag, &error),
    };
    let mut preview = Preview {
        scene,
        diag,
        rules: &rules,
        action: *action,
        style,
        shown: Shown {
            output: Output::new(stdout, style),
            left: scene.arguments.wishes.limit.unwrap_or(u64::MAX),
            count: 0,
            reader_gone: false,
        },
        reporter: Reporter::default(),
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
    shown: Shown<'a>,
    reporter: Reporter,
    /// IDs that are invalid or not there.
    missing: u64,
    /// Why the listing cannot be written.
    failed: Option<io::Error>,
}

impl Preview<'_> {
    fn all(&mut self) -> Result<(), Ended> {
        for (_, argument) in &self.scene.arguments.actions {
            if self.shown.left == 0 || self.shown.reader_gone {
                break;
            }
            if argument == STDIN {
                let interrupts = self.scene.interrupts;
                standard_input()
                    .and_then(|input| stream::read_ids(input, interrupts, self))
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
            spill: None,
        };
        self.scene
            .list(self.action, selection, self.rules, look, &mut self.shown)
    }

    /// Shows the message of an ID, if an action would find one.
    fn id(&mut self, id: &QueueId) -> Result<(), WorkError> {
        for selected in self.scene.selected {
            let queue = selected.queue()?;
            if self.action.looks_into(queue) && self.try_in(queue, id)? {
                return Ok(());
            }
        }
        self.missing = self.missing.saturating_add(1);
        Ok(())
    }

    /// Whether the message is in this queue.
    fn try_in(&mut self, queue: Queue, id: &QueueId) -> Result<bool, WorkError> {
        let path = self.scene.layout.path(queue, id.as_bytes());
        let name = path.to_string_lossy().into_owned();
        let dir = self.scene.spool;
        let message = match message::open(dir, path.as_bytes(), queue, &name) {
            Ok(message) => message,
            Err(NoMessage::NotThere) => return Ok(false),
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
        match self.shown.message(form.out(), totals) {
            Ok(_) => Ok(true),
            Err(error) => {
                self.failed = Some(error);
                Err(WorkError::Enough)
            }
        }
    }

    /// Ends the listing, and says how many there are.
    fn finish(self, done: Result<(), Ended>) -> Result<(), Fatal> {
        let Self {
            scene, diag, shown, ..
        } = self;
        if let Some(error) = self.failed {
            return list::output_failed(diag, &error);
        }
        match done {
            Ok(()) | Err(Ended::Work(WorkError::Enough)) => {}
            Err(Ended::Listing(ListingError::Output(error))) => {
                return list::output_failed(diag, &error);
            }
            Err(ended) => return Err(scene.end(&ended, diag)),
        }
        if let Err(error) = shown.output.finish() {
            return list::output_failed(diag, &error);
        }
        let deleted = self.scene.arguments.trash.deleted;
        diag.tell(
            Severity::Info,
            counted(would_be(self.action, deleted), shown.count),
        );
        match scene.arguments.wishes.strict && self.missing > 0 {
            true => Err(Fatal::told(STATUS_STRICT)),
            false => Ok(()),
        }
    }
}

impl Takes for Preview<'_> {
    fn take(&mut self, asked: Asked) -> Result<(), WorkError> {
        if self.shown.left == 0 || self.shown.reader_gone {
            return Err(WorkError::Enough);
        }
        match asked {
            Asked::Id(id) => self.id(&id),
            Asked::NoId(text) => {
                self.missing = self.missing.saturating_add(1);
                let oddity = Oddity::InvalidId(text);
                self.diag.tell(Severity::Warning, oddity.message());
                Ok(())
            }
        }
    }

    fn pause(&mut self) -> Result<(), WorkError> {
        Ok(())
    }
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

/// Writes the listing.
struct Shown<'a> {
    output: Output<'a, File>,
    left: u64,
    count: u64,
    reader_gone: bool,
}

impl Shown<'_> {
    fn message(&mut self, text: &[u8], totals: Totals) -> io::Result<Ending> {
        self.left = self.left.saturating_sub(totals.messages);
        self.count = self.count.saturating_add(totals.messages);
        self.output.count(totals);
        let ending = self.output.piece(text)?;
        self.reader_gone = ending == Ending::ReaderGone;
        Ok(ending)
    }
}

impl Sink for Shown<'_> {
    fn piece(&mut self, _: &[u8]) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn gathered(&mut self, gathered: Gathered) -> Result<Ending, ListingError> {
        let Gathered::Entries(entries) = gathered else {
            return Ok(Ending::Complete);
        };
        for entry in entries {
            if self.left == 0 {
                return Ok(Ending::Enough);
            }
            let written = self.message(&entry.text, entry.totals);
            if written.map_err(ListingError::Output)? != Ending::Complete {
                return Ok(Ending::ReaderGone);
            }
        }
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
